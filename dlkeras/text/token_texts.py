"""From tokens back to texts, inside the graph; for characters and byte pairs, which say all of a text."""

import numpy as np
import tensorflow as tf

from dlkeras.text.subwords import BYTE_CHARACTERS, BytePairTokenizer


def token_texts(tokenizer):
    """Returns what stands for each id in a text, an array of bytes; nothing for ids that are reserved.

    Args:
        tokenizer: A `CharacterTokenizer` or `BytePairTokenizer`, of which a token may be part of a character.
    """
    bytes_of = str.encode
    if isinstance(tokenizer, BytePairTokenizer):
        table = {ord(character): number for number, character in enumerate(BYTE_CHARACTERS)}
        bytes_of = lambda token: token.translate(table).encode("latin-1")  # noqa: E731 - one of two
    vocabulary = tokenizer.vocabulary
    reserved = set(vocabulary.reserved.values())
    return np.array([b"" if token in reserved else bytes_of(token) for token in vocabulary.tokens], object)


def joined(texts, ids):
    """Puts tokens together.

    Args:
        texts: What `token_texts` gave.
        ids: int32 `(..., length)`.

    Returns:
        String tensor `(...)` of UTF-8; bytes that are none become U+FFFD.
    """
    return tf.strings.unicode_transcode(tf.strings.reduce_join(tf.gather(texts, ids), axis=-1), "UTF-8", "UTF-8")


def left_padded(ragged, width=None):
    """Puts ragged ids into columns, the last one of each row in the last column, and 0 before the first.

    Args:
        ragged: Ragged int32 `(batch, None)`.
        width: Number of columns: of a longer row the beginning is lost. `None` for as many as the longest has.

    Returns:
        int32 `(batch, width)`.
    """
    lengths = tf.cast(ragged.row_lengths(), "int32")
    width = tf.reduce_max(tf.concat([lengths, [0]], 0)) if width is None else width
    places = lengths[:, None] - width + tf.range(width)
    # A column more than there are ids, so that there is one to look at.
    ids = tf.pad(ragged.to_tensor(0), [[0, 0], [0, 1]])
    return tf.where(places >= 0, tf.gather(ids, tf.maximum(places, 0), batch_dims=1), 0)
