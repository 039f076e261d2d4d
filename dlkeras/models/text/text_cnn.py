"""TextCNN (Kim, 2014, "Convolutional neural networks for sentence classification").

Ids `(batch, length)` in, logits `(batch, num_classes)` out. Windows of several widths slide over the words; of each
filter the highest value over a text counts. Before the first word and after the last one stand zeros, so that a window
may reach over either end and a text may be shorter than a window.
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_num_classes, check_positive
from dlkeras.models.base import ConfiguredModel
from dlkeras.models.text.words import check_words, embed


def _highest_of_windows(x, mask, width, filters):
    """Returns the highest value of each filter over the windows that hold a word: `(batch, filters)`."""
    reach = width - 1
    x = layers.ZeroPadding1D(reach, name=f"padding{width}")(x)
    x = layers.Conv1D(filters, width, activation="relu", name=f"conv{width}")(x)  # (batch, length + reach, filters)
    holds_word = layers.ZeroPadding1D(reach, name=f"mask_padding{width}")(ops.cast(mask, x.dtype)[..., None])
    holds_word = layers.MaxPooling1D(width, strides=1, name=f"mask{width}")(holds_word)
    # Rectified values are never below 0: a window of padding alone, where the bias is left, must only be made 0.
    return layers.GlobalMaxPooling1D(name=f"pool{width}")(x * holds_word)


@keras.saving.register_keras_serializable(package="dlkeras")
class TextCNN(ConfiguredModel):
    """Convolutions of several widths over word vectors, the maximum over time, and a dense layer.

    Args:
        num_classes: Number of classes, at least 1.
        vocabulary_size: Number of ids; 0 is padding, 1 the unknown word.
        embedding_dim: Length of a word's vector.
        words: The words in the order of their ids, to tell them by their letters too, see
            `dlkeras.models.text.parts.PartEmbedding`; none for vectors of their own alone.
        widths: Widths of the windows, in words.
        filters: Number of filters of each width.
        dropout: Rate before the logits, in [0, 1).
        embedding_dropout: Rate on the word vectors, in [0, 1); the paper has none.
        word_dropout: Share of words that become unknown in training, in [0, 1); the paper has none.
        max_norm: Highest norm of each class's weights, or `None` for no bound.

    Raises:
        ValueError: A number is out of its range.
    """

    def __init__(
        self,
        *,
        num_classes=2,
        vocabulary_size=20_000,
        embedding_dim=300,
        words=(),
        widths=(3, 4, 5),
        filters=100,
        dropout=0.5,
        embedding_dropout=0.0,
        word_dropout=0.0,
        max_norm=3.0,
        **kwargs,
    ):
        check_num_classes(num_classes)
        rates = {"dropout": dropout, "embedding_dropout": embedding_dropout, "word_dropout": word_dropout}
        check_words(vocabulary_size, embedding_dim, *rates.items(), words=words)
        check_positive("filters", filters)
        if not widths or min(widths) < 1 or len(set(widths)) < len(widths):
            raise ValueError(f"`widths` must be different numbers from 1. Received: widths={tuple(widths)}")

        inputs = keras.Input((None,), dtype="int32", name="ids")
        x, mask = embed(inputs, vocabulary_size, embedding_dim, word_dropout, embedding_dropout, words)
        found = [_highest_of_windows(x, mask, width, filters) for width in widths]
        x = layers.Concatenate(name="features")(found) if len(found) > 1 else found[0]  # (batch, widths * filters)
        x = layers.Dropout(dropout, name="dropout")(x) if dropout else x
        constraint = keras.constraints.MaxNorm(max_norm, axis=0) if max_norm else None
        outputs = layers.Dense(num_classes, kernel_constraint=constraint, name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "vocabulary_size": vocabulary_size,
            "embedding_dim": embedding_dim,
            "words": tuple(words),
            "widths": tuple(widths),
            "filters": filters,
            **rates,
            "max_norm": max_norm,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)


VARIANTS = {
    "text_cnn": (TextCNN, {}),
    "text_cnn_mini": (TextCNN, {"embedding_dim": 16, "filters": 16}),
}
