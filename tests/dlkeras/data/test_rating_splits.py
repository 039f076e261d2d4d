import math

import numpy as np
import pytest

from dlkeras.data.rating_splits import by_time, folds, leave_last_out, random_split, stratified_split
from dlkeras.data.ratings import ratings_of

USERS = ["u"] * 12 + ["v"] * 7 + ["w"] * 2 + ["x"]


@pytest.fixture
def ratings():
    """Of four users; each rating is of another value, which tells it from the others."""
    items = [str(number % 12) for number in range(len(USERS))]
    times = np.random.default_rng(1).permutation(len(USERS))
    return ratings_of(USERS, items, np.arange(len(USERS)), times)


def assert_parted(ratings, train, test):
    """Every rating is in one of the two, in the old order, with all that belongs to it."""
    both = np.concatenate([train.ratings, test.ratings])
    np.testing.assert_array_equal(np.sort(both), ratings.ratings)
    for part in (train, test):
        rows = part.ratings.astype(int)
        assert (np.diff(rows) > 0).all()
        for name in ("users", "items", "times"):
            np.testing.assert_array_equal(getattr(part, name), getattr(ratings, name)[rows])
        assert part.user_names == ratings.user_names and part.item_names == ratings.item_names


def test_random_split(ratings):
    train, test = random_split(ratings, 0.25, seed=3)
    assert_parted(ratings, train, test)
    assert len(test) == round(0.25 * 22)
    np.testing.assert_array_equal(random_split(ratings, 0.25, seed=3)[1].ratings, test.ratings)
    assert not np.array_equal(random_split(ratings, 0.25, seed=4)[1].ratings, test.ratings)


def test_folds(ratings):
    parts = list(folds(ratings, 5, seed=0))
    for train, test in parts:
        assert_parted(ratings, train, test)
        assert len(test) in (4, 5)
    tested = np.concatenate([test.ratings for _, test in parts])
    np.testing.assert_array_equal(np.sort(tested), ratings.ratings)
    assert not np.array_equal(tested, ratings.ratings)


@pytest.mark.parametrize("by", ["user", "item"])
def test_stratified_split(ratings, by):
    train, test = stratified_split(ratings, 0.25, seed=0, by=by)
    assert_parted(ratings, train, test)
    owners = {"user": "users", "item": "items"}[by]
    counts = np.bincount(getattr(ratings, owners))
    expected = [min(math.ceil(0.25 * count), count - 1) for count in counts]
    np.testing.assert_array_equal(np.bincount(getattr(test, owners), minlength=len(counts)), expected)
    assert not np.array_equal(stratified_split(ratings, 0.25, seed=1, by=by)[1].ratings, test.ratings)


def test_stratified_split_draws_each_rating_as_often(ratings):
    drawn = np.zeros(22)
    for seed in range(400):
        drawn[stratified_split(ratings, 0.25, seed)[1].ratings.astype(int)] += 1
    # 3 of 12, 2 of 7, 1 of 2, and none of 1; the deviation of 400 draws is at most 10.
    assert (abs(drawn[:12] - 100) < 45).all() and (abs(drawn[12:19] - 400 * 2 / 7) < 45).all()
    assert (abs(drawn[19:21] - 200) < 45).all() and drawn[21] == 0


@pytest.mark.parametrize("count", [1, 2])
def test_leave_last_out(ratings, count):
    train, test = leave_last_out(ratings, count)
    assert_parted(ratings, train, test)
    expected = {user: count if (ratings.users == user).sum() > count else 0 for user in range(4)}
    for user, number in expected.items():
        assert (test.users == user).sum() == number
        if number:
            assert test.times[test.users == user].min() > train.times[train.users == user].max()


def test_leave_last_out_takes_the_later_row_of_equal_times():
    ratings = ratings_of(["u", "u", "v", "v"], ["1", "2", "2", "1"], [1, 2, 3, 4], [5, 5, 5, 5])
    np.testing.assert_array_equal(leave_last_out(ratings)[1].ratings, [2, 4])


def test_by_time(ratings):
    train, test = by_time(ratings, 0.3)
    assert_parted(ratings, train, test)
    assert len(test) == round(0.3 * 22) and test.times.min() > train.times.max()


def test_refuses(ratings):
    timeless = ratings_of(["u", "u"], ["1", "2"], [1, 2])
    for split in (
        lambda: random_split(ratings, 1, 0),
        lambda: by_time(ratings, 1),
        lambda: stratified_split(ratings, 1, 0),
    ):
        with pytest.raises(ValueError, match=r"`fraction` must be in \(0, 1\). Received: fraction=1"):
            split()
    for split in (lambda: leave_last_out(timeless), lambda: by_time(timeless, 0.5)):
        with pytest.raises(ValueError, match="`ratings` must have times"):
            split()
    with pytest.raises(ValueError, match=r"`count` must be from 2 to the number of ratings, 22. Received: count=1"):
        folds(ratings, 1, 0)
    with pytest.raises(ValueError, match=r"`count` must be at least 1. Received: count=0"):
        leave_last_out(ratings, 0)
    with pytest.raises(ValueError, match=r"`by` must be one of user, item. Received: by='genre'"):
        stratified_split(ratings, 0.5, 0, by="genre")
