"""What tests of several packages share: how answers compare, and TensorFlow in a process without Keras, one for all."""

import io
import pickle
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

_PROGRAM = """
import importlib.util, pickle, sys, traceback
sys.modules["keras"] = None  # TensorFlow imports Keras wherever it can be imported
import tensorflow as tf
# TensorFlow Serving has these operations built in. The library alone: its Python side imports Keras.
text = importlib.util.find_spec("tensorflow_text").submodule_search_locations[0]
tf.load_library(text + "/python/ops")

def answer(path, requests):
    answers = {}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        signatures = tf.compat.v1.saved_model.load(session, ["serve"], path).signature_def
        for name, request in requests.items():
            inputs = {signatures[name].inputs[key].name: value for key, value in request.items()}
            outputs = {key: info.name for key, info in signatures[name].outputs.items()}
            answers[name] = session.run(outputs, inputs)
    assert not any(module.startswith("keras.") for module in sys.modules), "Keras was imported"
    return answers

while True:
    try:
        question = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    try:
        answers = answer(*question)
    except Exception:
        answers = traceback.format_exc()
    pickle.dump(answers, sys.stdout.buffer)
    sys.stdout.buffer.flush()
"""


@pytest.fixture(scope="session")
def answers_without_keras():
    """Asks a SavedModel in a process that cannot import Keras.

    The function given takes a version's folder and `{endpoint: {input: array}}`, and gives
    `{endpoint: {output: array}}`.
    """
    process = subprocess.Popen([sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(path, requests):
        pickle.dump((str(path), requests), process.stdin)
        process.stdin.flush()
        answers = pickle.load(process.stdout)
        assert isinstance(answers, dict), answers
        return answers

    with process:  # ends it by closing what it reads
        yield ask


@pytest.fixture(scope="session")
def assert_same():
    """Compares two answers that differ in rounding alone: one graph, run by as many threads as whoever runs it likes.

    Numbers are equal to `tolerance`, and to the rounding of the largest of them. Pixels are rounded, so that the last
    bit may decide: they are a level apart at most. Those of masks, and of what is drawn by masks, are of the likeliest
    class, which may be another for one in a thousand. All else is equal exactly.
    """
    return _assert_same


def _assert_same(answer, expected, tolerance=1e-5):
    assert set(answer) == set(expected)
    for name, value in expected.items():
        value, other = np.asarray(value), np.asarray(answer[name])
        if value.size == 0:
            # JSON cannot say what stands behind an empty axis.
            assert (other.size, other.ndim) == (0, value.ndim), name
        elif name.endswith("png_bytes"):
            assert other.shape == value.shape, name
            for one, same in zip(other.ravel(), value.ravel(), strict=True):
                _assert_same_pixels(_pixels(one), _pixels(same), name)
        elif name == "mask":
            _assert_same_pixels(other, value, name)
        elif value.dtype.kind == "f":
            rounding = 1e-5 * np.abs(value).max()
            np.testing.assert_allclose(other, value, rtol=tolerance, atol=max(tolerance, rounding), err_msg=name)
        else:
            np.testing.assert_array_equal(other, value, err_msg=name)


def _pixels(encoded):
    with Image.open(io.BytesIO(encoded)) as picture:
        return np.asarray(picture, "int16")


def _assert_same_pixels(picture, expected, name):
    assert picture.shape == expected.shape, name
    apart = np.abs(picture.astype("int16") - expected)
    if name.startswith(("mask", "overlay")):
        assert np.mean(apart > 0) < 1e-3, name
    else:
        assert apart.max() <= 1, name
