import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score

from dlkeras.data.ratings import Ratings
from dlkeras.metrics.ranking import ranking_figures, sampled_candidates, sampled_figures, top_k

USERS, ITEMS = 12, 30


def ratings(users, items, num_users=USERS, num_items=ITEMS):
    users, items = np.array(users, "int32"), np.array(items, "int32")
    names = (tuple(map(str, range(count))) for count in (num_users, num_items))
    return Ratings(users, items, np.ones(len(users), "float32"), None, *names)


def random_case(seed):
    """Some seen, some held out and some neither; user 3 has nothing held out."""
    random = np.random.default_rng(seed)
    kinds = random.choice([0, 1, 2], (USERS, ITEMS), p=[0.6, 0.25, 0.15])
    kinds[3] = 0
    kinds[4:, 7] = 2
    return random, ratings(*np.nonzero(kinds == 1)), ratings(*np.nonzero(kinds == 2)), kinds


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [1, 5, 10])
def test_agrees_with_scikit_learn(seed, k):
    random, seen, held_out, kinds = random_case(seed)
    scores = random.normal(size=(USERS, ITEMS)).astype("float32")
    figures = ranking_figures(lambda users: scores[users], seen, held_out, k, batch_size=5)
    expected = {f"ndcg_at_{k}": [], "auc": [], "map": []}
    for own, kind in zip(scores, kinds, strict=True):
        if (kind == 2).any():
            truth, own = kind[kind != 1] == 2, own[kind != 1]
            expected[f"ndcg_at_{k}"].append(ndcg_score([truth], [own], k=k))
            expected["auc"].append(roc_auc_score(truth, own))
            expected["map"].append(average_precision_score(truth, own))
    for name, values in expected.items():
        assert figures[name] == pytest.approx(np.mean(values), rel=1e-6), name
    assert all(0 < figures[name] < 1 for name in expected)


def test_auc_counts_ties_half():
    random, seen, held_out, kinds = random_case(5)
    scores = random.integers(0, 3, (USERS, ITEMS)).astype("float32")
    expected = [
        roc_auc_score(kind[kind != 1] == 2, own[kind != 1])
        for own, kind in zip(scores, kinds, strict=True)
        if (kind == 2).any()
    ]
    assert ranking_figures(lambda users: scores[users], seen, held_out)["auc"] == pytest.approx(np.mean(expected))


def test_by_hand():
    # User 0 has seen item 0, which scores best. Unseen in order: 3, 1, 4, 2, with 1, 4 and 2 held out.
    # User 1 has seen nothing; all are equal, so that the order is that of the items, with 4 held out.
    scores = np.array([[9, 4, 1, 5, 3], [0, 0, 0, 0, 0]], "float32")
    seen, held_out = ratings([0], [0], 2, 5), ratings([0, 0, 0, 1], [1, 4, 2, 4], 2, 5)
    figures = ranking_figures(lambda users: scores[users], seen, held_out, 2)
    discount = 1 / np.log2(3)
    expected = {
        "hr_at_2": 1 / 2,
        "ndcg_at_2": discount / (1 + discount) / 2,
        "map_at_2": 1 / 2 / 2 / 2,  # precision 1/2 at place 2, of at most two hits
        "recall_at_2": 1 / 3 / 2,
        "precision_at_2": 1 / 2 / 2,
        "map": ((1 / 2 + 2 / 3 + 3 / 4) / 3 + 1 / 5) / 2,
        "auc": (0 + 1 / 2) / 2,
    }
    assert figures == pytest.approx(expected)


def test_a_perfect_ranking_and_one_without_others():
    everything = np.arange(ITEMS)
    held_out = ratings([0] * ITEMS, everything)
    figures = ranking_figures(lambda users: np.zeros((1, ITEMS)), ratings([], []), held_out)
    assert figures.pop("recall_at_10") == pytest.approx(10 / ITEMS)
    assert np.isnan(figures.pop("auc"))
    assert [*figures.values()] == [1] * 5


def test_asks_for_users_in_batches():
    _, seen, held_out, _ = random_case(0)
    asked = []

    def score(users):
        asked.append(users)
        return np.tile(np.arange(ITEMS), (len(users), 1))

    ranking_figures(score, seen, held_out, batch_size=4)
    assert [len(users) for users in asked] == [4, 4, 3] and asked[0].dtype == "int32"
    assert 3 not in np.concatenate(asked)


@pytest.mark.parametrize("seed", range(3))
def test_top_k(seed):
    scores = np.random.default_rng(seed).integers(0, 6, (20, 15)).astype("float32")
    scores[0] = -np.inf
    for k in (1, 4, 15):
        best = top_k(scores, k)
        assert best.dtype == "int32"
        np.testing.assert_array_equal(best, np.argsort(-scores, axis=1, kind="stable")[:, :k])


def test_sampled_protocol():
    seen, held_out = ratings([0, 0, 2, 5], [3, 4, 9, 1]), ratings([0, 2, 2], [5, 8, 7])
    candidates = sampled_candidates(seen, held_out, seed=1, negatives=25)
    assert candidates.shape == (3, 27) and candidates.dtype == "int32"
    np.testing.assert_array_equal(candidates[:, :2], np.column_stack([held_out.users, held_out.items]))
    for user, *items in candidates.tolist():
        assert len({*items}) == 26
        known = {*seen.items[seen.users == user].tolist(), *held_out.items[held_out.users == user].tolist()}
        assert not {*items[1:]} & known
    np.testing.assert_array_equal(sampled_candidates(seen, held_out, seed=1, negatives=25), candidates)
    # Places 0, 2 (a tie counts against it) and 3.
    scores = [[5, 1, 2, 3], [2, 3, 2, 1], [0, 1, 2, 3]]
    figures = sampled_figures(scores, 3)
    assert figures == pytest.approx({"sampled_hr_at_3": 2 / 3, "sampled_ndcg_at_3": (1 + 1 / 2) / 3})


def test_refuses():
    _, seen, held_out, _ = random_case(0)
    with pytest.raises(ValueError, match=r"`k` must be from 1 to the number of items, 30. Received: k=31"):
        ranking_figures(None, seen, held_out, 31)
    with pytest.raises(ValueError, match=r"`k` must be from 1 to the number of items, 3. Received: k=0"):
        top_k(np.zeros((1, 3)), 0)
    with pytest.raises(ValueError, match=r"`held_out` must have ratings. Received: none"):
        ranking_figures(None, seen, ratings([], []))
    with pytest.raises(ValueError, match=r"must not be in `seen`. Received: user \d+, item \d+"):
        ranking_figures(None, seen, seen)
    with pytest.raises(ValueError, match=r"must have shape \(11, 30\). Received: shape \(11, 29\)"):
        ranking_figures(lambda users: np.zeros((11, 29)), seen, held_out)
    for refuse in (lambda: sampled_figures([[1, np.nan]], 1), lambda: top_k([[1, np.nan]], 1)):
        with pytest.raises(ValueError, match=r"must be numbers. Received: NaN"):
            refuse()
    with pytest.raises(ValueError, match=r"shape \(held out, 1 \+ negatives\). Received: scores.shape=\(3,\)"):
        sampled_figures([1, 2, 3], 1)
