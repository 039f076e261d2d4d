"""What tests of several packages share: TensorFlow in a process without Keras, one for all of them."""

import pickle
import subprocess
import sys

import pytest

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
