"""TensorFlow Lite models in a version's folder."""

import threading

import numpy as np
import pytest
import tensorflow as tf

from serving.config import ModelConfig
from serving.errors import ServingError
from serving.manager import Manager
from serving.runner import RunnerOptions
from serving.tflite import TfLiteRunner

X = np.arange(6, dtype=np.float32).reshape(2, 3)


class Model(tf.Module):
    """Two signatures, one of them on text."""

    @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32, "x")])
    def double(self, x):
        return {"y": x * 2.0, "total": tf.reduce_sum(x, -1)}

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "text")])
    def same(self, text):
        return {"text_out": tf.reshape(text, [-1])}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A model whose version 1 has a SavedModel and a model.tflite, and answers differently by each."""
    folder = tmp_path_factory.mktemp("lite")
    model = Model()
    source = folder / "source"
    tf.saved_model.save(model, str(source), signatures={"serving_default": model.double, "same": model.same})
    converter = tf.lite.TFLiteConverter.from_saved_model(str(source), signature_keys=["serving_default", "same"])
    content = converter.convert()
    other = tf.Module()
    other.serve = tf.function(lambda x: {"y": x * 3.0}, input_signature=[tf.TensorSpec((None, 3), tf.float32, "x")])
    tf.saved_model.save(other, str(folder / "m" / "1"), signatures=other.serve)
    (folder / "m" / "1" / "model.tflite").write_bytes(content)
    return folder / "m"


def test_signatures_and_answers(base):
    runner = TfLiteRunner(base / "1", RunnerOptions())
    assert sorted(runner.signatures) == ["same", "serving_default"] == sorted(runner.signature_defs.signature_def)
    signature = runner.signature("serving_default")
    assert {name: str(spec) for name, spec in signature.inputs.items()} == {"x": "float32 [any, 3]"}
    for x in (X, X[:1]):
        outputs = runner.run("serving_default", {"x": x}, ("total", "y"))
        assert list(outputs) == ["total", "y"]
        np.testing.assert_allclose(outputs["y"], x * 2)
        np.testing.assert_allclose(outputs["total"], x.sum(-1))
    text = np.array([b"one", b"\xff two"], object)
    assert runner.run("same", {"text": text}, ("text_out",))["text_out"].tolist() == text.tolist()
    assert (runner.is_stateful("same"), runner.has_loops("same")) == (True, False)
    with pytest.raises(ServingError, match=r"signatures are same, serving_default. Received: 'other'"):
        runner.signature("other")
    runner.close()


def test_a_model_without_signatures(tmp_path):
    concrete = tf.function(lambda x: x + 1.0).get_concrete_function(tf.TensorSpec((1, 3), tf.float32, name="x"))
    (tmp_path / "model.tflite").write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())
    runner = TfLiteRunner(tmp_path, RunnerOptions())
    signature = runner.signature("serving_default")
    ((key, spec),), (output,) = signature.inputs.items(), signature.outputs
    assert spec.shape == (1, 3)
    np.testing.assert_allclose(runner.run("serving_default", {key: X[:1]}, (output,))[output], X[:1] + 1)
    runner.close()


def test_many_threads_share_the_interpreters(base):
    runner, wrong = TfLiteRunner(base / "1", RunnerOptions(tflite_interpreters=2)), []

    def work(rows):
        x = np.full((rows, 3), float(rows), np.float32)
        for _ in range(50):
            if not np.array_equal(runner.run("serving_default", {"x": x}, ("y",))["y"], x * 2):
                wrong.append(rows)

    threads = [threading.Thread(target=work, args=(rows,)) for rows in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    runner.close()


@pytest.mark.parametrize(("prefer", "factor"), [(True, 2), (False, 3)])
def test_which_of_the_two_is_served(base, prefer, factor):
    manager = Manager([ModelConfig("m", str(base))], RunnerOptions(prefer_tflite=prefer), poll_wait_seconds=0)
    manager.start()
    with manager.model("m").use() as version:
        y = version.runner.run("serving_default", {"x": X}, ("y",))["y"]
    np.testing.assert_allclose(y, X * factor)
    manager.stop()


def test_a_broken_file(tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"not a model")
    with pytest.raises(ValueError, match=r"(?i)model"):
        TfLiteRunner(tmp_path, RunnerOptions())
