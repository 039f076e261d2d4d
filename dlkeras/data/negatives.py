"""Items that a user has not seen, drawn without ever trying one that the user has."""

import numpy as np


class Negatives:
    """Draws items for users from those that they have not seen, each with the same probability.

    A draw is a place among a user's unseen items. The items that the user has seen, sorted, say how many of them stand
    before it, which one binary search finds: no draw is thrown away, and there is no loop over users.

    Args:
        users: Whole numbers `(pairs,)` from 0: who has seen
        items: what, whole numbers `(pairs,)` in [0, `num_items`); pairs may be there more than once.
        num_items: Number of items.

    Raises:
        ValueError: The shapes do not fit, or a number is out of its range.
    """

    def __init__(self, users, items, num_items):
        users, items = _whole("users", users), _whole("items", items)
        if users.shape != items.shape:
            raise ValueError(
                "`users` and `items` must have the same shape (pairs,). "
                f"Received: users.shape={users.shape}, items.shape={items.shape}"
            )
        if len(items) and items.max() >= num_items:
            raise ValueError(f"`items` must be below `num_items`, {num_items}. Received: {items.max()}")
        self.num_items = num_items
        self._stride = num_items + 1
        pairs = np.unique(users * self._stride + items)
        owners = pairs // self._stride
        starts = np.searchsorted(owners, owners)
        # Of a user's i-th seen item: how many unseen ones stand before it. It never falls within a user.
        self._unseen_before = pairs - (np.arange(len(pairs)) - starts)

    def count(self, users):
        """Returns how many items users have not seen, int64 `(users,)`; all of them for a user without a pair."""
        starts, ends = self._span(_whole("users", users))
        return self.num_items - (ends - starts)

    def draw(self, users, count, random, distinct=False):
        """Draws items for each user.

        Args:
            users: Whole numbers `(users,)`; one may be there more than once.
            count: Number of items for each.
            random: A `numpy.random.Generator`.
            distinct: Whether a row holds no item twice; then the order in a row is not random.

        Returns:
            int32 `(users, count)`.

        Raises:
            ValueError: A user has seen every item, or, where they are to be distinct, too many of them.
        """
        users = _whole("users", users)
        starts, ends = self._span(users)
        unseen = self.num_items - (ends - starts)
        needed = count if distinct else 1
        if (unseen < needed).any():
            row = np.argmax(unseen < needed)
            raise ValueError(
                f"A user must have at least {needed} of the {self.num_items} items left to draw. "
                f"Received: user {users[row]}, who has {unseen[row]} left"
            )
        places = (
            _distinct(unseen, count, random) if distinct else random.integers(0, unseen[:, None], (len(users), count))
        )
        keys = users[:, None] * self._stride + places
        seen_before = np.searchsorted(self._unseen_before, keys, side="right") - starts[:, None]
        return (places + seen_before).astype("int32")

    def _span(self, users):
        """Returns where the pairs of users start and end."""
        return tuple(np.searchsorted(self._unseen_before, number * self._stride) for number in (users, users + 1))


def _distinct(sizes, count, random):
    """Draws `count` different numbers below each size, int64 `(sizes, count)`, by a loop over `count`.

    Source: Floyd's algorithm, in Bentley and Floyd 1987, "Programming pearls: a sample of brilliance".
    """
    chosen = np.empty((len(sizes), count), "int64")
    for column in range(count):
        last = sizes - count + column
        drawn = random.integers(0, last + 1)
        taken = (chosen[:, :column] == drawn[:, None]).any(axis=1)
        chosen[:, column] = np.where(taken, last, drawn)
    return chosen


def _whole(name, values):
    values = np.asarray(values)
    if values.ndim != 1 or (values.size and (values.dtype.kind not in "iu" or values.min() < 0)):
        raise ValueError(
            f"`{name}` must be whole numbers from 0, in one dimension. "
            f"Received: dtype {values.dtype}, shape {values.shape}{f', lowest {values.min()}' if values.size else ''}"
        )
    return values.astype("int64")
