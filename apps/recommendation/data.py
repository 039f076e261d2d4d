"""Ratings as the app takes them: read or made up, parted, and what a model must know of them."""

from pathlib import Path

import numpy as np

from dlkeras.data.location import DataError, find
from dlkeras.data.made_ratings import make_ratings
from dlkeras.data.movielens import MovieLens, load_movielens
from dlkeras.data.rating_splits import by_time, leave_last_out, random_split, stratified_split
from dlkeras.data.ratings import read_ratings
from dlkeras.data.splits import Examples

MADE = "made"
SPLITS = ("random", "user", "item", "time", "last")


def read_films(data, seed):
    """Returns ratings with titles and genres, a `dlkeras.data.movielens.MovieLens`.

    Args:
        data: `made`, a folder of MovieLens, or a file of ratings, which tells neither titles nor genres.
        seed: Of what is made up.
    """
    if data == MADE:
        return make_ratings(seed=seed)
    path = Path(data).expanduser()
    path = path if path.exists() else find(data) or path
    if path.is_dir():
        return load_movielens(path)
    ratings = read_ratings(path)
    return MovieLens(ratings, ratings.item_names, ((),) * ratings.num_items)


def parted(ratings, split, fraction, seed):
    """Returns `(rest, part)`; see `dlkeras.data.rating_splits`.

    Args:
        ratings: `dlkeras.data.ratings.Ratings`.
        split: One of `SPLITS`.
        fraction: Share of the part; of `last` the part is one rating a user.
        seed: Of the draw.

    Raises:
        DataError: The ratings tell no times, and the split is by time.
    """
    if split in ("time", "last") and ratings.times is None:
        raise DataError(f"A split by {split} needs times. Received: ratings without")
    if split == "last":
        return leave_last_out(ratings)
    if split == "time":
        return by_time(ratings, fraction)
    if split == "random":
        return random_split(ratings, fraction, seed)
    return stratified_split(ratings, fraction, seed, by=split)


def pairs(ratings):
    """Returns `Examples` of int32 `[user, item]` `(ratings, 2)` and float32 ratings `(ratings,)`."""
    return Examples(np.column_stack([ratings.users, ratings.items]), ratings.ratings)


def described(films, seen, data):
    """Returns the `info` of a model.

    Args:
        films: `dlkeras.data.movielens.MovieLens`, whole.
        seen: `Ratings` of training and validation, which are not recommended again.
        data: What the data is called.
    """
    ratings = films.ratings
    counts = np.bincount(seen.items, minlength=ratings.num_items)
    return {
        "data": data,
        "user_names": list(ratings.user_names),
        "item_names": list(ratings.item_names),
        "titles": list(films.titles),
        "genres": [list(genres) for genres in films.genres],
        "popular": np.argsort(-counts, kind="stable").tolist(),
        "limits": [float(ratings.ratings.min()), float(ratings.ratings.max())],
        "seen": len(seen),
        "longest": int(np.bincount(seen.users).max()),
    }


def multi_hot(examples, info):
    """Returns which user has seen which item of some pairs, float32 `(users, items)` of 0 and 1."""
    table = np.zeros((len(info["user_names"]), len(info["item_names"])), "float32")
    table[examples.x[:, 0], examples.x[:, 1]] = 1
    return table
