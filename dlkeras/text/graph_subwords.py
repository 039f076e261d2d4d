"""The tokenizers of parts of words, for graphs."""

import numpy as np
import tensorflow as tf

from dlkeras.text.graph import GraphTokenizer, SortedTable, Tensors, encoded, first_codes, joined
from dlkeras.text.splitting import split_lossless, split_words
from dlkeras.text.subwords import BYTE_CHARACTERS, LONGEST_WORD


class GraphWordPieces(GraphTokenizer):
    """Operations: those of `GraphWords` but the table, and `FastWordpieceTokenizeWithOffsets`."""

    def __init__(self, vocabulary, table):
        # Here, since it takes seconds and no other tokenizer needs it.
        from tensorflow_text import FastWordpieceTokenizer

        super().__init__(vocabulary)
        self._table = table
        self._pieces = FastWordpieceTokenizer(
            vocabulary.tokens,
            max_bytes_per_word=LONGEST_WORD,
            token_out_type=tf.int32,
            unknown_token=vocabulary.reserved["unknown"],
            no_pretokenization=True,
            support_detokenization=False,
        )

    def ragged(self, texts):
        _, rows, pieces = self._split(texts)
        by_word = tf.RaggedTensor.from_value_rowids(pieces, rows, tf.size(texts, tf.int64))
        return by_word.merge_dims(1, 2)

    def spans(self, texts):
        """Gives where the word of each piece is, in code points: `(starts, ends)`, ragged int32 `(batch, None)`."""
        words, rows, pieces = self._split(texts)
        before = first_codes(texts, rows)
        rows, *ends = (
            tf.repeat(part, pieces.row_lengths()) for part in (rows, words.first - before, words.last - before)
        )
        return tuple(tf.RaggedTensor.from_value_rowids(end, rows, tf.size(texts, tf.int64)) for end in ends)

    def _split(self, texts):
        """Returns the `Words` of all texts, the row of each, and its pieces."""
        codes, rows = joined(texts)
        words = split_words(codes, self._table, False, Tensors)
        return words, tf.gather(rows, words.first), self._pieces.tokenize(encoded(words))


class GraphBytePairs(GraphTokenizer):
    """Operations: UnicodeDecode, GatherV2, LowerBound, UnsortedSegmentMin, StatelessWhile or While, arithmetic."""

    def __init__(self, vocabulary, merges, table):
        super().__init__(vocabulary)
        self._table = table
        self._bytes = np.array([vocabulary.ids[character] for character in BYTE_CHARACTERS], "int32")
        ids = vocabulary.ids
        # A pair as one number, its place in the order of merges, and the id of what the two become.
        self._pairs = {self._pair(ids[left], ids[right]): rank for rank, (left, right) in enumerate(merges)}
        self._ranks = SortedTable(self._pairs, len(merges))
        self._merged = np.array([*(ids[left + right] for left, right in merges), 0], "int32")

    def ragged(self, texts):
        codes, rows = joined(texts)
        words = split_lossless(codes, self._table, Tensors)
        ids, lengths = self._byte_ids(words.codes)
        word_of_code = tf.repeat(tf.range(tf.size(words.starts)), words.lengths)
        ids, word = self._merge(ids, tf.repeat(word_of_code, lengths), tf.size(words.starts))
        return tf.RaggedTensor.from_value_rowids(
            ids, tf.gather(tf.gather(rows, words.first), word), tf.size(texts, tf.int64)
        )

    def _byte_ids(self, codes):
        """Returns the ids of the bytes of UTF-8 of code points, and the number of bytes of each, at most 4."""
        extra = tf.reduce_sum(tf.cast(codes[:, None] >= [0x80, 0x800, 0x10000], "int32"), axis=1)
        # Each byte after the first holds six bits.
        tails = codes[:, None] // [64**3, 64**2, 64, 1] % 64 + 0x80
        place = tf.range(4) - (3 - extra[:, None])
        first = codes // tf.gather([1, 64, 64**2, 64**3], extra) + tf.gather([0, 0xC0, 0xE0, 0xF0], extra)
        filled = tf.where(place == 0, first[:, None], tails)
        return tf.gather(self._bytes, tf.boolean_mask(filled, place >= 0)), extra + 1

    def _merge(self, ids, word, words):
        """Merges pairs of ids, in every word one at a time, until none is left that can be."""
        none = len(self._merged) - 1

        def step(ids, word, _):
            ranks = self._ranks(self._pair(tf.cast(ids[:-1], "int64"), tf.cast(ids[1:], "int64")))
            ranks = tf.where(word[:-1] == word[1:], ranks, none)
            # The lowest rank of a word, of several the leftmost: both in one number, which no other pair has.
            keys = tf.cast(ranks, "int64") * tf.size(ids, tf.int64) + tf.range(tf.size(ranks, tf.int64))
            best = tf.gather(tf.math.unsorted_segment_min(keys, word[:-1], words), word[:-1])
            chosen = (keys == best) & (ranks < none)
            after = tf.concat([chosen, [False]], 0)[: tf.size(ids)]
            gone = tf.concat([[False], chosen], 0)[: tf.size(ids)]
            ranks = tf.concat([ranks, [none]], 0)[: tf.size(ids)]
            ids = tf.where(after, tf.gather(self._merged, ranks), ids)
            return tf.boolean_mask(ids, ~gone), tf.boolean_mask(word, ~gone), tf.reduce_any(chosen)

        shapes = tf.TensorShape([None]), tf.TensorShape([None]), tf.TensorShape([])
        state = (ids, word, tf.constant(True))
        ids, word, _ = tf.while_loop(lambda ids, word, more: more, step, state, shape_invariants=shapes)
        return ids, word

    def _pair(self, left, right):
        return left * len(self._vocabulary) + right
