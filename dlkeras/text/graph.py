"""Tokenizers for graphs: called in an endpoint with texts, they give the ids that their other form gives.

All that they know is constants of the graph, so a SavedModel holds its vocabulary, keeps no state, and needs no files.
"""

import numpy as np
import tensorflow as tf

from dlkeras.text.characters import SEPARATOR_CODE
from dlkeras.text.splitting import split_words


class Tensors:
    """What the rules of `dlkeras.text.splitting` need of TensorFlow; `Arrays` says what each does."""

    take = staticmethod(tf.gather)
    keep = staticmethod(tf.boolean_mask)
    concatenate = staticmethod(tf.concat)

    @staticmethod
    def roll(x, shift):
        return tf.roll(x, shift, 0)

    @staticmethod
    def places(mask):
        return tf.cast(tf.where(mask)[:, 0], "int32")

    @staticmethod
    def count(mask):
        return tf.cumsum(tf.cast(mask, "int32"))

    @staticmethod
    def size(x):
        return tf.shape(x)

    @staticmethod
    def range_of(x):
        return tf.range(tf.size(x))


class GraphTokenizer:
    """Base of the forms for graphs; made by `Tokenizer.graph`.

    Args:
        vocabulary: The `Vocabulary`.
    """

    def __init__(self, vocabulary):
        self._vocabulary = vocabulary

    def __call__(self, texts, max_length=None):
        """Gives the ids of texts, padded to the longest.

        Args:
            texts: String tensor `(batch,)` of UTF-8; bytes that are none are read as U+FFFD.
            max_length: Ids that a text has at most: what is longer loses its end.

        Returns:
            `(ids, lengths)`, int32 `(batch, length)` and `(batch,)`; the length is at least 1.
        """
        ragged = self.ragged(texts)
        ragged = ragged if max_length is None else ragged[:, :max_length]
        lengths = tf.cast(ragged.row_lengths(), "int32")
        ids = ragged.to_tensor(self._vocabulary.padding)
        missing = tf.maximum(1 - tf.shape(ids)[1], 0)
        return tf.pad(ids, [[0, 0], [0, missing]], constant_values=self._vocabulary.padding), lengths

    def ragged(self, texts):
        """Gives the ids of texts as a ragged int32 tensor `(batch, None)`."""
        raise NotImplementedError


class GraphCharacters(GraphTokenizer):
    """Operations: UnicodeDecode, GatherV2, SearchSorted (LowerBound), arithmetic."""

    def __init__(self, vocabulary, table):
        super().__init__(vocabulary)
        self._table = table
        tokens = [(ord(token), number) for token, number in vocabulary.ids.items() if len(token) == 1]
        self._ids = SortedTable(dict(tokens), vocabulary.unknown)

    def ragged(self, texts):
        decoded = decode(texts)
        codes, _ = self._table.look_up(decoded.values, Tensors)
        return decoded.with_values(self._ids(tf.cast(codes, "int64")))


class GraphWords(GraphTokenizer):
    """Operations: UnicodeDecode, GatherV2, UnicodeEncode, StringToHashBucketFast, LowerBound, arithmetic."""

    def __init__(self, vocabulary, table, contractions):
        super().__init__(vocabulary)
        self._table, self._contractions = table, contractions
        self._ids = StringTable(vocabulary)

    def ragged(self, texts):
        words, rows = self._split(texts)
        return tf.RaggedTensor.from_value_rowids(self._ids(encoded(words)), *rows)

    def spans(self, texts):
        """Gives where words are in texts, in code points: `(starts, ends)`, ragged int32 `(batch, None)`."""
        words, rows = self._split(texts)
        before = first_codes(texts, rows[0])
        ends = (words.first - before, words.last - before)
        return tuple(tf.RaggedTensor.from_value_rowids(end, *rows) for end in ends)

    def _split(self, texts):
        codes, rows = joined(texts)
        words = split_words(codes, self._table, self._contractions, Tensors)
        return words, (tf.gather(rows, words.first), tf.size(texts, tf.int64))


class SortedTable:
    """Whole numbers to ids, found by halving.

    Args:
        ids: `{number: id}`.
        default: Id of every other number.
    """

    def __init__(self, ids, default):
        self._keys = np.array(sorted(ids), "int64")
        self._values = np.array([ids[key] for key in self._keys.tolist()], "int32")
        self._default = default

    def __call__(self, keys):
        if not len(self._keys):
            return tf.fill(tf.shape(keys), self._default)
        places = self.places(keys)
        return tf.where(tf.gather(self._keys, places) == keys, tf.gather(self._values, places), self._default)

    def places(self, keys):
        """Returns where each key stands among those sorted, or would stand."""
        return tf.minimum(tf.searchsorted(self._keys, keys), len(self._keys) - 1)


class StringTable:
    """Tokens to ids: by a hash of 63 bits, and then the token itself is compared.

    A table of TensorFlow would be a resource, which a SavedModel must fill as it is loaded; this one is constants.
    """

    def __init__(self, vocabulary):
        tokens = np.array([token.encode() for token in vocabulary.tokens], object)
        hashes = _hash(tf.constant(tokens)).numpy()
        order = np.argsort(hashes, kind="stable")
        self._tokens, self._numbers = tokens[order], order.astype("int32")
        self._places = SortedTable(dict.fromkeys(hashes.tolist(), 0), 0).places
        if len({*hashes.tolist()}) < len(hashes):
            raise ValueError("Two tokens of the vocabulary have one hash; leave one of them out.")
        self._unknown = vocabulary.unknown

    def __call__(self, tokens):
        places = self._places(_hash(tokens))
        return tf.where(tf.gather(self._tokens, places) == tokens, tf.gather(self._numbers, places), self._unknown)


def decode(texts):
    """Returns the code points of texts, ragged int32 `(batch, None)`."""
    return tf.strings.unicode_decode(texts, "UTF-8", errors="replace", replacement_char=0xFFFD)


def joined(texts):
    """Returns the code points of all texts with a separator after each, and the row of each, `(n,)`."""
    codes = decode(texts)
    separators = tf.fill([tf.size(texts), 1], SEPARATOR_CODE)
    codes = tf.concat([codes, separators], axis=1)
    return codes.values, codes.value_rowids()


def first_codes(texts, rows):
    """Returns where the texts of some rows begin among the code points of `joined`, int32 `(rows,)`."""
    return tf.gather(tf.cast(tf.cumsum(decode(texts).row_lengths() + 1, exclusive=True), "int32"), rows)


def encoded(words):
    """Returns the text of each of `Words`, a string tensor `(words,)`."""
    return tf.strings.unicode_encode(tf.RaggedTensor.from_row_lengths(words.codes, words.lengths), "UTF-8")


def _hash(tokens):
    return tf.strings.to_hash_bucket_fast(tokens, 2**63 - 1)
