"""Which words moved an answer: the gradient of its score by their vectors, times the vectors."""

import tensorflow as tf


def explain(model, ids):
    """Weighs the words of texts by gradient times input.

    Args:
        model: Classifier of `dlkeras.models.text`.
        ids: int32 `(batch, length)`.

    Returns:
        `(logits, weights)`: `(batch, classes)`, and `(batch, length)`: how much each word raised the log-probability of
        the best class, to first order.

    Source: Denil et al. 2014, "Extraction of salient sentences from labelled documents".
    """
    table = model.get_layer("embedding").embeddings.value
    with tf.GradientTape() as tape:
        tape.watch(table)
        logits = model(ids, training=False)
        best = tf.reduce_max(tf.nn.log_softmax(logits), axis=-1)
    # Of a table that is looked up, the gradient is kept a row for each look-up: here a row for each word.
    gradient = tape.gradient(best, table)
    vectors = tf.gather(table, ids)
    return logits, tf.reduce_sum(tf.reshape(gradient.values, tf.shape(vectors)) * vectors, axis=-1)
