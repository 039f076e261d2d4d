"""What words and pairs say by their counts."""

import itertools

import keras
import numpy as np
import pytest

from dlkeras.models.text.naive_bayes import NaiveBayes, distinct_pairs

# "good film", "good good", "bad film", and an unknown word between.
IDS = np.array([[2, 4, 0], [2, 2, 0], [3, 4, 0], [3, 1, 4]], "int32")
CLASSES = np.array([1, 1, 0, 0])


def _counted():
    layer = NaiveBayes(2, 5, pairs=len(distinct_pairs(IDS, 5)))
    layer.count(IDS, CLASSES)
    return layer


def test_by_hand():
    texts = [[*row[row > 0]] for row in IDS]
    pairs = [{pair for pair in itertools.pairwise(text) if min(pair) > 1} for text in texts]
    words = [{word for word in text if word > 1} for text in texts]

    def said(features, kinds, wanted):
        counts = [1 + sum(wanted in part for part, y in zip(features, CLASSES, strict=True) if y == c) for c in (0, 1)]
        totals = [kinds + sum(len(part) for part, y in zip(features, CLASSES, strict=True) if y == c) for c in (0, 1)]
        logs = np.log(counts) - np.log(totals)
        return logs - logs.mean()

    def expected(text):
        whole = [said(words, 5, word) for word in text if word > 1]
        joined = [said(pairs, 3, pair) for pair in itertools.pairwise(text) if any(pair in part for part in pairs)]
        return np.sum([np.zeros(2), *whole, *joined], axis=0)

    new = np.array([[2, 4, 3, 4, 0], [4, 2, 3, 1, 2], [0, 0, 0, 0, 0]], "int32")
    scores = keras.ops.convert_to_numpy(_counted()(new))
    for row, text in zip(scores, new, strict=True):
        np.testing.assert_allclose(row.sum(axis=0), expected(text[text > 0]), atol=1e-5)
    assert not scores[0, 4].any() and not scores[1, 3].any(), "padding and the unknown word say nothing"


def test_harness(harness):
    arguments = {"num_classes": 2, "vocabulary_size": 5, "pairs": 3}
    layer = harness(NaiveBayes, arguments, inputs=IDS, output_shape=(4, 3, 2))
    assert not layer.trainable_weights


def test_texts_of_one_word_have_no_pairs():
    layer = _counted()
    one = keras.ops.convert_to_numpy(layer(IDS[:1, :1]))
    np.testing.assert_allclose(one[0, 0], keras.ops.convert_to_numpy(layer.said_by_word)[2])
    assert one[0, 0, 1] > 0 > one[0, 0, 0]


def test_refuses_more_words_than_pairs_can_be_numbered_of():
    with pytest.raises(
        ValueError, match=r"`vocabulary_size` must be from 2 to 46,340. Received: vocabulary_size=50000"
    ):
        NaiveBayes(2, 50_000, pairs=3)
