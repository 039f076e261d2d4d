"""What BERT reads, inside the graph: pairs of texts, and texts with blanks."""

import tensorflow as tf

_SPECIAL = 3  # tokens besides those of two texts


def pack_ragged(vocabulary, first, second, length):
    """Does what `dlkeras.text.sentence_pairs.pack` does, as wide as the longest pair.

    Args:
        vocabulary: `Vocabulary` with `begin`, `separator` and `padding`.
        first: Ragged int32 `(batch, pieces)`.
        second: Likewise.
        length: Tokens of a pair at most.

    Returns:
        int32 `(batch, 2, longest)`.
    """
    begin, separator = (vocabulary.ids[vocabulary.reserved[part]] for part in ("begin", "separator"))
    first, second = _shortened(first, second, length - _SPECIAL)
    has_second = tf.cast(second.row_lengths() > 0, "int64")
    marks = lambda token, counts: tf.RaggedTensor.from_row_lengths(  # noqa: E731 - a column of one token
        tf.fill([tf.reduce_sum(counts)], token), counts
    )
    one = tf.ones_like(has_second)
    ids = tf.concat([marks(begin, one), first, marks(separator, one), second, marks(separator, has_second)], axis=1)
    second_lengths = second.row_lengths() + has_second
    segments = tf.concat([marks(0, ids.row_lengths() - second_lengths), marks(1, second_lengths)], axis=1)
    return tf.stack([ids.to_tensor(vocabulary.padding), segments.to_tensor(0)], axis=1)


def _shortened(a, b, room):
    """Cuts the ends of ragged rows by the rule of `dlkeras.text.sentence_pairs.shortened`."""
    lengths = a.row_lengths(), b.row_lengths()
    over = tf.maximum(lengths[0] + lengths[1] - room, 0)
    uneven = tf.minimum(over, tf.abs(lengths[0] - lengths[1]))
    both, odd = (over - uneven) // 2, (over - uneven) % 2
    a_is_longer = lengths[0] > lengths[1]
    cut_a = both + tf.where(a_is_longer, uneven, tf.zeros_like(uneven))
    cut_b = both + odd + uneven - (cut_a - both)
    return _first(a, lengths[0] - cut_a), _first(b, lengths[1] - cut_b)


def _first(rows, counts):
    """Cuts ragged rows to so many each."""
    places = tf.ragged.range(rows.row_lengths())
    return tf.ragged.boolean_mask(rows, places < tf.cast(counts, places.dtype)[:, None])


def ids_with_blanks(tokens, vocabulary, texts, mask):
    """Gives the pieces of texts in which a word stands for a blank.

    Args:
        tokens: A tokenizer's form for graphs.
        vocabulary: Its `Vocabulary`, with `mask`.
        texts: String tensor `(batch,)`.
        mask: The word, such as `"[MASK]"`.

    Returns:
        Ragged int32 `(batch, pieces)`, with the id of the mask where the word stood.
    """
    parts = tf.strings.split(texts, sep=mask)
    pieces = tokens.ragged(parts.values)
    number = vocabulary.ids[vocabulary.reserved["mask"]]
    pieces = tf.concat([pieces, tf.fill([pieces.nrows(), 1], number)], axis=1)
    # Behind the last part of a text there is no blank.
    return parts.with_values(pieces).merge_dims(1, 2)[:, :-1]
