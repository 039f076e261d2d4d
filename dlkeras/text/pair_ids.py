"""Pairs of texts of requests, inside the graph: checked, and as ids or words."""

import tensorflow as tf

from dlkeras.data.refusing import refuse_unless
from dlkeras.text.endpoints import refuse_empty


def checked_pairs(first, second, names=("premise", "hypothesis"), plurals=("premises", "hypotheses")):
    """Returns string tensors `(batch,)` after checking that there are as many of both, and one at least.

    Args:
        first: String tensor `(batch,)`, like `second`.
        second: Likewise.
        names: What a text of each is called.
        plurals: What several are called.

    Raises:
        tf.errors.InvalidArgumentError: There are none, or not as many of both.
    """
    counts = tf.size(first), tf.size(second)
    there = refuse_unless(tf.minimum(*counts) > 0, f"A request must hold at least one {names[0]} and {names[1]}")
    alike = refuse_unless(
        counts[0] == counts[1],
        *(f"A request must hold a {names[1]} for each {names[0]}. Received: ", counts[0], f" {plurals[0]} and "),
        *(counts[1], f" {plurals[1]}"),
    )
    with tf.control_dependencies([there, alike]):
        return tf.identity(first), tf.identity(second)


def ids_of_pairs(tokens, premises, hypotheses, max_length):
    """Gives the ids of pairs of which each text has a word at least.

    Args:
        tokens: A tokenizer's form for graphs.
        premises: String tensor `(batch,)`, like `hypotheses`.
        max_length: Ids that a text has at most: what is longer loses its end.

    Returns:
        int32 `(batch, 2, length)`, 0 for padding.

    Raises:
        tf.errors.InvalidArgumentError: A text has no word, or there are not as many premises as hypotheses.
    """
    named = zip(("premise", "hypothesis"), checked_pairs(premises, hypotheses), strict=True)
    found = {name: tokens(texts, max_length=max_length) for name, texts in named}
    longest = tf.reduce_max([tf.shape(ids)[1] for ids, _ in found.values()])
    padded = [tf.pad(ids, [[0, 0], [0, longest - tf.shape(ids)[1]]]) for ids, _ in found.values()]
    with tf.control_dependencies([refuse_empty(lengths, name) for name, (_, lengths) in found.items()]):
        return tf.stack(padded, axis=1)


def words_of(tokens, texts, max_length):
    """Gives the words of texts as they are written there: a string tensor `(batch, length)`, empty behind the last.

    Args:
        tokens: The form for graphs of a `WordTokenizer`.
        texts: String tensor `(batch,)`.
        max_length: Words of a text at most.
    """
    # Bytes that are no UTF-8 count as one character each, for which the tokens hold them too.
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
    starts, ends = (part[:, :max_length] for part in tokens.spans(texts))
    rows = tf.gather(texts, starts.value_rowids())
    words = tf.strings.substr(rows, starts.values, ends.values - starts.values, unit="UTF8_CHAR")
    return starts.with_values(words).to_tensor("")
