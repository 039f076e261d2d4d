"""Decomposable attention (Parikh et al., 2016, "A decomposable attention model for natural language inference").

Ids `(batch, 2, length)` of premise and hypothesis in, logits `(batch, num_classes)` out. Each word attends to the other
text's words, is compared with what it found there, and the comparisons are added up: attend, compare, aggregate. The
order of the words counts only with attention within each text.
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_num_classes, check_positive, check_rate
from dlkeras.models.base import ConfiguredModel
from dlkeras.models.text.words import UNKNOWN, check_words, embed

FARTHEST = 10
"""Words that are farther from each other than this share one bias, as in the paper."""


@keras.saving.register_keras_serializable(package="dlkeras")
class DistanceBias(layers.Layer):
    """Adds to scores `(..., length, length)` of words by words a number that is learned for each distance.

    Args:
        farthest: Distance from which on all share one number, one before a word and one after it.

    Raises:
        ValueError: `farthest` is below 1.
    """

    def __init__(self, farthest=FARTHEST, **kwargs):
        check_positive("farthest", farthest)
        super().__init__(**kwargs)
        self.farthest = farthest

    def build(self, input_shape):
        self.bias = self.add_weight(shape=(2 * self.farthest + 1,), initializer="zeros", name="bias")

    def call(self, inputs):
        places = ops.arange(ops.shape(inputs)[-1], dtype="int32")
        distances = places[:, None] - places[None, :]
        return inputs + ops.take(self.bias, ops.clip(distances, -self.farthest, self.farthest) + self.farthest)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "farthest": self.farthest}


@keras.saving.register_keras_serializable(package="dlkeras")
class WordSoftmax(layers.Layer):
    """Softmax of scores over the words that a mask lets through; 0 elsewhere, also where it lets none through.

    Keras' own warns of texts of one word.
    """

    def call(self, scores, keep):
        highest = ops.max(ops.where(keep, scores, -1e9), axis=-1, keepdims=True)
        weights = ops.where(keep, ops.exp(ops.minimum(scores - highest, 0)), 0)
        return weights / ops.maximum(ops.sum(weights, axis=-1, keepdims=True), 1e-9)

    def compute_output_shape(self, scores_shape, keep_shape):
        return scores_shape


def _dense(x, units, dropout, name):
    """Two rectified layers, the paper's F, G and H."""
    for index in (1, 2):
        x = layers.Dropout(dropout, name=f"{name}_dropout{index}")(x) if dropout else x
        x = layers.Dense(units, activation="relu", name=f"{name}{index}")(x)
    return x


def _swapped(x):
    return ops.swapaxes(x, -1, -2)


def _attend_within(x, mask, units, dropout):
    """Puts beside each word what it attends to in its own text: `(batch, 2, length, 2 * units)`."""
    projected = _dense(x, units, dropout, "within")
    scores = DistanceBias(name="distance_bias")(ops.matmul(projected, _swapped(projected)))
    weights = WordSoftmax(name="within_attention")(scores, mask[:, :, None, :])
    return ops.concatenate([x, ops.matmul(weights, x)], axis=-1)


def _attend(x, mask, units, dropout):
    """Returns what each word attends to in the other text, of the shape of `x`."""
    projected = _dense(x, units, dropout, "attend")
    scores = ops.matmul(projected[:, 0], _swapped(projected[:, 1]))  # (batch, premise, hypothesis)
    to_hypothesis = WordSoftmax(name="premise_to_hypothesis")(scores, mask[:, 1, None, :])
    to_premise = WordSoftmax(name="hypothesis_to_premise")(_swapped(scores), mask[:, 0, None, :])
    return ops.stack([ops.matmul(to_hypothesis, x[:, 1]), ops.matmul(to_premise, x[:, 0])], axis=1)


def _in_other(ids):
    """Says of each word whether it is in the other text too: bool `(batch, 2, length)`. Unknown words are in none."""
    same = ops.equal(ids[:, 0, :, None], ids[:, 1, None, :])
    found = ops.stack([ops.any(same, axis=2), ops.any(same, axis=1)], axis=1)
    return found & (ids > UNKNOWN)


@keras.saving.register_keras_serializable(package="dlkeras")
class DecomposableAttention(ConfiguredModel):
    """Attend, compare, aggregate.

    Args:
        num_classes: Number of classes, at least 1.
        vocabulary_size: Number of ids; 0 is padding, 1 the unknown word.
        embedding_dim: Length of a word's vector.
        units: Width of the projected vectors and of all dense layers.
        within: Whether words attend to their own text too, with a bias by distance.
        exact_match: Whether a word is told if it is in the other text too (Chen et al. 2017, "Reading Wikipedia"); the
            paper has no such feature, and is made for vectors that were learned from billions of words.
        differences: Whether a word is compared by difference and product too (Mou et al. 2016); not in the paper.
        dropout: Rate before each dense layer, in [0, 1).
        embedding_dropout: Rate on the word vectors, in [0, 1).
        word_dropout: Share of words that become unknown in training, in [0, 1).

    Raises:
        ValueError: A number is out of its range.
    """

    def __init__(
        self,
        *,
        num_classes=3,
        vocabulary_size=20_000,
        embedding_dim=100,
        units=200,
        within=False,
        exact_match=True,
        differences=True,
        dropout=0.2,
        embedding_dropout=0.0,
        word_dropout=0.0,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_words(vocabulary_size, embedding_dim, ("word_dropout", word_dropout))
        check_positive("units", units)
        check_rate("dropout", dropout)
        check_rate("embedding_dropout", embedding_dropout)

        ids = keras.Input((2, None), dtype="int32", name="ids")
        x, mask = embed(ids, vocabulary_size, embedding_dim, word_dropout, embedding_dropout)
        x = layers.Dense(units, use_bias=False, name="projection")(x)  # (batch, 2, length, units)
        x = _attend_within(x, mask, units, dropout) if within else x
        found = _attend(x, mask, units, dropout)
        compared = [x, found, *((x - found, x * found) if differences else ())]
        if exact_match:
            compared.append(ops.cast(_in_other(ids), x.dtype)[..., None])
        x = _dense(ops.concatenate(compared, axis=-1), units, dropout, "compare")
        x = ops.sum(x * ops.cast(mask, x.dtype)[..., None], axis=2)  # (batch, 2, units)
        x = _dense(layers.Flatten(name="both")(x), units, dropout, "aggregate")
        outputs = layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "vocabulary_size": vocabulary_size,
            "embedding_dim": embedding_dim,
            "units": units,
            "within": within,
            "exact_match": exact_match,
            "differences": differences,
            "dropout": dropout,
            "embedding_dropout": embedding_dropout,
            "word_dropout": word_dropout,
        }
        super().__init__(ids, outputs, arguments=arguments, **kwargs)


def with_alignment(model):
    """Gives a model that shares another's weights and says how it has aligned the words.

    Args:
        model: A `DecomposableAttention`.

    Returns:
        A `keras.Model` of ids that gives `logits`, `premise_to_hypothesis` `(batch, length, length)`, whose rows are
        the premise's words and sum to 1 over the hypothesis', and `hypothesis_to_premise`, the other way round. Rows
        of padding mean nothing.
    """
    names = ("premise_to_hypothesis", "hypothesis_to_premise")
    outputs = {name: model.get_layer(name).output for name in names}
    return keras.Model(model.input, {"logits": model.output, **outputs})


VARIANTS = {
    "decomposable_attention": (DecomposableAttention, {}),
    "decomposable_attention_within": (DecomposableAttention, {"within": True}),
    "decomposable_attention_small": (DecomposableAttention, {"units": 100}),
    "decomposable_attention_mini": (DecomposableAttention, {"embedding_dim": 16, "units": 16}),
}
