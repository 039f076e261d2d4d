"""What ratings say without any taste: how high they are, how a user's and an item's differ from that. In NumPy."""

import numpy as np

from dlkeras.checks import check_positive


class Biases:
    """Mean of all ratings, and how far each item and user is above it, by alternating least squares.

    The two are shrunk to 0, the more so the fewer the ratings; without any they are 0.

    Args:
        item_shrinkage: Number of ratings at which an item's bias is halved.
        user_shrinkage: Likewise, of a user.
        rounds: How often both are computed in turn.

    Raises:
        ValueError: A number is out of its range.

    Source: Koren 2010, "Factor in the neighbors: scalable and accurate collaborative filtering", section 2.1.
    """

    def __init__(self, item_shrinkage=10, user_shrinkage=15, rounds=10):
        check_positive("item_shrinkage", item_shrinkage)
        check_positive("user_shrinkage", user_shrinkage)
        check_positive("rounds", rounds)
        self.item_shrinkage, self.user_shrinkage, self.rounds = item_shrinkage, user_shrinkage, rounds

    def fit(self, ratings):
        """Learns `mean`, `user_biases` `(users,)`, `item_biases` `(items,)` and `limits` of the ratings.

        Args:
            ratings: `dlkeras.data.ratings.Ratings`, at least one.

        Returns:
            Itself.

        Raises:
            ValueError: There are no ratings.
        """
        if not len(ratings):
            raise ValueError("`ratings` must have a rating at least. Received: none")
        users, items = ratings.users, ratings.items
        values = ratings.ratings.astype("float64")
        self.limits = values.min(), values.max()
        self.mean = values.mean()
        self.user_biases, self.item_biases = np.zeros(ratings.num_users), np.zeros(ratings.num_items)
        values = values - self.mean
        for _ in range(self.rounds):
            self.item_biases = _shrunk_means(
                items, values - self.user_biases[users], ratings.num_items, self.item_shrinkage
            )
            self.user_biases = _shrunk_means(
                users, values - self.item_biases[items], ratings.num_users, self.user_shrinkage
            )
        return self

    def predict(self, users, items):
        """Predicts ratings, within the limits of those that were learned from.

        Args:
            users: Whole numbers `(ratings,)`.
            items: Likewise.

        Returns:
            float32 `(ratings,)`.

        Raises:
            ValueError: A user or an item is not among those of `fit`, with ratings or without.
        """
        return np.clip(self.of_pairs(users, items), *self.limits).astype("float32")

    def score_all(self, users):
        """Scores every item for users: the predictions, not kept within limits.

        Args:
            users: Whole numbers `(batch,)`.

        Returns:
            float32 `(batch, items)`.

        Raises:
            ValueError: A user is not among those of `fit`.
        """
        users = checked_places("users", users, len(self.user_biases))
        return (self.mean + self.user_biases[users][:, None] + self.item_biases).astype("float32")

    def of_pairs(self, users, items):
        """Returns the sum of mean and biases, float64 `(ratings,)`; arguments and errors as of `predict`."""
        users = checked_places("users", users, len(self.user_biases))
        items = checked_places("items", items, len(self.item_biases))
        return self.mean + self.user_biases[users] + self.item_biases[items]


def checked_places(name, values, count):
    """Returns users or items as an array of int64; refuses those that are not from 0 to `count` - 1."""
    values = np.asarray(values)
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iu"):
        raise ValueError(
            f"`{name}` must be whole numbers in one dimension. Received: dtype {values.dtype}, shape {values.shape}"
        )
    outside = values[(values < 0) | (values >= count)]
    if outside.size:
        raise ValueError(f"`{name}` must be in [0, {count}). Received: {outside[0]}")
    return values.astype("int64")


def _shrunk_means(owners, values, size, shrinkage):
    sums, counts = (np.bincount(owners, weights, minlength=size) for weights in (values, None))
    return sums / (counts + shrinkage)
