"""Neural collaborative filtering (He et al. 2017, "Neural collaborative filtering").

`[user, candidate items...]` `(batch, 1 + candidates)` in, scores `(batch, candidates)` out: a matrix factorization
and a perceptron, with vectors of their own, side by side.
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_rate
from dlkeras.models.base import ConfiguredModel
from dlkeras.models.recommend.parts import check_decay, check_sizes, lookup


@keras.saving.register_keras_serializable(package="dlkeras")
class NeuMF(ConfiguredModel):
    """Scores by the elementwise product of two vectors and by a perceptron of two others.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        factors: Length of the vectors that are multiplied.
        widths: Of the perceptron's layers; its vectors are half as long as the first is wide.
        decay: Weight of the squares of an example's vectors in its loss, at least 0; see `lookup`.
        dropout: Rate after each layer of the perceptron, in [0, 1).

    Raises:
        ValueError: A number is out of its range, or there are no widths.
    """

    def __init__(
        self, *, num_users=943, num_items=1682, factors=32, widths=(64, 32, 16), decay=0.0, dropout=0.0, **kwargs
    ):
        check_sizes(num_users=num_users, num_items=num_items, factors=factors)
        check_decay("decay", decay)
        check_rate("dropout", dropout)
        if not widths or min(widths) < 2:
            raise ValueError(f"`widths` must be numbers of 2 at least, one or more. Received: widths={widths}")
        rows = keras.Input((None,), dtype="int32", name="rows")
        users, items = rows[:, :1], rows[:, 1:]
        inner = widths[0] // 2
        # Larger than in a model of products alone: the perceptron would see next to nothing.
        product_users = lookup(num_users, factors, decay, stddev=0.1, name="product_users")
        product_items = lookup(num_items, factors, decay, stddev=0.1, name="product_items")
        deep_users = lookup(num_users, inner, decay, stddev=0.1, name="deep_users")
        deep_items = lookup(num_items, inner, decay, stddev=0.1, name="deep_items")
        products = product_users(users) * product_items(items)  # (batch, candidates, factors)
        # The first layer of both vectors side by side, as a sum: the user's part is made once for all items.
        user_part = layers.Dense(widths[0], name="user_part")(deep_users(users))
        item_part = layers.Dense(widths[0], use_bias=False, name="item_part")(deep_items(items))
        x = layers.Activation("relu", name="dense1")(user_part + item_part)
        x = layers.Dropout(dropout, name="dropout1")(x)
        for number, width in enumerate(widths[1:], start=2):
            x = layers.Dense(width, "relu", name=f"dense{number}")(x)
            x = layers.Dropout(dropout, name=f"dropout{number}")(x)
        x = layers.Concatenate(name="both")([products, x])
        x = layers.Dense(1, use_bias=False, name="score")(x)  # no bias: it is the same for all items
        outputs = layers.Activation("linear", dtype="float32", name="scores")(x[..., 0])
        arguments = {
            "num_users": num_users,
            "num_items": num_items,
            "factors": factors,
            "widths": list(widths),
            "decay": decay,
            "dropout": dropout,
        }
        super().__init__(rows, outputs, arguments=arguments, **kwargs)

    def score_all(self, users):
        """Returns the scores of every item, float32 `(batch, items)`, by users `(batch,)`."""
        items = ops.arange(self._arguments["num_items"], dtype="int32")[None]
        items = ops.broadcast_to(items, (ops.shape(users)[0], self._arguments["num_items"]))
        return self(ops.concatenate([ops.cast(users, "int32")[:, None], items], axis=1), training=False)

    def item_vectors(self):
        """Returns the items' vectors of both kinds side by side, `(items, factors + widths[0] // 2)`."""
        names = ("product_items", "deep_items")
        return ops.concatenate([self.get_layer(name).embeddings for name in names], axis=-1)


VARIANTS = {"neumf": (NeuMF, {})}
