"""Translating inside the graph: what is answered, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkeras import models
from dlkeras.losses import MaskedCrossEntropy
from dlkeras.text.parallel_ids import ParallelIds
from dlkeras.text.translating import MOST_PIECES, Translator

SOURCES = ["a dog runs", "two men sit", "a man sits", "two dogs run"]
TARGETS = ["ein Hund läuft", "zwei Männer sitzen", "ein Mann sitzt", "zwei Hunde laufen"]


@pytest.fixture(scope="module")
def translator():
    """One that has learned four sentences by heart."""
    keras.utils.set_random_seed(0)
    pieces = ParallelIds.fit(SOURCES * 3, TARGETS * 3, 300)
    model = models.create("transformer_mini", vocabulary_size=pieces.size)
    x, y = pieces.encode(SOURCES, TARGETS)
    model.compile(keras.optimizers.Adam(0.02), MaskedCrossEntropy())
    model.fit(x, y, epochs=120, verbose=0)
    return Translator(model, pieces, beams=3)


def _texts(values):
    return [value.decode() for value in np.ravel(values.numpy())]


def test_answers_are_named_and_the_best_comes_first(translator):
    answer = translator.translate(tf.constant([" A   DOG runs\n", "two men sit"]))
    assert _texts(answer["translation"]) == ["ein Hund läuft", "zwei Männer sitzen"]
    np.testing.assert_array_equal(answer["translations"][:, 0], answer["translation"])
    np.testing.assert_array_equal(answer["scores"][:, 0], answer["score"])
    assert (np.diff(answer["scores"]) <= 0).all() and (answer["score"].numpy() < 0).all()
    for row, text in enumerate(_texts(answer["translation"])):
        assert "".join(_texts(answer["tokens"][row])).strip() == text


def test_weights_of_attention_are_of_pieces(translator):
    answer = translator.attend(tf.constant(["a dog runs", "two"]))
    tokens, source_tokens, weights = (answer[name].numpy() for name in ("tokens", "source_tokens", "attention"))
    assert weights.shape == (2, tokens.shape[1], source_tokens.shape[1])
    assert "".join(_texts(answer["source_tokens"][1])).strip() == "two"
    said, read = tokens != b"", source_tokens != b""
    np.testing.assert_allclose(weights.sum(axis=2), said, atol=1e-5)
    assert not weights[~(said[:, :, None] & read[:, None])].any()
    plain = translator.translate(tf.constant(["a dog runs", "two"]))
    for name, value in plain.items():
        np.testing.assert_array_equal(answer[name], value)


def test_whatever_is_a_text_has_an_answer(translator):
    texts = ["👍", "日本語", "a", b"\xff\xfe a", "dog " * 120]
    answer = translator.translate(tf.constant(texts))
    assert len(answer["translation"]) == len(texts)
    for value in answer["translation"].numpy():
        value.decode()


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", "  \u00a0\n", ""], "A text must have a word at least. Received none in row 1, 2"),
        (["a", "👍" * MOST_PIECES], f"{MOST_PIECES} pieces at most. Received: .* in row 1"),
        ([], "at least one text"),
    ],
)
def test_refuses(translator, texts, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        translator.translate(tf.constant(texts, tf.string))
