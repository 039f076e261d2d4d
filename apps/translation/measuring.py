"""Translates many sentences, and measures how surely a translator says what people have said."""

import keras
import numpy as np
import tensorflow as tf

from dlkeras.metrics.sequences import Perplexity
from dlkeras.text.padding import trim

_AT_ONCE = 64


def translate_all(translator, ids):
    """Translates sentences, those of like lengths together.

    Args:
        translator: `dlkeras.text.translating.Translator`.
        ids: Source ids with the end, int32 `(sentences, length)`.

    Returns:
        The ids of the best translation of each, a list of lists.
    """
    search = tf.function(translator.search, input_signature=[tf.TensorSpec([None, None], "int32")])
    found = [[] for _ in ids]
    for rows in _batches(ids):
        tokens = search(trim(ids[rows])).tokens[:, 0].numpy()
        for row, said in zip(rows, tokens, strict=True):
            found[row] = said[said != 0].tolist()
    return found


def perplexity(model, examples):
    """Returns e to the power of the mean cross-entropy of all pieces but padding."""
    metric = Perplexity()
    for rows in _batches(examples.y):
        width = max(trim(part[rows]).shape[-1] for part in examples)
        logits = model.predict_on_batch(examples.x[rows, :, :width])
        metric.update_state(examples.y[rows, :width], logits)
    return float(keras.ops.convert_to_numpy(metric.result()))


def _batches(ids):
    order = np.argsort((ids != 0).sum(axis=-1), kind="stable")
    return [order[start : start + _AT_ONCE] for start in range(0, len(order), _AT_ONCE)]
