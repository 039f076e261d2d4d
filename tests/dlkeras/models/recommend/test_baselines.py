import numpy as np
import pytest

from dlkeras.data.ratings import ratings_of
from dlkeras.models.recommend.baselines import Biases


def test_by_hand():
    # Two users and two items; user "b" has rated nothing but item "j".
    ratings = ratings_of(["a", "a", "b"], ["i", "j", "j"], [5, 2, 2])
    biases = Biases(item_shrinkage=1, user_shrinkage=2, rounds=1).fit(ratings)
    items = np.array([2 / 2, -2 / 3])  # of what is above the mean 3: 2; -1 and -1
    users = np.array([(2 - items[0] + -1 - items[1]) / 4, (-1 - items[1]) / 3])
    np.testing.assert_allclose(biases.item_biases, items)
    np.testing.assert_allclose(biases.user_biases, users)
    np.testing.assert_allclose(biases.score_all([1, 0]), 3 + users[[1, 0], None] + items, rtol=1e-6)
    np.testing.assert_allclose(biases.predict([0, 1, 1], [0, 0, 1]), 3 + users[[0, 1, 1]] + items[[0, 0, 1]], rtol=1e-6)


def test_rounds_reach_the_least_of_the_penalised_errors():
    random = np.random.default_rng(0)
    known = random.random((8, 9)) < 0.6
    users, items = np.nonzero(known)
    values = random.integers(1, 6, len(users))
    biases = Biases(item_shrinkage=3, user_shrinkage=4, rounds=60).fit(
        ratings_of([str(user) for user in users], [str(item) for item in items], values)
    )
    # Ridge regression on one column a user and one an item has the same least.
    columns = np.zeros((len(users), 17))
    columns[np.arange(len(users)), users] = columns[np.arange(len(users)), 8 + items] = 1
    penalty = np.diag([4.0] * 8 + [3.0] * 9)
    exact = np.linalg.solve(columns.T @ columns + penalty, columns.T @ (values - values.mean()))
    np.testing.assert_allclose(np.concatenate([biases.user_biases, biases.item_biases]), exact, atol=1e-6)


def test_predictions_stay_within_the_limits_and_scores_do_not():
    ratings = ratings_of(list("aabb"), list("ijij"), [5, 4, 4, 1])
    biases = Biases(item_shrinkage=0.1, user_shrinkage=0.1).fit(ratings)
    assert biases.predict([0], [0]) == 5 < biases.score_all([0])[0, 0]


def test_without_ratings_the_mean_remains():
    ratings = ratings_of(list("abc"), list("ijk"), [5, 3, 1]).take([0, 1])
    biases = Biases().fit(ratings)
    assert biases.predict([2], [2]) == pytest.approx(4)


def test_refuses():
    biases = Biases().fit(ratings_of(["a"], ["i"], [3]))
    for users, items, message in (
        ([1], [0], r"`users` must be in \[0, 1\). Received: 1"),
        ([0], [-1], r"`items` must be in \[0, 1\). Received: -1"),
        ([0.5], [0], "`users` must be whole numbers in one dimension. Received: dtype float64"),
    ):
        with pytest.raises(ValueError, match=message):
            biases.predict(users, items)
    with pytest.raises(ValueError, match=r"`users` must be in \[0, 1\)"):
        biases.score_all([2])
    with pytest.raises(ValueError, match="`ratings` must have a rating at least"):
        biases.fit(ratings_of(["a"], ["i"], [3]).take([]))
    for name in ("item_shrinkage", "user_shrinkage", "rounds"):
        with pytest.raises(ValueError, match=f"`{name}` must be above 0"):
            Biases(**{name: 0})
