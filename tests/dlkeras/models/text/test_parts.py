"""Words told by their letters."""

import keras
import numpy as np
import pytest

from dlkeras.models.text.birnn import BiRNN
from dlkeras.models.text.parts import PartEmbedding, parts_of
from dlkeras.models.text.words import set_word_vectors

WORDS = ["[PAD]", "[UNK]", "wit", "witty", "unwitty", "a", "zq"]


def test_parts_are_those_that_several_words_share():
    # Of two words at least: <wi <wit wit of wit and witty; itt itty ity* and so on of witty and unwitty.
    table = parts_of(WORDS, shared_by=2)
    shared = [{*row[row > 0].tolist()} for row in table]
    assert not any(shared[row] for row in (0, 1, 5, 6))
    assert shared[2] < shared[3] and len(shared[2]) == 3  # "<wi", "<wit" and "wit"
    # "itt", "tty", "ty>", "witt", "itty", "tty>", "witty" and "itty>" besides "wit"
    assert len(shared[3] & shared[4]) == 9 and len(shared[2] & shared[4]) == 1
    assert (np.diff(table, axis=1)[table[:, 1:] > 0] > 0).all()
    assert parts_of(WORDS, shared_by=4).shape == (7, 1)


def test_harness(harness):
    arguments = {"words": WORDS, "embedding_dim": 3, "shared_by": 2}
    ids = np.array([[2, 3, 4, 0], [5, 6, 1, 2]], "int32")
    layer = harness(PartEmbedding, arguments, inputs=ids, output_shape=(2, 4, 3))
    vectors = keras.ops.convert_to_numpy(layer.vectors)
    table = parts_of(WORDS, 2)
    expected = [
        [vectors[row[row > 0]].mean(axis=0) if row.any() else np.zeros(3) for row in table[text]] for text in ids
    ]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(ids)), expected, atol=1e-6)


def test_word_vectors_of_a_file_are_what_words_begin_with():
    words = ["[PAD]", "[UNK]", *(f"un{letter}able" for letter in "abcdefgh")]
    model = BiRNN(vocabulary_size=10, embedding_dim=2, units=2, depth=1, words=words)
    vectors = keras.Model(model.input, model.get_layer("word_vectors").output)
    ids = np.arange(1, 10, dtype="int32")[None]
    matrix = np.random.default_rng(0).normal(size=(10, 2)).astype("float32")
    assert not np.allclose(keras.ops.convert_to_numpy(vectors(ids)), model.get_layer("embedding")(ids))
    set_word_vectors(model, matrix)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(vectors(ids))[0], matrix[1:], atol=1e-6)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PartEmbedding(WORDS, 3, shared_by=0), "`shared_by` must be above 0. Received: shared_by=0"),
        (
            lambda: BiRNN(vocabulary_size=9, words=WORDS),
            "`words` must be as many as `vocabulary_size`, here 9, or none",
        ),
    ],
)
def test_refuses(build, message):
    with pytest.raises(ValueError, match=message):
        build()
