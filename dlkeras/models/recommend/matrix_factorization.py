"""Matrix factorization (Koren et al. 2009, "Matrix factorization techniques for recommender systems").

`[user, item]` `(batch, 2)` in, ratings `(batch,)` out. With `implicit`, SVD++ (Koren 2008, "Factorization meets the
neighborhood").
"""

import keras
import numpy as np
from keras import layers, ops

from dlkeras.models.base import ConfiguredModel
from dlkeras.models.recommend.parts import check_decay, check_sizes, item_lists, lookup, multi_hot


@keras.saving.register_keras_serializable(package="dlkeras")
class Mean(layers.Layer):
    """Adds the mean of all ratings, a weight that is set and not trained."""

    def build(self, input_shape):
        self.mean = self.add_weight((), "zeros", trainable=False, name="mean")

    def call(self, inputs):
        return inputs + ops.cast(self.mean, inputs.dtype)


@keras.saving.register_keras_serializable(package="dlkeras")
class SeenItems(layers.Layer):
    """Sum of the vectors of the items that a user has rated, divided by the root of their number.

    Users' numbers `(batch,)` in, `(batch, factors)` out.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        factors: Length of a vector.
        length: Longest list of items that is kept of a user.
        decay: Weight of the squares of these items' vectors in a rating's loss.
    """

    def __init__(self, num_users, num_items, factors, length, decay, **kwargs):
        super().__init__(**kwargs)
        self.sizes = {"num_users": num_users, "num_items": num_items, "factors": factors, "length": length}
        self.decay = decay

    def build(self, input_shape):
        sizes, small = self.sizes, keras.initializers.RandomNormal(stddev=0.01)
        shape = (sizes["num_users"], sizes["length"])
        self.lists = self.add_weight(shape, "zeros", dtype="int32", trainable=False, name="lists")
        self.vectors = self.add_weight((sizes["num_items"], sizes["factors"]), small, name="vectors")

    def call(self, users):
        # A product with all items: to look up the vectors of so many lists takes several times as long.
        seen = ops.cast(multi_hot(ops.take(self.lists, users, axis=0), self.sizes["num_items"]), self.compute_dtype)
        if self.decay:
            counts = ops.mean(seen, axis=0)[:, None]
            self.add_loss(self.decay * ops.sum(counts * ops.square(self.vectors)))
        return ops.matmul(seen, self.vectors) / ops.sqrt(ops.maximum(ops.sum(seen, axis=-1, keepdims=True), 1.0))

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.sizes["factors"])

    def get_config(self):
        return {**super().get_config(), **self.sizes, "decay": self.decay}


@keras.saving.register_keras_serializable(package="dlkeras")
class MatrixFactorization(ConfiguredModel):
    """Rates by the mean, a bias of the user and one of the item, and the product of their vectors.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        factors: Length of the vectors.
        implicit: Whether a user's vector also has what the user has rated, whatever the rating (SVD++); see `read`.
        length: With `implicit`, the longest list of items that is kept of a user.
        decay: Weight of the squares of a rating's vectors in its loss, at least 0; see `lookup`.
        bias_decay: The same of biases.

    Raises:
        ValueError: A number is out of its range.
    """

    def __init__(
        self,
        *,
        num_users=943,
        num_items=1682,
        factors=64,
        implicit=False,
        length=200,
        decay=0.0,
        bias_decay=0.0,
        **kwargs,
    ):
        check_sizes(num_users=num_users, num_items=num_items, factors=factors, length=length)
        check_decay("decay", decay)
        check_decay("bias_decay", bias_decay)
        pairs = keras.Input((2,), dtype="int32", name="pairs")
        users, items = pairs[:, 0], pairs[:, 1]
        vectors = lookup(num_users, factors, decay, name="users")(users)  # (batch, factors)
        if implicit:
            seen = SeenItems(num_users, num_items, factors, length, decay, name="seen")
            vectors = vectors + seen(users)
        products = layers.Dot(-1, name="products")([vectors, lookup(num_items, factors, decay, name="items")(items)])
        user_bias = lookup(num_users, 1, bias_decay, stddev=0, name="user_bias")(users)
        item_bias = lookup(num_items, 1, bias_decay, stddev=0, name="item_bias")(items)
        ratings = Mean(name="mean", dtype="float32")(products + user_bias + item_bias)
        outputs = layers.Reshape((), dtype="float32", name="ratings")(ratings)
        arguments = {
            "num_users": num_users,
            "num_items": num_items,
            "factors": factors,
            "implicit": implicit,
            "length": length,
            "decay": decay,
            "bias_decay": bias_decay,
        }
        super().__init__(pairs, outputs, arguments=arguments, **kwargs)

    def read(self, users, items, ratings):
        """Takes from ratings what is not trained: their mean, and what each user has rated.

        Args:
            users: Array `(ratings,)` of users' numbers, in the order of time where there is one.
            items: Array `(ratings,)` of items' numbers.
            ratings: Array `(ratings,)`.
        """
        self.get_layer("mean").mean.assign(float(np.mean(ratings)))
        if self._arguments["implicit"]:
            lists = item_lists(users, items, self._arguments["num_users"], self._arguments["length"])
            self.get_layer("seen").lists.assign(lists)

    def score_all(self, users):
        """Returns the ratings of every item, float32 `(batch, items)`, by users `(batch,)`."""
        vectors = ops.take(self._embeddings("users"), users, axis=0)
        if self._arguments["implicit"]:
            vectors = vectors + self.get_layer("seen")(users)
        biases = ops.take(self._embeddings("user_bias"), users, axis=0) + self._embeddings("item_bias")[:, 0]
        products = ops.matmul(vectors, ops.transpose(self.item_vectors()))
        return ops.cast(products + biases, "float32") + self.get_layer("mean").mean

    def item_vectors(self):
        """Returns the items' vectors, `(items, factors)`: those of items that are liked alike point the same way."""
        return self._embeddings("items")

    def _embeddings(self, name):
        return self.get_layer(name).embeddings


VARIANTS = {
    "matrix_factorization": (MatrixFactorization, {}),
    "svd_plus_plus": (MatrixFactorization, {"implicit": True}),
}
