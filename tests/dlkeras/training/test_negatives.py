import keras
import numpy as np
import pytest

from dlkeras.data.negatives import Negatives
from dlkeras.data.splits import Examples
from dlkeras.losses import BPRLoss
from dlkeras.models.recommend.bpr import BPR
from dlkeras.training.batches import Batches
from dlkeras.training.negatives import AddNegatives

USERS, ITEMS = 8, 20
# A user likes the items whose number has the same remainder by 4, all but one of which are seen.
SEEN = np.array([[user, item] for user in range(USERS) for item in range(user % 4, 16, 4)], "int32")
KEPT = np.array([[user, 16 + user % 4] for user in range(USERS)], "int32")
EXAMPLES = Examples(SEEN, np.zeros(len(SEEN), "int32"))


def _batches(epoch):
    return Batches(EXAMPLES, 16, seed=0, epoch=epoch, transform=AddNegatives(Negatives(*SEEN.T, ITEMS), 3))


def test_what_is_added_was_never_seen():
    pairs = {tuple(pair) for pair in SEEN.tolist()}
    for x, y in (_batches(0)[0], _batches(0)[1]):
        assert x.shape == (16, 5) and x.dtype == "int32" and not y.any()
        assert {tuple(pair) for pair in x[:, :2].tolist()} <= pairs
        assert not pairs & {(row[0], item) for row in x.tolist() for item in row[2:]}


def test_draws_depend_on_seed_and_epoch_alone():
    first = _batches(0)
    second, _ = first[1]
    first.begin_epoch(1)
    np.testing.assert_array_equal(first[0][0], _batches(1)[0][0])
    np.testing.assert_array_equal(_batches(0)[1][0], second)
    rows, others = (batches[0][0][np.lexsort(batches[0][0].T[:2])] for batches in (_batches(0), _batches(1)))
    assert (rows[:, 2:] != others[:, 2:]).any()


def test_columns_between_stay():
    x = np.array([[0, 7, 9, 0], [5, 1, 0, 1]], "int32")
    batch, _ = AddNegatives(Negatives(*SEEN.T, ITEMS), 2)(x, None, np.random.default_rng(0))
    assert batch.shape == (2, 6)
    np.testing.assert_array_equal(batch[:, :4], x)


def test_ranking_is_learned():
    model = BPR(num_users=USERS, num_items=ITEMS, factors=4)
    # Of the items that are kept back the users are told nothing: by each other's they are found.
    seen = np.concatenate([SEEN, KEPT[:4]])
    transform = AddNegatives(Negatives(*seen.T, ITEMS), 4)
    batches = Batches(Examples(seen, np.zeros(len(seen), "int32")), 36, seed=0, transform=transform)
    model.compile(keras.optimizers.Adam(0.1), BPRLoss())
    model.fit(batches, epochs=30, shuffle=False, verbose=0)
    scores = keras.ops.convert_to_numpy(model.score_all(np.arange(USERS)))
    scores[tuple(seen.T)] = -np.inf
    np.testing.assert_array_equal(scores[4:].argmax(axis=1), KEPT[4:, 1])


def test_refusal():
    with pytest.raises(ValueError, match=r"`count` must be above 0. Received: count=0"):
        AddNegatives(None, 0)
