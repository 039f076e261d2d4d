"""What single words and pairs of words say by their counts alone, to stand beside a network that reads the whole."""

import keras
import numpy as np
from keras import layers, ops

from dlkeras.checks import check_num_classes

_RESERVED = 2  # padding and the unknown word say nothing
_MOST_WORDS = 46_340  # squared they are numbers of 32 bits still


@keras.saving.register_keras_serializable(package="dlkeras")
class NaiveBayes(layers.Layer):
    """Log-likelihoods of words and of pairs of neighbours, counted in training texts and not trained.

    Ids `(batch, length)` in, `(batch, length, num_classes)` out: what each word says for each class, with half of what
    each pair says that it is in. Their sum over the words is the logit of multinomial naive Bayes, without a prior.

    Args:
        num_classes: Number of classes, at least 1.
        vocabulary_size: Number of ids; 0 is padding, 1 the unknown word.
        pairs: Number of different pairs in the training texts, as `distinct_pairs` has them.

    Raises:
        ValueError: A number is out of its range.

    Source: Wang and Manning 2012, "Baselines and bigrams: simple, good sentiment and topic classification".
    """

    def __init__(self, num_classes, vocabulary_size, pairs, **kwargs):
        check_num_classes(num_classes)
        if not 2 <= vocabulary_size <= _MOST_WORDS:
            raise ValueError(
                f"`vocabulary_size` must be from 2 to {_MOST_WORDS:,}. Received: vocabulary_size={vocabulary_size}"
            )
        super().__init__(**{**kwargs, "dtype": "float32", "trainable": False})
        self.num_classes, self.vocabulary_size, self.pairs = num_classes, vocabulary_size, pairs
        size = max(1, pairs)
        self.said_by_word = self.add_weight(shape=(vocabulary_size, num_classes), initializer="zeros", name="words")
        self.said_by_pair = self.add_weight(shape=(size, num_classes), initializer="zeros", name="pairs")
        self.keys = self.add_weight(shape=(size,), initializer="zeros", dtype="int32", name="keys")
        self.built = True

    def count(self, ids, classes):
        """Counts in how many training texts of each class the words and pairs are.

        Args:
            ids: Whole numbers `(texts, length)`.
            classes: Whole numbers `(texts,)`.
        """
        ids = np.asarray(ids)
        rows, _, keys = _pairs_of(ids, self.vocabulary_size)
        distinct = distinct_pairs(ids, self.vocabulary_size)
        self.keys.assign(distinct if len(distinct) else [0])  # 0 is no pair of words
        places = np.searchsorted(ops.convert_to_numpy(self.keys), keys)
        self.said_by_pair.assign(self._likelihoods(rows, places, classes, self.keys.shape[0]))
        rows, columns = np.nonzero(ids >= _RESERVED)
        said = self._likelihoods(rows, ids[rows, columns], classes, self.vocabulary_size)
        said[:_RESERVED] = 0
        self.said_by_word.assign(said)

    def _likelihoods(self, rows, features, classes, size):
        """Returns the log-likelihoods `(size, classes)` of features, each counted once a text, less their mean."""
        seen = np.unique(np.stack([rows, features]), axis=1)
        counts = np.ones((size, self.num_classes))  # one more than there are, so that none is impossible
        np.add.at(counts, (seen[1], np.asarray(classes)[seen[0]]), 1)
        logs = np.log(counts / counts.sum(axis=0))
        return logs - logs.mean(axis=1, keepdims=True)

    def call(self, inputs):
        ids = ops.cast(inputs, "int32")
        words = ops.take(self.said_by_word, ids, axis=0)
        first, second = ids[:, :-1], ids[:, 1:]
        keys = first * self.vocabulary_size + second
        places = ops.minimum(ops.searchsorted(self.keys, ops.reshape(keys, (-1,))), self.keys.shape[0] - 1)
        places = ops.reshape(places, ops.shape(keys))
        known = (ops.take(self.keys, places, axis=0) == keys) & (first >= _RESERVED) & (second >= _RESERVED)
        half = ops.where(known[..., None], ops.take(self.said_by_pair, places, axis=0), 0.0) / 2
        return words + ops.pad(half, [[0, 0], [0, 1], [0, 0]]) + ops.pad(half, [[0, 0], [1, 0], [0, 0]])

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.num_classes)

    def get_config(self):
        numbers = {name: getattr(self, name) for name in ("num_classes", "vocabulary_size", "pairs")}
        return {"name": self.name, **numbers}


def distinct_pairs(ids, vocabulary_size):
    """Returns the pairs of neighbouring words in texts, sorted: `first * vocabulary_size + second`.

    Args:
        ids: Whole numbers `(texts, length)`; pairs with padding or the unknown word are left out.
        vocabulary_size: Number of ids.
    """
    return np.unique(_pairs_of(np.asarray(ids), vocabulary_size)[-1])


def _pairs_of(ids, vocabulary_size):
    first, second = ids[:, :-1], ids[:, 1:]
    rows, columns = np.nonzero((first >= _RESERVED) & (second >= _RESERVED))
    return rows, columns, first[rows, columns] * vocabulary_size + second[rows, columns]
