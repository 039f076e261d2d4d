"""Who rated what, and how: ratings, and the reader of files of `user, item, rating[, time]`."""

import dataclasses
from pathlib import Path

import numpy as np

from dlkeras.data.location import DataError, find
from dlkeras.data.rating_files import read_columns


@dataclasses.dataclass(frozen=True)
class Ratings:
    """Who rated what, a row a rating.

    Attributes:
        users: int32 `(ratings,)`, places in `user_names`.
        items: int32 `(ratings,)`, places in `item_names`.
        ratings: float32 `(ratings,)`.
        times: int64 `(ratings,)`, in seconds, or `None`.
        user_names: Tuple of `str`, the ids as a file has them, sorted as numbers where all of them are, else as text.
        item_names: Likewise.
        dropped: How many ratings were left out since the same user rated the same item later.
    """

    users: np.ndarray
    items: np.ndarray
    ratings: np.ndarray
    times: np.ndarray | None
    user_names: tuple
    item_names: tuple
    dropped: int = 0

    def __len__(self):
        return len(self.ratings)

    @property
    def num_users(self):
        """Number of users that have a name, with ratings or without."""
        return len(self.user_names)

    @property
    def num_items(self):
        """Number of items that have a name, with ratings or without."""
        return len(self.item_names)

    def take(self, rows):
        """Returns the `Ratings` of some rows, of the same users and items.

        Args:
            rows: Whole numbers `(some,)`, or bool `(ratings,)`.
        """
        times = None if self.times is None else self.times[rows]
        return dataclasses.replace(
            self, users=self.users[rows], items=self.items[rows], ratings=self.ratings[rows], times=times, dropped=0
        )


def read_ratings(path, *, limits=None, encoding=None):
    """Reads a file of a user, an item, a rating and, where it has them, a time a line.

    Between the fields stands a tab (MovieLens 100K), `::` (MovieLens 1M), a semicolon or a comma; between the last two
    a field may be in quotation marks. Without a header the order is user, item, rating, time. A header tells it by
    names such as userId, movieId, rating and timestamp, in any order and beside others. Where a user rated an item more
    than once the latest rating counts: by time, else the last line.

    Args:
        path: The file, also one in `DLKERAS_DATA`; it may be packed (`.gz`).
        limits: `(lowest, highest)` rating, or `None` for any.
        encoding: Of the file; `None` for UTF-8, or where it is none for cp1252 or ISO-8859-1.

    Returns:
        `Ratings`, in the order of the file.

    Raises:
        DataError: There is no such file, it holds no ratings, or a line is none: the first such line is named.
    """
    path = Path(path).expanduser()
    path = path if path.is_file() else find(str(path)) or path
    if not path.is_file():
        raise DataError(f"{path} is no file of ratings. Accepted: a user, an item, a rating and maybe a time a line.")
    return ratings_of(*read_columns(path, limits, encoding))


def ratings_of(users, items, ratings, times=None):
    """Makes `Ratings` of columns of names, with the latest of those that are there more than once.

    Args:
        users: List of `str` `(ratings,)`.
        items: Likewise.
        ratings: Numbers `(ratings,)`.
        times: Whole numbers `(ratings,)`, in seconds, or `None`.

    Returns:
        `Ratings`, in the same order.
    """
    user_names, item_names = sorted_names(users), sorted_names(items)
    users, items = _places(users, user_names), _places(items, item_names)
    rows = _latest(users.astype("int64") * len(item_names) + items, times)
    dropped = len(users) - len(rows)
    times = None if times is None else np.asarray(times, "int64")[rows]
    ratings = np.asarray(ratings, "float32")[rows]
    return Ratings(users[rows], items[rows], ratings, times, user_names, item_names, dropped)


def renamed(ratings, user_names, item_names):
    """Numbers the users and items of some ratings by other names: those of the whole that they are a part of.

    Args:
        ratings: `Ratings`.
        user_names: Tuple of `str`, with all names of `ratings` among them.
        item_names: Likewise.

    Returns:
        `Ratings`.

    Raises:
        DataError: A name is not among them.
    """
    for what, names, known in (("user", ratings.user_names, user_names), ("item", ratings.item_names, item_names)):
        unknown = sorted_names(set(names) - set(known))
        if unknown:
            listed = ", ".join(unknown[:5])
            raise DataError(f"Each {what} must be one of the {len(known)} that are known. Received: {listed}")
    users = _places(ratings.user_names, user_names)[ratings.users]
    items = _places(ratings.item_names, item_names)[ratings.items]
    return dataclasses.replace(
        ratings, users=users, items=items, user_names=tuple(user_names), item_names=tuple(item_names)
    )


def sorted_names(names):
    """Returns the different ones of some names as a tuple, sorted as numbers where all are, else as text."""
    names = set(names)
    if all(name.isascii() and name.isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def _places(names, known):
    places = {name: place for place, name in enumerate(known)}
    return np.fromiter(map(places.__getitem__, names), "int32", len(names))


def _latest(pairs, times):
    """Returns the rows of the latest rating of each pair of user and item, in their order."""
    rows = np.arange(len(pairs))
    order = np.lexsort((rows, pairs) if times is None else (rows, times, pairs))
    last = np.append(pairs[order][1:] != pairs[order][:-1], True)
    return np.sort(order[last])
