"""Multinomial denoising autoencoder (Liang et al. 2018, "Variational autoencoders for collaborative filtering").

What a user has seen in, `(batch, items)` of 0 and 1, logits of what the user sees `(batch, items)` out; trained to give
back its input from a part of it, with `dlkeras.losses.MultinomialLoss`. Users are known by what they have seen alone,
so one who was never met is answered as any other.
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_rate
from dlkeras.models.base import ConfiguredModel
from dlkeras.models.recommend.parts import check_decay, check_sizes, multi_hot


@keras.saving.register_keras_serializable(package="dlkeras")
class HistoryAutoencoder(ConfiguredModel):
    """Autoencoder of histories with one hidden layer.

    Args:
        num_items: Number of items.
        hidden: Width of the hidden layer.
        dropout: Share of a history that is hidden in training, in [0, 1).
        decay: Weight of the kernels' squares in the loss, at least 0.

    Raises:
        ValueError: A number is out of its range.
    """

    def __init__(self, *, num_items=1682, hidden=200, dropout=0.5, decay=0.0, **kwargs):
        check_sizes(num_items=num_items, hidden=hidden)
        check_rate("dropout", dropout)
        check_decay("decay", decay)
        regularizer = keras.regularizers.L2(decay) if decay else None
        inputs = keras.Input((num_items,), name="seen")
        x = layers.UnitNormalization(name="norm")(inputs)
        x = layers.Dropout(dropout, name="dropout")(x)
        x = layers.Dense(hidden, "tanh", kernel_regularizer=regularizer, name="encoder")(x)
        outputs = layers.Dense(num_items, kernel_regularizer=regularizer, dtype="float32", name="logits")(x)
        arguments = {"num_items": num_items, "hidden": hidden, "dropout": dropout, "decay": decay}
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)

    def score_all(self, histories):
        """Returns the logits of every item, float32 `(batch, items)`.

        Args:
            histories: int32 `(batch, length)` of items' numbers + 1, 0 for padding, in any order.
        """
        return self(multi_hot(histories, self._arguments["num_items"]), training=False)

    def item_vectors(self):
        """Returns the items' vectors, `(items, hidden)`: those of items that are seen alike point the same way."""
        return ops.transpose(self.get_layer("logits").kernel)


VARIANTS = {"mult_dae": (HistoryAutoencoder, {})}
