"""Ratings in two parts, to learn from and to test on: at random, by user, by time."""

import numpy as np

from dlkeras.checks import check_choice


def random_split(ratings, fraction, seed):
    """Parts ratings at random, whoever they are of.

    Args:
        ratings: `dlkeras.data.ratings.Ratings`.
        fraction: Share of the second part, in (0, 1).
        seed: Of the draw.

    Returns:
        `(train, test)`, both `Ratings` with the names of the whole, in its order.

    Raises:
        ValueError: `fraction` is out of its range.
    """
    _check_fraction(fraction)
    order = np.random.default_rng(seed).permutation(len(ratings))
    return _parted(ratings, order[: round(fraction * len(ratings))])


def folds(ratings, count, seed):
    """Parts ratings at random in folds of like size, and yields each against the rest.

    Args:
        ratings: `dlkeras.data.ratings.Ratings`.
        count: Number of folds, from 2 to the number of ratings.
        seed: Of the draw.

    Yields:
        `(train, test)` as `random_split`; every rating is in one test part.

    Raises:
        ValueError: `count` is out of its range.
    """
    if not 2 <= count <= len(ratings):
        raise ValueError(f"`count` must be from 2 to the number of ratings, {len(ratings)}. Received: count={count}")
    order = np.random.default_rng(seed).permutation(len(ratings))
    return (_parted(ratings, rows) for rows in np.array_split(order, count))


def stratified_split(ratings, fraction, seed, by="user"):
    """Parts the ratings of each user, or of each item, at random in the same share.

    Of n ratings `ceil(fraction * n)` are in the second part, but never all of them. The table of MovieLens 100K in
    Microsoft's Recommenders (NCF, LightGCN, ...) is measured with `fraction=0.25` and `by="item"`: its program calls
    `python_stratified_split` with `filter_by="item"`, while the text beside it speaks of users. Its draws are others,
    and it tests on items that have a single rating.

    Args:
        ratings: `dlkeras.data.ratings.Ratings`.
        fraction: Share of the second part, in (0, 1).
        seed: Of the draw.
        by: `"user"` or `"item"`.

    Returns:
        `(train, test)` as `random_split`.

    Raises:
        ValueError: An argument is out of its range.
    """
    _check_fraction(fraction)
    check_choice("by", by, ("user", "item"))
    owners = ratings.users if by == "user" else ratings.items
    draws = np.random.default_rng(seed).random(len(ratings))
    order, ranks, counts = _ranked(owners, draws)
    # In whole millionths: 0.25 * 8 must not become 3 by a rounding of the last bit.
    wanted = -(-round(fraction * 1_000_000) * counts // 1_000_000)
    return _parted(ratings, order[ranks < np.minimum(wanted, counts - 1)])


def leave_last_out(ratings, count=1):
    """Takes the last ratings of each user for test; of users with `count` or fewer all stay in the first part.

    Args:
        ratings: `dlkeras.data.ratings.Ratings` with times; of equal times the later row is the later rating.
        count: Number of ratings of a user that are tested on, at least 1.

    Returns:
        `(train, test)` as `random_split`.

    Raises:
        ValueError: There are no times, or `count` is out of its range.
    """
    _check_times(ratings)
    if count < 1:
        raise ValueError(f"`count` must be at least 1. Received: count={count}")
    order, ranks, counts = _ranked(ratings.users, ratings.times)
    return _parted(ratings, order[(ranks >= counts - count) & (counts > count)])


def by_time(ratings, fraction):
    """Takes the latest ratings of all for test: users and items may be in one part alone.

    Args:
        ratings: `dlkeras.data.ratings.Ratings` with times.
        fraction: Share of the second part, in (0, 1).

    Returns:
        `(train, test)` as `random_split`.

    Raises:
        ValueError: There are no times, or `fraction` is out of its range.
    """
    _check_times(ratings)
    _check_fraction(fraction)
    order = np.argsort(ratings.times, kind="stable")
    return _parted(ratings, order[len(ratings) - round(fraction * len(ratings)) :])


def _check_fraction(fraction):
    if not 0 < fraction < 1:
        raise ValueError(f"`fraction` must be in (0, 1). Received: fraction={fraction}")


def _check_times(ratings):
    if ratings.times is None:
        raise ValueError("`ratings` must have times to be split by time. Received: ratings.times=None")


def _ranked(owners, values):
    """Orders rows by owner, then value; returns the order, each row's rank with its owner, and the owner's count."""
    order = np.lexsort((np.arange(len(owners)), values, owners))
    _, starts, counts = np.unique(owners[order], return_index=True, return_counts=True)
    return order, np.arange(len(order)) - np.repeat(starts, counts), np.repeat(counts, counts)


def _parted(ratings, chosen):
    test = np.zeros(len(ratings), bool)
    test[chosen] = True
    return ratings.take(~test), ratings.take(test)
