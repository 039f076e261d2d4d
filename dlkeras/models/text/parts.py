"""Words told by their letters: words that share a part, such as "wit" and "witty", share a vector."""

from collections import Counter

import keras
import numpy as np
from keras import layers, ops

from dlkeras.checks import check_positive

SIZES = (3, 4, 5)
_RESERVED = 2  # padding and the unknown word have no letters


@keras.saving.register_keras_serializable(package="dlkeras")
class PartEmbedding(layers.Layer):
    """The mean of the vectors of a word's parts: three to five letters in a row, its two ends among the letters.

    Only parts that several words share have a vector; a word without any is 0. Ids `(batch, length)` in,
    `(batch, length, embedding_dim)` out.

    Args:
        words: The words in the order of their ids; those of padding and of the unknown word have no parts.
        embedding_dim: Length of a vector.
        shared_by: Number of words that a part stands in at least.

    Raises:
        ValueError: A number is below 1.

    Source: Bojanowski et al. 2017, "Enriching word vectors with subword information", but without hashes.
    """

    def __init__(self, words, embedding_dim, shared_by=8, **kwargs):
        check_positive("embedding_dim", embedding_dim)
        check_positive("shared_by", shared_by)
        super().__init__(**kwargs)
        self.words = list(words)
        self.embedding_dim = embedding_dim
        self.shared_by = shared_by
        self._parts = parts_of(self.words, shared_by)

    def build(self, input_shape):
        # 0 is no part, and its row is never seen.
        shape = (int(self._parts.max()) + 1, self.embedding_dim)
        self.vectors = self.add_weight(shape=shape, initializer=keras.initializers.RandomUniform(-0.25, 0.25))

    def call(self, inputs):
        # Narrow as a constant, which a SavedModel holds once for each endpoint.
        parts = ops.cast(ops.take(ops.convert_to_tensor(self._parts), inputs, axis=0), "int32")
        there = ops.expand_dims(ops.cast(parts > 0, self.compute_dtype), -1)  # (batch, length, parts, 1)
        total = ops.sum(ops.take(self.vectors, parts, axis=0) * there, axis=-2)
        return total / ops.maximum(ops.sum(there, axis=-2), 1)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.embedding_dim)

    def get_config(self):
        numbers = {"embedding_dim": self.embedding_dim, "shared_by": self.shared_by}
        return {**super().get_config(), "words": self.words, **numbers}


def parts_of(words, shared_by):
    """Numbers the parts that several words share.

    Args:
        words: The words in the order of their ids.
        shared_by: Number of words that a part stands in at least.

    Returns:
        Whole numbers `(words, parts)`: those of each word's parts in order, from 1, and 0 behind them.
    """
    cut = [set() if row < _RESERVED else _cut(word) for row, word in enumerate(words)]
    counts = Counter(part for parts in cut for part in parts)
    shared = sorted(part for part, count in counts.items() if count >= shared_by)
    numbers = {part: number for number, part in enumerate(shared, 1)}
    rows = [sorted(numbers[part] for part in parts if part in numbers) for parts in cut]
    table = np.zeros((len(rows), max(1, *map(len, rows))), "int16" if len(shared) < 2**15 else "int32")
    for row, found in zip(table, rows, strict=True):
        row[: len(found)] = found
    return table


def _cut(word):
    marked = f"<{word}>"  # "un" at the beginning of a word is another part than "un" within one
    return {marked[start : start + size] for size in SIZES for start in range(len(marked) + 1 - size)}
