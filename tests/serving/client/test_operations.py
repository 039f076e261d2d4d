"""What the client sends and gives back, over gRPC and REST, waiting or not."""

import gzip
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.client import Client, ClientError

X = [[1, 2, 3], [0, 0, 0]]
EXAMPLES = [{"f": [1.5, 2.0]}, {"f": np.float32([4.5])}]
CONFIG = 'model_config_list { config { name: "m" base_path: "/m" model_platform: "tensorflow" } }'


def last(standin):
    return standin.backend.seen[-1]


def test_predict(client):
    answer = client.predict("m", {"x": X})
    assert answer["y"].dtype == np.float32
    assert answer["y"].tolist() == [[3, 5, 7], [1, 1, 1]]


def test_several_outputs_and_some_of_them(client):
    answer = client.predict("m", {"x": X}, "pair")
    assert {name: array.tolist() for name, array in answer.items()} == {
        "s": [b"big", b"small"],
        "y": [[3, 5, 7], [1, 1, 1]],
    }
    assert list(client.predict("m", {"x": X}, "pair", output_filter=["s"])) == ["s"]


def test_asks_what_a_model_takes_once(client, standin):
    for _ in range(3):
        client.predict("m", {"x": X})
        client.predict("m", {"x": X}, "pair")
    assert len(standin.backend.seen) == 7


@pytest.mark.parametrize(("choice", "path"), [({"version": 7}, "versions/7"), ({"label": "new/1"}, "labels/new%2F1")])
def test_version_and_label(client, standin, choice, path):
    client.predict("a/b", {"x": X}, **choice)
    for name, what in standin.backend.seen:
        if standin.kind == "rest":
            assert name.startswith(f"/v1/models/a%2Fb/{path}")
        else:
            spec = what.model_spec
            assert (spec.name, spec.version.value or None, spec.version_label or None) == (
                "a/b",
                choice.get("version"),
                choice.get("label"),
            )


def test_version_and_label_exclude_each_other(client):
    with pytest.raises(ValueError, match="exclude each other"):
        client.predict("m", {"x": X}, version=1, label="new")


def test_metadata_and_status(client):
    assert str(client.metadata("m")["pair"].inputs["x"]) == "float32 [any, 3]"
    assert [tuple(status) for status in client.status("m")] == [
        (2, "AVAILABLE", "OK", ""),
        (1, "END", "INVALID_ARGUMENT", ""),
    ]


def test_classify_and_regress(client):
    assert client.classify("m", EXAMPLES) == [[("sum", 3.5)], [("sum", 4.5)]]
    values = client.regress("m", EXAMPLES, context={"who": "all"})
    assert (values.dtype, values.tolist()) == (np.float32, [3.5, 4.5])


def test_features_on_the_wire(client, standin):
    example = {"i": 7, "b": [True], "f": np.float64([[1.0], [np.nan]]), "t": "é", "raw": [b"\xff", b""], "none": []}
    client.classify("m", [example], context={"c": 1})
    _, request = last(standin)
    if standin.kind == "rest":
        (sent,) = request["examples"]
        assert sent.pop("f")[0] == 1.0
        assert request["context"] == {"c": [1]}
        assert sent == {"i": [7], "b": [1], "t": [{"b64": "w6k="}], "raw": [{"b64": "/w=="}, {"b64": ""}], "none": []}
        return
    (sent,) = request.input.example_list_with_context.examples
    assert request.input.example_list_with_context.context.features.feature["c"].int64_list.value == [1]
    feature = sent.features.feature
    assert (feature["i"].int64_list.value, feature["b"].int64_list.value) == ([7], [1])
    assert feature["f"].float_list.value[0] == 1
    assert np.isnan(feature["f"].float_list.value[1])
    assert (feature["t"].bytes_list.value, feature["raw"].bytes_list.value) == (["é".encode()], [b"\xff", b""])
    assert feature["none"].WhichOneof("kind") == "float_list"


@pytest.mark.parametrize("value", [None, 2**63, [[1], [1, 2]], [b"a", 1], 1j])
def test_features_that_are_none(client, value):
    with pytest.raises(ClientError) as caught:
        client.classify("m", [{"f": value}])
    assert caught.value.code == "INVALID_ARGUMENT"


def test_multi_inference(client, standin):
    if standin.kind == "rest":
        with pytest.raises(ClientError, match="gRPC address") as caught:
            client.multi_inference("m", EXAMPLES, classify=["a"])
        assert caught.value.code == "UNIMPLEMENTED"
        return
    answer = client.multi_inference("m", EXAMPLES, classify=["a"], regress=["b"], label="new")
    assert answer["a"] == [[("sum", 3.5)], [("sum", 4.5)]]
    assert answer["b"].tolist() == [3.5, 4.5]
    assert [task.model_spec.version_label for task in last(standin)[1].tasks] == ["new", "new"]


def test_reload(client, standin):
    if standin.kind == "rest":
        with pytest.raises(ClientError, match="gRPC address"):
            client.reload(CONFIG)
        return
    message = text_format.Parse(CONFIG, model_server_config_pb2.ModelServerConfig())
    for config in (CONFIG, message):
        client.reload(config)
        assert last(standin)[1].config == message
    with pytest.raises(ClientError, match="text ModelServerConfig"):
        client.reload("models {")
    standin.backend.faults = [("UNAVAILABLE", "not now")] * 2
    with pytest.raises(ClientError, match="not now"):
        client.reload(CONFIG)
    assert len(standin.backend.faults) == 1


def test_ready_by_the_servers_own_word(client, standin):
    assert client.ready() is True
    standin.backend.ready = False
    assert client.ready("m") is False
    standin.stop()
    assert client.ready() is False


@pytest.mark.parametrize("code", ["UNIMPLEMENTED", "NOT_FOUND", "INVALID_ARGUMENT"])
def test_ready_by_the_models_where_the_server_has_no_word(client, standin, code):
    standin.backend.faults = [(code, "Malformed request: GET /healthz/ready")]
    assert client.ready("m", "n") is True
    standin.backend.faults = [(code, ""), None, ("NOT_FOUND", "Servable not found for request")]
    assert client.ready("m", "n") is False
    standin.backend.faults = [(code, "")]
    with pytest.raises(ClientError, match="name the models"):
        client.ready()


@pytest.mark.parametrize("size", [10, 1000])
def test_compression(make_client, standin, monkeypatch, size):
    compressed = []
    monkeypatch.setattr(gzip, "compress", lambda *a, real=gzip.compress, **k: compressed.append(1) or real(*a, **k))
    x = np.arange(size * 3, dtype=np.float32).reshape(size, 3)
    with make_client(standin.address, compress=True) as client:
        np.testing.assert_array_equal(client.predict("m", {"x": x})["y"], x * 2 + 1)
    if standin.kind == "rest":
        # The request and the answer of 1000 rows.
        assert len(compressed) == (2 if size == 1000 else 0)


@pytest.mark.parametrize("standin", ["rest"], indirect=True)
def test_a_server_behind_a_path(make_client, standin):
    with make_client(standin.address + "/prefix/") as client:
        client.status("m")
    assert last(standin)[0] == "/prefix/v1/models/m"


def test_the_same_client_from_many_threads(standin):
    with Client(standin.address) as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: client.predict("m", {"x": [[n, 0, 0]]})["y"][0, 0], range(100)))
    assert answers == [2 * n + 1 for n in range(100)]
