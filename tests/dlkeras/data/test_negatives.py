import numpy as np
import pytest

from dlkeras.data.negatives import Negatives

SEEN = {0: [0, 1, 5], 1: [2], 3: [0, 1, 2, 3, 4, 6], 4: [6, 5, 4]}  # user 2 has seen nothing
USERS = np.array([user for user, items in SEEN.items() for _ in items])
ITEMS = np.array([item for items in SEEN.values() for item in items])


@pytest.fixture
def negatives():
    # In no order, and with pairs that are there twice.
    order = np.random.default_rng(0).permutation(np.tile(np.arange(len(USERS)), 2))
    return Negatives(USERS[order], ITEMS[order], 7)


@pytest.mark.parametrize("user", range(6))
def test_draws_every_unseen_item_as_often_and_no_other(negatives, user):
    unseen = sorted({*range(7)} - {*SEEN.get(user, [])})
    drawn = negatives.draw(np.full(300, user), 40, np.random.default_rng(user))
    assert drawn.shape == (300, 40) and drawn.dtype == "int32"
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == unseen
    # Chi-square of at most 6 degrees of freedom: 22.5 is passed once in a thousand.
    expected = drawn.size / len(unseen)
    assert ((counts - expected) ** 2 / expected).sum() < 22.5
    assert negatives.count([user]) == [len(unseen)]


def test_distinct_draws_every_set_as_often(negatives):
    drawn = negatives.draw(np.zeros(6000, int), 2, np.random.default_rng(0), distinct=True)
    pairs, counts = np.unique(np.sort(drawn), axis=0, return_counts=True)
    assert pairs.tolist() == [[2, 3], [2, 4], [2, 6], [3, 4], [3, 6], [4, 6]]
    assert ((counts - 1000) ** 2 / 1000).sum() < 20.5  # of 5 degrees of freedom, once in a thousand
    everything = negatives.draw(np.array([4, 2, 4]), 4, np.random.default_rng(0), distinct=True)
    assert sorted(everything[0]) == sorted(everything[2]) == [0, 1, 2, 3]


def test_many_users_at_once():
    random = np.random.default_rng(0)
    users, items = random.integers(0, 500, 20_000), random.integers(0, 90, 20_000)
    negatives = Negatives(users, items, 100)
    asked = random.integers(0, 510, 3000)
    drawn = negatives.draw(asked, 5, random)
    seen = np.zeros((510, 100), bool)
    seen[users, items] = True
    assert not seen[asked[:, None], drawn].any()
    assert drawn.min() >= 0 and drawn.max() == 99
    np.testing.assert_array_equal(negatives.count(asked), 100 - seen[asked].sum(axis=1))


def test_the_generator_decides(negatives):
    draws = [negatives.draw([0, 2], 8, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_who_has_seen_everything():
    negatives = Negatives([0, 0, 1], [0, 1, 0], 2)
    with pytest.raises(ValueError, match=r"at least 1 of the 2 items left to draw. Received: user 0, who has 0 left"):
        negatives.draw([1, 0], 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"at least 2 of the 2 items left to draw. Received: user 1, who has 1 left"):
        negatives.draw([1], 2, np.random.default_rng(0), distinct=True)


@pytest.mark.parametrize(
    ("users", "items", "message"),
    [
        ([0, 1], [0], r"must have the same shape \(pairs,\). Received: users.shape=\(2,\), items.shape=\(1,\)"),
        ([0], [3], "`items` must be below `num_items`, 3. Received: 3"),
        ([-1], [0], "`users` must be whole numbers from 0, .* lowest -1"),
        ([0], [0.5], "`items` must be whole numbers from 0, .* dtype float64"),
        ([[0]], [[0]], "`users` must be .* in one dimension"),
    ],
)
def test_refuses(users, items, message):
    with pytest.raises(ValueError, match=message):
        Negatives(users, items, 3)
