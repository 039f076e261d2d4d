"""Sentences as ids, and as what a translator learns from."""

import numpy as np
import pytest

from dlkeras.text.batches import LengthBatches
from dlkeras.text.parallel_ids import ParallelIds

SOURCES = ["A dog runs.", "Two men sit on a bench.", "👍"]
TARGETS = ["Ein Hund läuft.", "Zwei Männer sitzen auf einer Bank.", "👍 ja"]


@pytest.fixture(scope="module")
def pieces():
    return ParallelIds.fit(SOURCES * 3, TARGETS * 3, 320)


def test_what_is_read_and_what_is_said(pieces):
    x, y = pieces.encode(SOURCES, TARGETS)
    assert x.shape == (3, 2, y.shape[1]) and x.dtype == y.dtype == "int32"
    for row, target in enumerate(TARGETS):
        source, before = (ids[ids != 0] for ids in x[row])
        said = y[row][y[row] != 0]
        assert pieces.decode(source) == SOURCES[row].lower()
        assert source[-1] == said[-1] == pieces.end and before[0] == pieces.begin
        np.testing.assert_array_equal(before[1:], said[:-1])
        assert pieces.decode(said) == target


def test_too_long_pairs_are_left_out(pieces):
    lengths = [max((row != 0).sum() for row in pair) for pair in pieces.encode(SOURCES, TARGETS).x]
    assert len(pieces.encode(SOURCES, TARGETS, max(lengths) - 1).y) == 2
    assert len(pieces.encode(SOURCES, TARGETS, max(lengths)).y) == 3


def test_capitals_count_where_they_are_to(pieces):
    other = ParallelIds.fit(SOURCES, TARGETS, 320, lowercase=False)
    assert pieces.source_ids(["A DOG"]) == pieces.source_ids(["a dog"])
    assert other.source_ids(["A DOG"]) != other.source_ids(["a dog"])
    again = ParallelIds.from_dict(other.to_dict())
    assert again.source_ids(SOURCES) == other.source_ids(SOURCES) and again.to_dict() == other.to_dict()


def test_batches_are_as_narrow_for_what_is_said(pieces):
    examples = pieces.encode(SOURCES * 4, TARGETS * 4)
    for x, y in list(LengthBatches(examples, 2, 0))[2:]:
        assert y.shape[1] == x.shape[2]
        assert x[:, :, -1].any()
