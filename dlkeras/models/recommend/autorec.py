"""AutoRec (Sedhain et al. 2015, "AutoRec: Autoencoders meet collaborative filtering").

A row of ratings `(batch, width)` in, 0 where there is none, all of its ratings `(batch, width)` out. A row is what one
user rated, or how one item was rated.
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_choice, check_rate
from dlkeras.models.base import ConfiguredModel
from dlkeras.models.recommend.parts import check_decay, check_sizes

USER, ITEM = "user", "item"


@keras.saving.register_keras_serializable(package="dlkeras")
class Codes(layers.Layer):
    """Keeps a code of every row; rows' numbers `(batch,)` in, codes `(batch, width)` out.

    Args:
        rows: Number of rows.
        width: Of a code.
    """

    def __init__(self, rows, width, **kwargs):
        super().__init__(**kwargs)
        self.rows, self.width = rows, width

    def build(self, input_shape=None):
        self.codes = self.add_weight((self.rows, self.width), "zeros", trainable=False, name="codes")

    def call(self, rows):
        return ops.take(self.codes, rows, axis=0)

    def get_config(self):
        return {**super().get_config(), "rows": self.rows, "width": self.width}


@keras.saving.register_keras_serializable(package="dlkeras")
class AutoRec(ConfiguredModel):
    """Autoencoder of rows of ratings with one hidden layer.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        rows: `"user"` for rows of what a user rated, `"item"` for rows of how an item was rated.
        hidden: Width of the hidden layer.
        activation: Of the hidden layer.
        decay: Weight of the kernels' squares in the loss, at least 0.
        dropout: Rate at the hidden layer, in [0, 1).

    Raises:
        ValueError: A number is out of its range, or there is no such kind of rows.
    """

    def __init__(
        self,
        *,
        num_users=943,
        num_items=1682,
        rows=ITEM,
        hidden=500,
        activation="sigmoid",
        decay=0.0,
        dropout=0.0,
        **kwargs,
    ):
        check_sizes(num_users=num_users, num_items=num_items, hidden=hidden)
        check_choice("rows", rows, (USER, ITEM))
        check_decay("decay", decay)
        check_rate("dropout", dropout)
        count, width = (num_users, num_items) if rows == USER else (num_items, num_users)
        regularizer = keras.regularizers.L2(decay) if decay else None
        inputs = keras.Input((width,), name="ratings")
        encoder = layers.Dense(hidden, activation, kernel_regularizer=regularizer, name="encoder")
        x = layers.Dropout(dropout, name="dropout")(encoder(inputs))
        decoder = layers.Dense(width, kernel_regularizer=regularizer, dtype="float32", name="decoder")
        arguments = {
            "num_users": num_users,
            "num_items": num_items,
            "rows": rows,
            "hidden": hidden,
            "activation": activation,
            "decay": decay,
            "dropout": dropout,
        }
        super().__init__(inputs, decoder(x), arguments=arguments, **kwargs)
        self.memory = Codes(count, hidden, name="memory")
        self.memory.build()

    def read(self, ratings):
        """Keeps the codes of all rows for `score_all`; after training, since other weights make other codes.

        Args:
            ratings: float32 `(rows, width)`, 0 where there is none.
        """
        self.memory.codes.assign(self.get_layer("encoder")(ratings))

    def score_all(self, users):
        """Returns the ratings of every item, float32 `(batch, items)`, by users `(batch,)`, from what `read` kept."""
        decoder = self.get_layer("decoder")
        if self._arguments["rows"] == USER:
            return decoder(self.memory(users))
        kernel = ops.take(ops.transpose(decoder.kernel), users, axis=0)
        return ops.matmul(kernel, ops.transpose(self.memory.codes)) + ops.take(decoder.bias, users)[:, None]

    def item_vectors(self):
        """Returns the items' vectors, `(items, hidden)`; where rows are of items their codes, which `read` kept."""
        if self._arguments["rows"] == ITEM:
            return ops.convert_to_tensor(self.memory.codes)
        return ops.transpose(self.get_layer("decoder").kernel)


VARIANTS = {
    "autorec_item": (AutoRec, {}),
    "autorec_user": (AutoRec, {"rows": USER}),
}
