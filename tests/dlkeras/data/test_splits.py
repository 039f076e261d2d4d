import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlkeras.data.splits import Examples, split_off


@given(
    counts=st.lists(st.integers(2, 30), min_size=1, max_size=5),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 100),
)
def test_every_class_in_the_same_share(counts, fraction, seed):
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    rest, part = split_off(Examples(np.arange(len(y)), y), fraction, seed)
    assert sorted([*rest.x, *part.x]) == list(range(len(y)))  # disjoint, and nothing is lost
    assert list(rest.x) == sorted(rest.x) and list(part.x) == sorted(part.x)
    for label, count in enumerate(counts):
        taken = int((part.y == label).sum())
        assert 1 <= taken < count and abs(taken - fraction * count) <= 1
    np.testing.assert_array_equal(part.x, split_off(Examples(np.arange(len(y)), y), fraction, seed)[1].x)


def test_the_seed_draws():
    examples = Examples(np.arange(100), np.zeros(100, int))
    assert not np.array_equal(split_off(examples, 0.5, 0)[1].x, split_off(examples, 0.5, 1)[1].x)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_refuses_a_fraction(fraction):
    with pytest.raises(ValueError, match=rf"`fraction` must be in \(0, 1\). Received: fraction={fraction}"):
        split_off(Examples(np.arange(4), np.zeros(4, int)), fraction, 0)


def test_refuses_a_class_of_one():
    with pytest.raises(ValueError, match=r"at least 2 examples to be split\. Received: 1 of class 7"):
        split_off(Examples(np.arange(3), np.array([0, 0, 7])), 0.5, 0)
