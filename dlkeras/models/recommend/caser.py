"""Caser (Tang and Wang 2018, "Personalized top-N sequential recommendation via convolutional sequence embedding").

`[user, last items..., candidate items...]` `(batch, 1 + length + candidates)` in, scores `(batch, candidates)` out. The
last items are numbers + 1, 0 before a history that is shorter; the user and the candidates are plain numbers.
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_rate
from dlkeras.models.base import ConfiguredModel
from dlkeras.models.recommend.parts import check_decay, check_sizes, lookup


@keras.saving.register_keras_serializable(package="dlkeras")
class Caser(ConfiguredModel):
    """Scores what comes next by convolutions over the last items and the user's vector.

    Horizontal filters go over a few items in a row, all of their vectors, and the best place of each counts. Vertical
    ones are weighted sums of the items' vectors.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        length: How many of the last items are seen.
        factors: Length of the vectors.
        horizontal: Number of horizontal filters of each height from 1 to `length`.
        vertical: Number of vertical filters.
        decay: Weight of the squares of an example's vectors in its loss, at least 0; see `lookup`.
        dropout: Rate of what the convolutions give, in [0, 1).

    Raises:
        ValueError: A number is out of its range.
    """

    def __init__(
        self,
        *,
        num_users=943,
        num_items=1682,
        length=5,
        factors=32,
        horizontal=16,
        vertical=4,
        decay=0.0,
        dropout=0.0,
        **kwargs,
    ):
        sizes = {"num_users": num_users, "num_items": num_items, "length": length, "factors": factors}
        sizes |= {"horizontal": horizontal, "vertical": vertical}
        check_sizes(**sizes)
        check_decay("decay", decay)
        check_rate("dropout", dropout)
        rows = keras.Input((None,), dtype="int32", name="rows")
        users, history, candidates = rows[:, 0], rows[:, 1 : 1 + length], rows[:, 1 + length :]
        items = lookup(num_items + 1, factors, decay, stddev=0.1, name="items")(history)
        items = layers.Reshape((length, factors), name="last_items")(items)
        across = [
            layers.GlobalMaxPooling1D(name=f"best{height}")(
                layers.Conv1D(horizontal, height, activation="relu", name=f"horizontal{height}")(items)
            )
            for height in range(1, length + 1)
        ]
        down = layers.Dense(vertical, use_bias=False, name="vertical")(layers.Permute((2, 1), name="turned")(items))
        x = layers.Concatenate(name="features")([*across, layers.Flatten(name="flatten")(down)])
        x = layers.Dropout(dropout, name="dropout")(x)
        x = layers.Dense(factors, "relu", name="dense")(x)
        user = lookup(num_users, factors, decay, stddev=0.1, name="users")(users)
        x = layers.Concatenate(name="tastes")([x, user])  # (batch, 2 * factors)
        targets = lookup(num_items, 2 * factors, decay, stddev=0.1, name="targets")(candidates)
        bias = lookup(num_items, 1, decay, stddev=0, name="item_bias")(candidates)
        scores = layers.Dot(-1, name="products")([targets, x]) + bias[..., 0]
        outputs = layers.Activation("linear", dtype="float32", name="scores")(scores)
        super().__init__(rows, outputs, arguments={**sizes, "decay": decay, "dropout": dropout}, **kwargs)
        self._tastes = keras.Model(rows, x)

    def score_all(self, rows):
        """Returns the scores of every item, float32 `(batch, items)`.

        Args:
            rows: int32 `(batch, 1 + length)`, the user and the last items, as of the model's input.
        """
        products = ops.matmul(self._tastes(rows, training=False), ops.transpose(self.item_vectors()))
        return ops.cast(products + self.get_layer("item_bias").embeddings[:, 0], "float32")

    def item_vectors(self):
        """Returns the items' vectors, `(items, 2 * factors)`: those that follow on the same point the same way."""
        return self.get_layer("targets").embeddings


VARIANTS = {"caser": (Caser, {})}
