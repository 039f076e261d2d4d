"""A network that recommends, together with what it must know of its users: what each of them has seen."""

import keras
import numpy as np
from keras import layers, ops

from dlkeras.models.base import ConfiguredModel
from dlkeras.models.recommend.autoencoder import HistoryAutoencoder
from dlkeras.models.recommend.parts import check_sizes

_SMALL = 1e-12  # the square of a vector that is as good as none


@keras.saving.register_keras_serializable(package="dlkeras")
class Seen(layers.Layer):
    """Keeps which items each user has seen, one list after the other; users' numbers `(batch,)` in, see `call`.

    Args:
        num_users: Number of users.
        size: Number of pairs of a user and an item.
        longest: Length of the longest list.
    """

    def __init__(self, num_users, size, longest, **kwargs):
        super().__init__(**kwargs)
        self.num_users, self.size, self.longest = num_users, size, longest

    def build(self, input_shape=None):
        kind = {"dtype": "int32", "trainable": False}
        # One place more, so that there is something to look at where nobody has seen anything.
        self.items = self.add_weight((self.size + 1,), "zeros", name="items", **kind)
        self.starts = self.add_weight((self.num_users + 1,), "zeros", name="starts", **kind)

    def read(self, users, items):
        """Takes the pairs, `(size,)` each: users' and items' numbers."""
        order = np.lexsort((items, users))
        self.items.assign(np.append(np.asarray(items, "int32")[order] + 1, 0))
        counts = np.bincount(users, minlength=self.num_users)
        self.starts.assign(np.append(0, np.cumsum(counts)).astype("int32"))

    def call(self, users):
        """Returns lists, int32 `(batch, longest)`: items' numbers + 1, 0 behind the last."""
        starts = ops.take(self.starts, users, axis=0)[:, None]
        ends = ops.take(self.starts, users + 1, axis=0)[:, None]
        places = starts + ops.arange(self.longest, dtype="int32")
        found = ops.take(self.items, ops.minimum(places, self.size), axis=0)
        return ops.where(places < ends, found, 0)

    def get_config(self):
        sizes = {"num_users": self.num_users, "size": self.size, "longest": self.longest}
        return {**super().get_config(), **sizes}


@keras.saving.register_keras_serializable(package="dlkeras")
class Recommender(ConfiguredModel):
    """What a network is trained on in, and what it makes of it out; and answers for all items at once.

    Args:
        network: Name of a model of `dlkeras.models.list("recommend")` that has `score_all` and `item_vectors`.
        arguments: Of it, by name, `num_items` among them.
        num_users: Number of users.
        size: Number of pairs of users and items that they have seen.
        longest: Items that a user has seen at most.

    Raises:
        ValueError: There is no such network, or a number is out of its range.
    """

    def __init__(self, *, network, arguments, num_users, size, longest, **kwargs):
        from dlkeras import models

        check_sizes(num_users=num_users, size=size, longest=longest)
        inner = models.create(network, **arguments, name="network")
        inputs = keras.Input(inner.input.shape[1:], dtype=inner.input.dtype, name="inputs")
        sizes = {"num_users": num_users, "size": size, "longest": longest}
        super().__init__(
            inputs, inner(inputs), arguments={"network": network, "arguments": dict(arguments), **sizes}, **kwargs
        )
        self.network, self.seen = inner, Seen(num_users, size, longest, name="seen")
        self.seen.build()

    def scores(self, users):
        """Returns the scores of every item, float32 `(batch, items)`, by users' numbers `(batch,)`."""
        asked = self.seen(users) if isinstance(self.network, HistoryAutoencoder) else users
        return self.network.score_all(asked)

    def history_scores(self, histories):
        """Returns the scores of every item for users who were never met.

        A network that knows users by what they have seen is asked; of others the vectors of items tell: an item's score
        is the sum of its cosines with those that were seen.

        Args:
            histories: int32 `(batch, length)` of items' numbers + 1, 0 for padding.

        Returns:
            float32 `(batch, items)`.
        """
        if isinstance(self.network, HistoryAutoencoder):
            return self.network.score_all(histories)
        units = self._units()
        # The sum of vectors first: not a row of all items for each that was seen.
        return ops.matmul(ops.sum(_looked_up(units, histories), axis=1), ops.transpose(units))

    def cosines(self, histories):
        """Returns how near every item is to each of some, float32 `(batch, length, items)`; 0 for padding."""
        units = self._units()
        return ops.matmul(_looked_up(units, histories), ops.transpose(units))

    def nearest(self, items, histories):
        """Tells which item of a history is nearest to each of some items.

        Args:
            items: Items' numbers, int32 `(batch, count)`.
            histories: As of `history_scores`, one item at least.

        Returns:
            Items' numbers, int32 `(batch, count)`.
        """
        units = self._units()
        cosines = ops.matmul(ops.take(units, items, axis=0), ops.swapaxes(_looked_up(units, histories), 1, 2))
        places = ops.argmax(ops.where(histories[:, None] > 0, cosines, -2.0), axis=-1)  # a cosine is -1 or more
        return ops.take_along_axis(histories, places, axis=1) - 1

    def _units(self):
        """Returns the items' vectors at length 1, float32 `(items, width)`."""
        vectors = ops.cast(self.network.item_vectors(), "float32")
        return vectors * ops.rsqrt(ops.sum(ops.square(vectors), axis=-1, keepdims=True) + _SMALL)


def _looked_up(units, histories):
    """Returns the vectors of histories, `(batch, length, width)`; 0 for padding."""
    return ops.where(histories[..., None] > 0, ops.take(units, ops.maximum(histories - 1, 0), axis=0), 0.0)
