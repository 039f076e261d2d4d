"""Neighbours: a rating from those of the most similar users, or of the most similar items. In NumPy."""

import numpy as np

from dlkeras.checks import check_choice, check_positive
from dlkeras.models.recommend.baselines import Biases, checked_places

_MOST = 20_000  # users, or items: their table takes 1.6 GB, and several times that while it is made


class Neighbours:
    """Predicts a rating from what the nearest neighbours rated, each measured from its biases.

    Neighbours of a user (or of an item) are the k most similar ones among those with a rating of the same item (by the
    same user). Similarity is the correlation of what both rated, measured from the biases, and shrunk to 0 the more so
    the less both rated; dissimilar ones count for nothing. Where there is no neighbour the biases remain. A table of
    all similarities is kept: float32 `(users, users)`, or `(items, items)`.

    Args:
        by: `"user"` or `"item"`.
        k: Largest number of neighbours.
        shrinkage: Number of common ratings, less 1, at which a similarity is halved.

    Raises:
        ValueError: An argument is out of its range.

    Source: Koren 2010, "Factor in the neighbors: scalable and accurate collaborative filtering", section 2.2.
    """

    def __init__(self, by="user", k=40, shrinkage=100):
        check_choice("by", by, ("user", "item"))
        check_positive("k", k)
        if not shrinkage >= 0:
            raise ValueError(f"`shrinkage` must be at least 0. Received: shrinkage={shrinkage}")
        self.by, self.k, self.shrinkage = by, k, shrinkage

    def fit(self, ratings):
        """Learns `biases` and `similarities`.

        Args:
            ratings: `dlkeras.data.ratings.Ratings`, at least one.

        Returns:
            Itself.

        Raises:
            ValueError: There are no ratings, or more users (or items) than such a table can be kept of.
        """
        size, num_others = self._by_owner(ratings.num_users, ratings.num_items)
        if size > _MOST:
            raise ValueError(f"Neighbours are found among at most {_MOST:,} {self.by}s. Received: {size:,}")
        self.biases = Biases().fit(ratings)
        rest = ratings.ratings - self.biases.of_pairs(ratings.users, ratings.items)
        self._shape = ratings.num_users, ratings.num_items
        # Owners are who has neighbours; their ratings of one of the others are one row.
        owners, others = self._by_owner(ratings.users, ratings.items)
        self.similarities = _similarities(owners, others, rest, (size, num_others), self.shrinkage)
        order = np.argsort(others, kind="stable")
        self._raters, self._rests = owners[order], rest[order].astype("float32")
        self._starts = np.searchsorted(others[order], np.arange(num_others + 1))
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
        predictions = self.biases.of_pairs(users, items)
        owners, others = self._by_owner(np.asarray(users, "int64"), np.asarray(items, "int64"))
        order = np.argsort(others, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(others[order])) + 1):
            if len(rows):
                predictions[rows] += self._from_neighbours(owners[rows], others[rows[0]])
        return np.clip(predictions, *self.biases.limits).astype("float32")

    def score_all(self, users):
        """Scores every item for users: the predictions, not kept within limits.

        Args:
            users: Whole numbers `(batch,)`.

        Returns:
            float32 `(batch, items)`.

        Raises:
            ValueError: A user is not among those of `fit`.
        """
        users = checked_places("users", users, self._shape[0])
        scores = self.biases.score_all(users)
        if self.by == "user":
            for item in range(self._shape[1]):
                scores[:, item] += self._from_neighbours(users, item)
        else:
            for row, user in enumerate(users):
                scores[row] += self._from_neighbours(slice(None), user)
        return scores

    def similar(self, owner, count=10):
        """Returns the most similar users, or items, the most similar first, with their similarities.

        Args:
            owner: A user, or an item.
            count: Largest number of them.

        Returns:
            `(owners, similarities)`, int32 and float32 `(at most count,)`; only those above 0.

        Raises:
            ValueError: There is no such user or item.
        """
        (owner,) = checked_places(f"{self.by}s", [owner], len(self.similarities))
        row = self.similarities[owner].copy()
        row[owner] = 0
        best = np.argsort(-row, kind="stable")[:count]
        best = best[row[best] > 0]
        return best.astype("int32"), row[best]

    def _by_owner(self, users, items):
        return (users, items) if self.by == "user" else (items, users)

    def _from_neighbours(self, owners, other):
        """Returns the mean of how the neighbours' ratings of one of the others differ from the biases, `(owners,)`."""
        part = slice(self._starts[other], self._starts[other + 1])
        rests = self._rests[part]
        weights = np.maximum(self.similarities[owners][:, self._raters[part]], 0)  # (owners, raters)
        if self.k < len(rests):
            nearest = np.argpartition(weights, len(rests) - self.k, axis=1)[:, len(rests) - self.k :]
            weights, rests = np.take_along_axis(weights, nearest, 1), rests[nearest]
        total = weights.sum(axis=1)
        return np.divide((weights * rests).sum(axis=1), total, out=np.zeros_like(total), where=total > 0)


def _similarities(owners, others, rest, shape, shrinkage):
    """Returns the shrunk correlations of all owners with each other, float32 `(owners, owners)`."""
    rests, known = np.zeros(shape, "float32"), np.zeros(shape, "float32")
    rests[owners, others] = rest
    known[owners, others] = 1
    products = rests @ rests.T
    squares = rests**2 @ known.T  # of each owner, over what it has in common with another
    common = known @ known.T
    scale = np.sqrt(squares * squares.T)
    correlations = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
    # Without anything in common, or with one thing alone, nothing is known.
    shrunk = np.maximum(common - 1, 0)
    return correlations * np.divide(shrunk, shrunk + shrinkage, out=np.zeros_like(shrunk), where=shrunk > 0)
