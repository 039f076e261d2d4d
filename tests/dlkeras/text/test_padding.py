import numpy as np
import pytest

from dlkeras import models
from dlkeras.data import Examples
from dlkeras.text import order_by_length, pad, trim
from dlkeras.text.batches import LengthBatches


def test_pads_and_truncates():
    ids, lengths = pad([[5, 6, 7], [], [8]])
    assert ids.tolist() == [[5, 6, 7], [0, 0, 0], [8, 0, 0]] and lengths.tolist() == [3, 0, 1]
    assert ids.dtype == lengths.dtype == "int32"
    ids, lengths = pad([[5, 6, 7], [8]], length=2, padding=9)
    assert ids.tolist() == [[5, 6], [8, 9]] and lengths.tolist() == [2, 1]
    assert pad([[], []])[0].shape == (2, 1) and pad([])[0].shape == (0, 1)
    with pytest.raises(ValueError, match=r"`length` must be above 0. Received: length=0"):
        pad([[1]], length=0)


def test_trims():
    assert trim(np.array([[1, 0, 0, 0], [2, 0, 3, 0]])).tolist() == [[1, 0, 0], [2, 0, 3]]
    assert trim(np.zeros((2, 5))).shape == (2, 1)
    assert trim(np.array([[[1, 0, 0], [0, 0, 0]], [[0, 0, 0], [2, 3, 0]]])).shape == (2, 2, 2)


def test_order_by_length():
    lengths = np.random.default_rng(0).integers(1, 200, 1007)
    order = order_by_length(lengths, 10, seed=3)
    assert sorted(order) == [*range(1007)]
    spans = np.ptp(lengths[order[:1000]].reshape(100, 10), axis=1)
    assert spans.mean() < 10 < 100 < np.ptp(lengths[order_by_length(lengths, 10, 3, spread=1)][:10])
    # Batches are in no order of length, or training would begin with short texts.
    means = lengths[order[:1000]].reshape(100, 10).mean(axis=1)
    assert abs(np.corrcoef(means, np.arange(100))[0, 1]) < 0.4
    np.testing.assert_array_equal(order_by_length(lengths, 10, seed=3), order)
    assert not np.array_equal(order_by_length(lengths, 10, seed=4), order)
    assert sorted(order_by_length(lengths[:7], 10, 0)) == [*range(7)]
    with pytest.raises(ValueError, match=r"`spread` must be above 0"):
        order_by_length(lengths, 10, 0, spread=0)


def test_batches_of_pairs_go_by_the_longer_text():
    random = np.random.default_rng(0)
    lengths = random.integers(1, 30, (400, 2))
    ids = pad([[1] * length for length in lengths.ravel()])[0].reshape(400, 2, -1)
    batches = LengthBatches(Examples(ids, lengths), 8, seed=1)
    for index in range(len(batches)):
        x, y = batches[index]
        np.testing.assert_array_equal(x.sum(axis=-1), y)
        assert x.shape[-1] == y.max() or index < 2
    assert batches[0][0].shape[-1] != batches[1][0].shape[-1]
    assert np.mean([np.ptp(batches[index][1].max(axis=1)) for index in range(50)]) < 2


@pytest.mark.parametrize("longest", [3, 12])
def test_batches_of_like_lengths_can_be_fitted_to(longest):
    random = np.random.default_rng(0)
    # The last column is in use in every text, or in few.
    ids = pad([[1] * length for length in [12, *random.integers(min(longest, 11), longest + 1, 63)]])[0]
    examples = Examples(ids, ids.sum(axis=1))
    batches = LengthBatches(examples, 4, seed=1)
    first = [batches[index] for index in range(len(batches))]
    assert sum(len(x) for x, _ in first) == 64 and all((x.sum(axis=1) == y).all() for x, y in first)
    assert first[0][0].shape[1] != first[1][0].shape[1]
    assert all(x.shape[1] == y.max() for x, y in first[2:])
    batches.begin_epoch(1)
    assert [batches[index][1].tolist() for index in range(16)] != [y.tolist() for _, y in first]
    model = models.create("bag_of_words_mini", vocabulary_size=3, num_classes=1)
    model.compile(loss="mse")
    assert len(model.fit(batches, shuffle=False, verbose=0).history["loss"]) == 1
