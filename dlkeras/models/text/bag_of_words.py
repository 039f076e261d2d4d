"""Bag of words: the mean of a text's word vectors (Iyyer et al., 2015; Joulin et al., 2016, "Bag of tricks for
efficient text classification").

Ids `(batch, length)` in, logits `(batch, num_classes)` out. The order of the words does not count.
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_num_classes
from dlkeras.models.base import ConfiguredModel
from dlkeras.models.text.words import check_words, embed


@keras.saving.register_keras_serializable(package="dlkeras")
class BagOfWords(ConfiguredModel):
    """Averaged word vectors, and a dense layer or several.

    Args:
        num_classes: Number of classes, at least 1.
        vocabulary_size: Number of ids; 0 is padding, 1 the unknown word.
        embedding_dim: Length of a word's vector.
        words: The words in the order of their ids, to tell them by their letters too, see
            `dlkeras.models.text.parts.PartEmbedding`; none for vectors of their own alone.
        hidden_widths: Widths of the dense layers between the mean and the logits; none by default.
        dropout: Rate before each dense layer, in [0, 1).
        word_dropout: Share of words that become unknown in training, in [0, 1).

    Raises:
        ValueError: A number is out of its range.
    """

    def __init__(
        self,
        *,
        num_classes=2,
        vocabulary_size=20_000,
        embedding_dim=100,
        words=(),
        hidden_widths=(),
        dropout=0.0,
        word_dropout=0.0,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_words(vocabulary_size, embedding_dim, ("dropout", dropout), ("word_dropout", word_dropout), words=words)

        inputs = keras.Input((None,), dtype="int32", name="ids")
        x, mask = embed(inputs, vocabulary_size, embedding_dim, word_dropout, words=words)
        count = ops.sum(ops.cast(mask, x.dtype), axis=1, keepdims=True)
        x = ops.sum(x, axis=1) / ops.maximum(count, 1)  # (batch, embedding_dim)
        for index, width in enumerate(hidden_widths, 1):
            x = layers.Dropout(dropout, name=f"dropout{index}")(x) if dropout else x
            x = layers.Dense(width, activation="relu", name=f"dense{index}")(x)
        x = layers.Dropout(dropout, name="dropout")(x) if dropout else x
        outputs = layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "vocabulary_size": vocabulary_size,
            "embedding_dim": embedding_dim,
            "words": tuple(words),
            "hidden_widths": tuple(hidden_widths),
            "dropout": dropout,
            "word_dropout": word_dropout,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)


VARIANTS = {
    "bag_of_words": (BagOfWords, {}),
    "bag_of_words_mini": (BagOfWords, {"embedding_dim": 16}),
    "deep_averaging": (BagOfWords, {"embedding_dim": 300, "hidden_widths": (300, 300), "word_dropout": 0.3}),
}
