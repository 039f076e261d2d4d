"""Which words moved an answer: the gradient of its score by their vectors, times the vectors."""

import keras
import tensorflow as tf

from dlkeras.models.text.members import Members, members_of
from dlkeras.models.text.words import VECTORS


def explain(model, ids):
    """Weighs the words of texts by gradient times input.

    Args:
        model: Classifier of `dlkeras.models.text`, or `Members` of such.
        ids: int32 `(batch, length)`.

    Returns:
        `(logits, weights)`: `(batch, classes)`, and `(batch, length)`: how much each word raised the log-probability of
        the best class, to first order: by its vector in each member, and by what stands beside them.

    Source: Denil et al. 2014, "Extraction of salient sentences from labelled documents".
    """
    halves = [_halves(member) for member in members_of(model)]
    vectors = [look_up(ids, training=False) for look_up, _ in halves]
    wide = getattr(model, "wide", None)
    scores = [] if wide is None else [wide(ids)]
    with tf.GradientTape() as tape:
        tape.watch([vectors, scores])
        logits = [read([ids, x], training=False) for (_, read), x in zip(halves, vectors, strict=True)]
        logits = model.join(logits, *scores or [None]) if isinstance(model, Members) else logits[0]
        best = tf.reduce_max(tf.nn.log_softmax(logits), axis=-1)
    told = [*vectors, *scores]
    gradients = tape.gradient(best, told)
    return logits, tf.add_n([tf.reduce_sum(part, axis=-1) for part in map(tf.multiply, gradients, told)])


def _halves(model):
    """Parts a model at its word vectors: from ids to these, and from ids and these to logits."""
    vectors = model.get_layer(VECTORS).output
    return keras.Model(model.input, vectors), keras.Model([model.input, vectors], model.output)
