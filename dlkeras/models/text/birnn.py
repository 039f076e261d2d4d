"""Bidirectional recurrent networks over words (Graves and Schmidhuber, 2005; the textbooks' reader of sentiment).

Ids `(batch, length)` in, logits `(batch, num_classes)` out. Padding is left out by masks: the backward network begins
at a text's last word, the forward one ends there.
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_choice, check_num_classes, check_positive
from dlkeras.models.base import ConfiguredModel
from dlkeras.models.text.words import check_words, embed

_CELLS = {"lstm": layers.LSTM, "gru": layers.GRU}


def _recur(x, mask, cell, units, dropout, sequences, name):
    x = layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x
    # Not unrolled: lengths differ.
    recurrent = _CELLS[cell](units, return_sequences=sequences, name=cell)
    return layers.Bidirectional(recurrent, name=name)(x, mask=mask)


def _highest(x, mask):
    """Returns the highest value of each feature over a text's words, 0 where it has none: `(batch, features)`."""
    mask = ops.expand_dims(mask, -1)
    highest = ops.max(ops.where(mask, x, -1.0), axis=1)  # a state of either cell is above -1
    return ops.where(ops.any(mask, axis=1), highest, 0.0)


@keras.saving.register_keras_serializable(package="dlkeras")
class BiRNN(ConfiguredModel):
    """Bidirectional LSTM or GRU, one layer or several, and a dense layer on what they found.

    Args:
        num_classes: Number of classes, at least 1.
        vocabulary_size: Number of ids; 0 is padding, 1 the unknown word.
        embedding_dim: Length of a word's vector.
        words: The words in the order of their ids, to tell them by their letters too, see
            `dlkeras.models.text.parts.PartEmbedding`; none for vectors of their own alone.
        cell: `"lstm"` or `"gru"`.
        units: Width of each direction.
        depth: Number of layers, at least 1.
        pooling: What is classified: `"ends"`, the state of each direction after its last word, or `"max"`, the highest
            value of each unit over the words (Conneau et al. 2017).
        dropout: Rate before each layer and before the logits, in [0, 1).
        word_dropout: Share of words that become unknown in training, in [0, 1).

    Raises:
        ValueError: A number is out of its range, or there is no such cell or pooling.
    """

    def __init__(
        self,
        *,
        num_classes=2,
        vocabulary_size=20_000,
        embedding_dim=100,
        words=(),
        cell="lstm",
        units=100,
        depth=2,
        pooling="ends",
        dropout=0.0,
        word_dropout=0.0,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_words(vocabulary_size, embedding_dim, ("dropout", dropout), ("word_dropout", word_dropout), words=words)
        check_choice("cell", cell, _CELLS)
        check_choice("pooling", pooling, ("ends", "max"))
        check_positive("units", units)
        check_positive("depth", depth)

        inputs = keras.Input((None,), dtype="int32", name="ids")
        x, mask = embed(inputs, vocabulary_size, embedding_dim, word_dropout, words=words)
        for index in range(1, depth + 1):
            sequences = index < depth or pooling == "max"
            x = _recur(x, mask, cell, units, dropout, sequences, f"birnn{index}")  # (batch, length, 2 * units)
        x = _highest(x, mask) if pooling == "max" else x  # (batch, 2 * units)
        x = layers.Dropout(dropout, name="dropout")(x) if dropout else x
        outputs = layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "vocabulary_size": vocabulary_size,
            "embedding_dim": embedding_dim,
            "words": tuple(words),
            "cell": cell,
            "units": units,
            "depth": depth,
            "pooling": pooling,
            "dropout": dropout,
            "word_dropout": word_dropout,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)


VARIANTS = {
    "birnn": (BiRNN, {}),
    "birnn_mini": (BiRNN, {"embedding_dim": 16, "units": 16, "depth": 1, "cell": "gru"}),
    "bigru": (BiRNN, {"cell": "gru"}),
    "bigru_max": (BiRNN, {"cell": "gru", "units": 64, "depth": 1, "pooling": "max"}),
}
