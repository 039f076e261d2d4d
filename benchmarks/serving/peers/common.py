"""What all peers share: the SavedModel's signature, called as TensorFlow's guide shows, and the form of an answer."""

import base64
import os

import numpy as np

PORT = int(os.environ["BENCHMARK_PORT"])
FOLDER = os.environ["BENCHMARK_MODEL"]
INPUT = os.environ["BENCHMARK_INPUT"]
PICTURES = INPUT == "image_bytes"

WORKERS = int(os.environ["BENCHMARK_WORKERS"])
MAX_BATCH_SIZE = int(os.environ["BENCHMARK_MAX_BATCH_SIZE"])
BATCH_TIMEOUT = float(os.environ["BENCHMARK_BATCH_TIMEOUT"])


class Model:
    """The model's `serving_default` signature."""

    def __init__(self):
        # Here and not above: the processes that only hand requests on need no TensorFlow.
        import tensorflow as tf

        self._constant = tf.constant
        self._loaded = tf.saved_model.load(FOLDER)
        self._signature = self._loaded.signatures["serving_default"]

    def __call__(self, rows):
        """Answers rows: an array, or a list of arrays or of bytes, to a dict of arrays for each."""
        outputs = self._signature(**{INPUT: self._constant(rows if PICTURES else np.asarray(rows, np.float32))})
        outputs = {name: value.numpy() for name, value in outputs.items()}
        return [{name: value[index] for name, value in outputs.items()} for index in range(len(rows))]


def plain(row):
    """Turns one answer of `Model` into lists of numbers and text, for JSON."""
    texts = {name: value for name, value in row.items() if value.dtype == object}
    numbers = {name: value.tolist() for name, value in row.items() if name not in texts}
    return numbers | {name: [text.decode() for text in value] for name, value in texts.items()}


def decode(body):
    """Reads a JSON request: an array of `float32`, or the bytes of a picture sent in base64."""
    return base64.b64decode(body[INPUT]) if PICTURES else np.asarray(body[INPUT], np.float32)
