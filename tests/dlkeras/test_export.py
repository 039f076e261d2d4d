"""A model and its endpoints as a numbered SavedModel, whole or not at all."""

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from dlkeras.export import Endpoint, RequestError, export, versions


@pytest.fixture
def model():
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


def _endpoint(model, name="serving_default", **changes):
    def function(x):
        with tf.control_dependencies([tf.debugging.Assert(tf.size(x) > 0, ["`x` must hold a row. Received: none"])]):
            return {"y": model(tf.identity(x)), "twice": 2.0 * x}

    fields = {
        "name": name,
        "function": function,
        "inputs": {"x": ((None, 3), "float32")},
        "example": {"x": [[1, 2, 3]]},
    }
    return Endpoint(**{**fields, **changes})


def test_the_saved_model_answers_as_the_endpoint_by_the_same_names(model, tmp_path):
    endpoints = [_endpoint(model), _endpoint(model, "other")]
    path = export(model, endpoints, tmp_path / "m")
    loaded = tf.saved_model.load(str(path))
    assert set(loaded.signatures) == {"serving_default", "other"}
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    for endpoint in endpoints:
        here, there = endpoint({"x": x}), loaded.signatures[endpoint.name](x=tf.constant(x))
        assert set(here) == set(there) == {"y", "twice"}
        np.testing.assert_allclose(here["y"], x @ np.array(model.get_weights()[0]), atol=1e-6)
        np.testing.assert_allclose(here["y"], there["y"], atol=1e-6)


def test_the_tables_of_layers_go_along(answers_without_keras, tmp_path):
    words = keras.Input((), dtype="string")
    lookup = keras.layers.StringLookup(vocabulary=["one", "two"])
    model = keras.Model(words, lookup(words))
    endpoint = Endpoint(
        "serving_default", lambda word: {"id": model(word)}, {"word": ((None,), "string")}, {"word": ["one"]}
    )
    path = export(model, [endpoint], tmp_path / "m")
    answer = answers_without_keras(path, {"serving_default": {"word": ["two", "one", "three"]}})
    assert answer["serving_default"]["id"].tolist() == [2, 1, 0]


def test_what_an_endpoint_uses_is_traced_once(model, tmp_path):
    traces = []

    def function(x):
        traces.append(x)
        return {"y": model(x)}

    export(model, [_endpoint(model, function=function)], tmp_path / "m")
    assert len(traces) == 1


def test_versions_count_up_and_names_that_are_no_numbers_are_left_alone(model, tmp_path):
    (tmp_path / "m" / "7").mkdir(parents=True)
    (tmp_path / "m" / "notes").mkdir()
    assert export(model, [_endpoint(model)], tmp_path / "m").name == "8"
    assert versions(tmp_path / "m") == [7, 8]
    assert versions(tmp_path / "nowhere") == []


def test_an_export_that_fails_leaves_nothing(model, tmp_path):
    def broken(x):
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        export(model, [_endpoint(model), _endpoint(model, "broken", function=broken)], tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_two_exports_at_once_get_two_numbers(model, tmp_path):
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(export(model, [_endpoint(model)], tmp_path / "m").name))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == ["1", "2"]
    assert all((tmp_path / "m" / number / "saved_model.pb").exists() for number in made)


def test_what_goes_with_a_version(model, tmp_path):
    path = export(model, [_endpoint(model)], tmp_path / "m", card="# A card", files={"labels.txt": "a\nb\n"})
    extra = path / "assets.extra"
    assert (extra / "README.md").read_text() == "# A card"
    assert (extra / "labels.txt").read_text() == "a\nb\n"
    records = list(tf.data.TFRecordDataset(str(extra / "tf_serving_warmup_requests")).as_numpy_iterator())
    requests = [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request for record in records]
    assert [request.model_spec.signature_name for request in requests] == ["serving_default"]
    np.testing.assert_array_equal(tf.make_ndarray(requests[0].inputs["x"]), [[1, 2, 3]])


def test_exporting_is_quiet(model, tmp_path, capfd):
    export(model, [_endpoint(model)], tmp_path / "m")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("names", [["other"], ["serving_default", "serving_default"], []])
def test_endpoints_need_a_default_and_names_of_their_own(model, tmp_path, names):
    with pytest.raises(ValueError, match="`endpoints` must have different names, one of them serving_default"):
        export(model, [_endpoint(model, name) for name in names], tmp_path / "m")


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"z": [[1, 2, 3]]}, "serving_default takes x. Received: z"),
        ({}, "Received: nothing"),
        ({"x": np.zeros((0, 3), "float32")}, "^`x` must hold a row. Received: none$"),
        ({"x": [["words"]]}, "."),
        ({"x": [[1, 2]]}, "."),
    ],
)
def test_a_wrong_request_is_refused_with_a_sentence(model, inputs, sentence):
    with pytest.raises(RequestError, match=sentence) as refusal:
        _endpoint(model)(inputs)
    assert "{{node" not in str(refusal.value)
