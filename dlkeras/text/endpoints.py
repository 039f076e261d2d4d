"""Texts of requests, inside the graph."""

import tensorflow as tf

from dlkeras.data.refusing import refuse_unless


def ids_of_words(tokens, texts, max_length):
    """Gives the ids of texts that each have a word at least.

    Args:
        tokens: A tokenizer's form for graphs.
        texts: String tensor `(batch,)`.
        max_length: Ids that a text has at most.

    Returns:
        int32 `(batch, length)`.

    Raises:
        tf.errors.InvalidArgumentError: A text has none, or there is no text.
    """
    ids, lengths = tokens(texts, max_length=max_length)
    there = refuse_unless(tf.size(texts) > 0, "A request must hold at least one text. Received: 0")
    empty = tf.strings.as_string(tf.where(lengths == 0)[:5, 0])
    rows = tf.strings.reduce_join(empty, separator=", ")
    words = refuse_unless(tf.size(empty) == 0, "A text must have a word at least. Received none in row ", rows)
    with tf.control_dependencies([there, words]):
        return tf.identity(ids)
