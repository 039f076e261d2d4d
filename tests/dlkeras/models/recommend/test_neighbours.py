import dataclasses

import numpy as np
import pytest

from dlkeras.data.ratings import Ratings
from dlkeras.models.recommend.baselines import Biases
from dlkeras.models.recommend.neighbours import Neighbours

USERS, ITEMS = 14, 11


@pytest.fixture(scope="module")
def ratings():
    """Of tastes of one direction; the last user and the last item have none."""
    random = np.random.default_rng(0)
    users, items = np.nonzero(random.random((USERS - 1, ITEMS - 1)) < 0.6)
    order = random.permutation(len(users))
    users, items = users[order].astype("int32"), items[order].astype("int32")
    exact = 3 + 1.5 * random.normal(size=USERS)[users] * random.normal(size=ITEMS)[items]
    values = np.clip(np.round(exact), 1, 5).astype("float32")
    return Ratings(users, items, values, None, tuple(map(str, range(USERS))), tuple(map(str, range(ITEMS))))


def reference(ratings, by, k, shrinkage):
    """The papers' formulas in loops: similarities, and predictions of all users and items, without limits."""
    biases = Biases().fit(ratings).score_all(np.arange(USERS))
    values = np.full((USERS, ITEMS), np.nan)
    values[ratings.users, ratings.items] = ratings.ratings
    rests, biases = (values - biases, biases) if by == "user" else ((values - biases).T, biases.T)
    similarities = np.zeros([len(rests)] * 2)
    for one, first in enumerate(rests):
        for other, second in enumerate(rests):
            both = ~np.isnan(first + second)
            squares = (first[both] ** 2).sum() * (second[both] ** 2).sum()
            if squares:
                shrunk = (both.sum() - 1) / (both.sum() - 1 + shrinkage)
                similarities[one, other] = shrunk * (first[both] * second[both]).sum() / np.sqrt(squares)
    predictions = biases.astype("float64")
    for one, other in np.ndindex(*rests.shape):
        near = sorted(
            ((similarities[one, rater], rests[rater, other]) for rater in np.flatnonzero(~np.isnan(rests[:, other]))),
            reverse=True,
        )
        near = [(weight, rest) for weight, rest in near[:k] if weight > 0]
        if near:
            predictions[one, other] += sum(weight * rest for weight, rest in near) / sum(weight for weight, _ in near)
    return similarities, predictions if by == "user" else predictions.T


@pytest.mark.parametrize("by", ["user", "item"])
@pytest.mark.parametrize("k", [1, 3, 40])
def test_agrees_with_loops(ratings, by, k):
    model = Neighbours(by, k, shrinkage=5).fit(ratings)
    similarities, predictions = reference(ratings, by, k, 5)
    np.testing.assert_allclose(model.similarities, similarities, atol=1e-5)
    scores = model.score_all(np.array([4, 0, 13]))
    assert scores.dtype == "float32"
    np.testing.assert_allclose(scores, predictions[[4, 0, 13]], atol=1e-4)
    assert np.abs(scores - model.biases.score_all([4, 0, 13])).max() > 0.3
    users, items = (axis.ravel() for axis in np.meshgrid(np.arange(USERS), np.arange(ITEMS), indexing="ij"))
    order = np.random.default_rng(1).permutation(len(users))
    expected = np.clip(predictions[users, items], 1, 5)[order]
    np.testing.assert_allclose(model.predict(users[order], items[order]), expected, atol=1e-4)


def test_without_ratings_the_biases_remain(ratings):
    model = Neighbours().fit(ratings)
    for users, items in (([USERS - 1], [2]), ([3], [ITEMS - 1]), ([USERS - 1], [ITEMS - 1])):
        np.testing.assert_array_equal(model.predict(users, items), model.biases.predict(users, items))
    assert model.predict([], []).shape == (0,)


def test_similar(ratings):
    model = Neighbours("item", shrinkage=1).fit(ratings)
    row = np.delete(model.similarities[2], 2)
    above = sorted(row[row > 0], reverse=True)
    assert 2 <= len(above) < len(row)
    for count in (1, ITEMS):
        items, similarities = model.similar(2, count)
        assert items.dtype == "int32" and 2 not in items
        np.testing.assert_array_equal(similarities, above[:count])
        np.testing.assert_array_equal(model.similarities[2, items], similarities)
    assert len(model.similar(ITEMS - 1)[0]) == 0
    with pytest.raises(ValueError, match=r"`items` must be in \[0, 11\). Received: 11"):
        model.similar(ITEMS)


def test_refuses(ratings):
    with pytest.raises(ValueError, match=r"`by` must be one of user, item. Received: by='film'"):
        Neighbours("film")
    with pytest.raises(ValueError, match="`k` must be above 0"):
        Neighbours(k=0)
    with pytest.raises(ValueError, match=r"`shrinkage` must be at least 0. Received: shrinkage=-1"):
        Neighbours(shrinkage=-1)
    model = Neighbours().fit(ratings)
    with pytest.raises(ValueError, match=r"`items` must be in \[0, 11\). Received: 11"):
        model.predict([0], [ITEMS])
    with pytest.raises(ValueError, match=r"`users` must be in \[0, 14\). Received: -1"):
        model.score_all([-1])
    with pytest.raises(ValueError, match="`ratings` must have a rating at least"):
        model.fit(ratings.take([]))
    many = dataclasses.replace(ratings, item_names=("i",) * 20_001)
    with pytest.raises(ValueError, match=r"at most 20,000 items. Received: 20,001"):
        Neighbours("item").fit(many)
