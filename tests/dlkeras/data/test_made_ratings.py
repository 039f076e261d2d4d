import numpy as np
import pytest

from dlkeras.data.made_ratings import GENRES, make_ratings
from dlkeras.data.rating_splits import random_split
from dlkeras.metrics.rating import rmse


@pytest.fixture(scope="module")
def made():
    return make_ratings()


def test_what_is_made(made):
    ratings, titles, genres = made
    assert (len(ratings), ratings.num_users, ratings.num_items) == (30_000, 600, 400)
    assert set(np.unique(ratings.ratings)) == {1, 2, 3, 4, 5} and 3.2 < ratings.ratings.mean() < 3.9
    assert np.bincount(ratings.users, minlength=600).min() >= 1
    assert len(np.unique(ratings.users.astype(int) * 400 + ratings.items)) == 30_000
    assert len({*titles}) == len(titles) == len(genres) == 400
    assert all(1 <= len(some) <= 3 and {*some} <= {*GENRES} for some in genres)
    assert (ratings.users.dtype, ratings.items.dtype, ratings.times.dtype) == ("int32", "int32", "int64")


def test_few_items_have_most_ratings(made):
    counts = np.sort(np.bincount(made.ratings.items, minlength=400))[::-1]
    assert counts[:80].sum() > 0.45 * counts.sum() and np.median(counts) < 0.75 * counts.mean()


def test_ratings_follow_from_who_and_what(made):
    """Means of items and users say some of it, and the tastes of the rest say more: singular vectors find them."""
    train, test = random_split(made.ratings, 0.2, seed=0)
    mean = train.ratings.mean()
    rest = np.zeros((600, 400))
    rest[train.users, train.items] = train.ratings - mean
    known = np.zeros((600, 400))
    known[train.users, train.items] = 1
    item_means = rest.sum(0) / (known.sum(0) + 5)
    rest -= known * item_means
    user_means = rest.sum(1, keepdims=True) / (known.sum(1, keepdims=True) + 5)
    rest -= known * user_means
    left, values, right = np.linalg.svd(rest, full_matrices=False)
    tastes = 2.0 * (left[:, :6] * values[:6]) @ right[:6]
    guesses = {"mean": mean + 0 * rest, "items": mean + item_means + 0 * rest}
    guesses["both"] = guesses["items"] + user_means
    guesses["tastes"] = guesses["both"] + tastes
    errors = {name: rmse(test.ratings, guess[test.users, test.items]) for name, guess in guesses.items()}
    assert errors["items"] < 0.96 * errors["mean"]
    assert errors["both"] < 0.97 * errors["items"]
    assert errors["tastes"] < 0.97 * errors["both"]


def test_the_seed_decides():
    first, again, other = (make_ratings(20, 30, 100, seed) for seed in ((1, 2), (1, 2), (1, 3)))
    assert first.titles == again.titles != other.titles
    np.testing.assert_array_equal(first.ratings.ratings, again.ratings.ratings)
    assert not np.array_equal(first.ratings.items, other.ratings.items)


def test_many_items_have_titles_of_their_own():
    assert len({*make_ratings(1, 25_000, 10).titles}) == 25_000


def test_refuses():
    with pytest.raises(ValueError, match=r"`count` must be from 4, one a user, to 12, all of them. Received: count=13"):
        make_ratings(4, 3, 13)
    with pytest.raises(ValueError, match="`users` must be above 0"):
        make_ratings(0, 3, 0)
