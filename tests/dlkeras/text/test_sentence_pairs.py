"""Documents as BERT's pairs, in arrays and in graphs, and words that are hidden in them."""

import numpy as np
import pytest
import tensorflow as tf

from dlkeras.text import WordPieceTokenizer
from dlkeras.text.graph_pairs import ids_with_blanks, pack_ragged
from dlkeras.text.masking import WholeWordMasking
from dlkeras.text.sentence_pairs import ALONE, ELSEWHERE, NEXT, make_sentence_pairs, pack, shortened

TOKENIZER = WordPieceTokenizer.of([*WordPieceTokenizer.BERT.values(), *"abcdefgh", "##x", "##y"])
VOCABULARY = TOKENIZER.vocabulary
BEGIN, SEPARATOR, MASK = (VOCABULARY.ids[token] for token in ("[CLS]", "[SEP]", "[MASK]"))


@pytest.mark.parametrize(
    ("lengths", "room", "expected"),
    [((3, 2), 5, (3, 2)), ((6, 2), 5, (3, 2)), ((2, 6), 5, (2, 3)), ((6, 6), 5, (3, 2)), ((9, 0), 4, (4, 0))],
)
def test_the_longer_text_loses_its_end_first(lengths, room, expected):
    a, b = shortened([*range(lengths[0])], [*range(lengths[1])], room)
    assert (a, b) == ([*range(expected[0])], [*range(expected[1])])


def test_pairs_are_packed():
    packed = pack(VOCABULARY, [[5, 6], [7]], [[8], []], 7)
    assert packed[0].tolist() == [[BEGIN, 5, 6, SEPARATOR, 8, SEPARATOR, 0], [0, 0, 0, 0, 1, 1, 0]]
    assert packed[1].tolist() == [[BEGIN, 7, SEPARATOR, 0, 0, 0, 0], [0] * 7]


@pytest.mark.parametrize("length", [5, 6, 9, 40])
def test_graphs_pack_alike(length):
    random = np.random.default_rng(length)
    first, second = ([random.integers(5, 15, random.integers(0, 12)).tolist() for _ in range(50)] for _ in range(2))
    expected = pack(VOCABULARY, first, second, length)
    signature = [tf.RaggedTensorSpec([None, None], tf.int32)] * 2
    packing = tf.function(lambda a, b: pack_ragged(VOCABULARY, a, b, length), input_signature=signature)
    found = packing(*(tf.ragged.constant(part, "int32") for part in (first, second))).numpy()
    np.testing.assert_array_equal(found, expected[:, :, : found.shape[2]])
    assert not expected[:, :, found.shape[2] :].any()


def test_blanks_become_the_mask():
    texts = tf.constant(["a [MASK] b", "[MASK]", "c", "[MASK][MASK]d", ""])
    found = ids_with_blanks(TOKENIZER.graph(), VOCABULARY, texts, "[MASK]").to_list()
    assert found == [[5, MASK, 6], [MASK], [7], [MASK, MASK, 8], []]


def test_examples_are_sentences_in_a_row_and_half_of_the_seconds_are_from_elsewhere():
    # A sentence says which document it is of, and where it stands there.
    documents = [[[5 + number, 5 + place] for place in range(6)] for number in range(8)] * 20
    x, y = make_sentence_pairs(documents, VOCABULARY, 11, 0)
    assert 0.4 < (y[y != ALONE] == NEXT).mean() < 0.6
    assert set(np.unique(y)) == {NEXT, ELSEWHERE}
    for (ids, segments), label in zip(x, y, strict=True):
        first, second = (ids[(segments == part) & (ids > 4)].reshape(-1, 2) for part in (0, 1))
        if label == NEXT:
            assert (first[:, 0] == second[0, 0]).all() and second[0, 1] == first[-1, 1] + 1
        assert len(second) and len(first)
    again, _ = make_sentence_pairs(documents, VOCABULARY, 11, 0)
    np.testing.assert_array_equal(x, again)


def test_a_sentence_without_a_neighbour_stands_alone():
    x, y = make_sentence_pairs([[[5, 6]], [[7] * 30, [8]]], VOCABULARY, 8, 0)
    assert y.tolist() == [ALONE, ALONE, ALONE]
    assert x[1, 0].tolist() == [BEGIN, *[7] * 5, SEPARATOR, 0]


def _hidden(rate=0.15):
    words = [5, 13, 14, 6, 7, 13, 8, 9, 10, 11, 12, 14]  # a##x##y b c##x d e f g h##y
    x = pack(VOCABULARY, [words] * 500, [words] * 500, 30)
    y = np.arange(500)
    hidden, labels = WholeWordMasking(VOCABULARY, rate)(x, y, np.random.default_rng(0))
    np.testing.assert_array_equal(labels, y)
    return x, hidden


def test_words_are_hidden_whole_and_can_be_found_again():
    x, hidden = _hidden()
    assert hidden.shape == (500, 4, 30)
    np.testing.assert_array_equal(hidden[:, 1], x[:, 1])
    continues = np.isin(x[0, 0], [13, 14])
    for (ids, _), (read, _, places, targets) in zip(x, hidden, strict=True):
        count = np.count_nonzero(targets)
        chosen = places[:count]
        assert not places[count:].any() and (np.diff(chosen) > 0).all()
        np.testing.assert_array_equal(ids[chosen], targets[:count])
        untouched = np.setdiff1d(np.arange(30), chosen)
        np.testing.assert_array_equal(read[untouched], ids[untouched])
        is_chosen = np.isin(np.arange(30), chosen)
        np.testing.assert_array_equal(is_chosen[1:][continues[1:]], is_chosen[:-1][continues[1:]])
        assert (ids[chosen] > 4).all()


def test_four_fifths_become_the_mask_and_a_tenth_stays():
    x, hidden = _hidden()
    changed = hidden[:, 0] != x[:, 0]
    chosen = np.count_nonzero(hidden[:, 3])
    assert 0.1 < chosen / (500 * 24) <= 0.16
    assert 0.75 < (hidden[:, 0] == MASK).sum() / chosen < 0.85
    assert 0.05 < 1 - changed.sum() / chosen < 0.15


def test_a_rate_beyond_what_is_predicted_is_refused():
    with pytest.raises(ValueError, match=r"`rate` must be at most 0.25. Received: rate=0.5"):
        WholeWordMasking(VOCABULARY, 0.5)
