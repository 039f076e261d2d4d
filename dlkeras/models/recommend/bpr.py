"""Bayesian personalized ranking (Rendle et al. 2009, "BPR: Bayesian personalized ranking from implicit feedback").

`[user, candidate items...]` `(batch, 1 + candidates)` in, scores `(batch, candidates)` out: those of a matrix
factorization that learns order alone, with `dlkeras.losses.BPRLoss`.
"""

import keras
from keras import layers, ops

from dlkeras.models.base import ConfiguredModel
from dlkeras.models.recommend.parts import check_decay, check_sizes, lookup


@keras.saving.register_keras_serializable(package="dlkeras")
class BPR(ConfiguredModel):
    """Scores by a bias of the item and the product of its and the user's vectors.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        factors: Length of the vectors.
        decay: Weight of the squares of an example's vectors in its loss, at least 0; see `lookup`.
        bias_decay: The same of biases.

    Raises:
        ValueError: A number is out of its range.
    """

    def __init__(self, *, num_users=943, num_items=1682, factors=64, decay=0.0, bias_decay=0.0, **kwargs):
        arguments = {"num_users": num_users, "num_items": num_items, "factors": factors}
        check_sizes(**arguments)
        check_decay("decay", decay)
        check_decay("bias_decay", bias_decay)
        rows = keras.Input((None,), dtype="int32", name="rows")
        users = lookup(num_users, factors, decay, name="users")(rows[:, 0])
        items = lookup(num_items, factors, decay, name="items")(rows[:, 1:])  # (batch, candidates, factors)
        bias = lookup(num_items, 1, bias_decay, stddev=0, name="item_bias")(rows[:, 1:])
        scores = layers.Dot(-1, name="products")([items, users]) + bias[..., 0]
        outputs = layers.Activation("linear", dtype="float32", name="scores")(scores)
        arguments.update(decay=decay, bias_decay=bias_decay)
        super().__init__(rows, outputs, arguments=arguments, **kwargs)

    def score_all(self, users):
        """Returns the scores of every item, float32 `(batch, items)`, by users `(batch,)`."""
        vectors = ops.take(self.get_layer("users").embeddings, users, axis=0)
        products = ops.matmul(vectors, ops.transpose(self.item_vectors()))
        return ops.cast(products + self.get_layer("item_bias").embeddings[:, 0], "float32")

    def item_vectors(self):
        """Returns the items' vectors, `(items, factors)`: those of items that are liked alike point the same way."""
        return self.get_layer("items").embeddings


VARIANTS = {"bpr": (BPR, {})}
