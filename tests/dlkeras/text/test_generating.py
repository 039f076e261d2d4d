"""Texts that are made at once and in parts."""

import numpy as np
import pytest
import tensorflow as tf

from dlkeras import models
from dlkeras.text.generating import continuer
from dlkeras.text.sampling import Sampling

SEEDS = [3, 4, 5]
PROMPTS = tf.ragged.constant([[2, 3, 4], [5], [2] * 20], dtype="int32")


@pytest.fixture(scope="module", params=["gpt", "gpt_rotary", "lstm_language_mini", "gru_language"])
def model(request):
    sizes = {"block": 10, "depth": 2, "heads": 2, "width": 8} if "gpt" in request.param else {"units": 8}
    model = models.create(request.param, vocabulary_size=9, **sizes)
    model.set_weights([np.random.default_rng(0).normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model


def _went_on(way, *parts):
    state, tokens, logprobs = way.begin(PROMPTS), [], []
    for part in parts:
        said, likely, state = way.go_on(state, tf.constant([part] * 3), Sampling(SEEDS))
        tokens.append(said)
        logprobs.append(likely)
    return np.concatenate(tokens, 1), np.concatenate(logprobs, 1), state


def test_parts_are_what_the_whole_is(model):
    way = continuer(model)
    whole, likely, state = _went_on(way, 23)
    assert whole.shape == (3, 23) and (whole > 1).all()
    assert state.shape == (3, way.size)
    for parts in ([1] * 23, [5, 0, 8, 10]):
        tokens, logprobs, last = _went_on(way, *parts)
        np.testing.assert_array_equal(tokens, whole)
        np.testing.assert_allclose(logprobs, likely, atol=1e-4)
        np.testing.assert_allclose(last, state, atol=1e-4)


def test_rows_of_other_lengths_are_as_alone(model):
    way = continuer(model)
    go_on = tf.function(way.go_on)
    state = way.begin(PROMPTS)
    tokens, _, after = go_on(state, tf.constant([7, 0, 14]), Sampling(tf.constant(SEEDS)))
    alone, _, _ = way.go_on(state[2:], tf.constant([14]), Sampling(SEEDS[2:]))
    np.testing.assert_array_equal(tokens[2], alone[0])
    np.testing.assert_allclose(after[1], state[1], atol=1e-6)
    assert not tokens[1].numpy().any() and not tokens[0, 7:].numpy().any()


def test_log_probabilities_are_those_of_reading_the_text(model):
    way = continuer(model)
    tokens, logprobs, _ = way.go_on(way.begin(PROMPTS), tf.constant([4] * 3), Sampling(SEEDS))
    # Before the window is full: the whole text is read as in training.
    for row, prompt in enumerate(PROMPTS[:2].to_list()):
        ids = np.array([[*prompt, *tokens[row].numpy()]], "int32")
        logits = np.array(model(ids[:, :-1]))[0, len(prompt) - 1 :]
        logits[:, :2] = -1e30
        expected = tf.nn.log_softmax(logits).numpy()[np.arange(4), tokens[row]]
        np.testing.assert_allclose(logprobs[row], expected, atol=1e-4)
