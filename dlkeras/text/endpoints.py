"""Texts of requests, inside the graph."""

import tensorflow as tf

from dlkeras.data.refusing import refuse_unless, rows_where


def refuse_empty(lengths, what):
    """Makes an operation that refuses a text without a word, for `tf.control_dependencies`.

    Args:
        lengths: Number of words of each text, integers `(batch,)`.
        what: What such a text is called, such as "premise".

    Raises:
        tf.errors.InvalidArgumentError: A text has none.
    """
    empty = lengths == 0
    sentence = f"A {what} must have a word at least. Received none in row "
    return refuse_unless(~tf.reduce_any(empty), sentence, rows_where(empty))


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
    with tf.control_dependencies([there, refuse_empty(lengths, "text")]):
        return tf.identity(ids)
