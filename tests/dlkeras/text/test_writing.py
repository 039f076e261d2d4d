"""Endpoints that go on with texts: what is answered, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from dlkeras import models
from dlkeras.text import BytePairTokenizer, CharacterTokenizer
from dlkeras.text.writing import MOST_TOKENS, Writer

TEXT = "To be, or not to be:\nthat is the question. "


def _writer(kind):
    tokenizer = (CharacterTokenizer() if kind == "characters" else BytePairTokenizer(max_size=270)).fit([TEXT])
    model = models.create("gpt_mini", vocabulary_size=len(tokenizer.vocabulary), block=16)
    model.set_weights([np.random.default_rng(0).normal(0, 0.5, w.shape) for w in model.get_weights()])
    return Writer(model, tokenizer)


@pytest.fixture(scope="module", params=["characters", "pieces"])
def writer(request):
    return _writer(request.param)


def _choices(rows, **changed):
    chosen = {"max_tokens": 5, "temperature": 0.8, "top_k": 0, "top_p": 0.9, "seed": 7, **changed}
    kinds = {"max_tokens": "int32", "top_k": "int32", "seed": "int64"}
    return {name: tf.constant([value] * rows, kinds.get(name, "float32")) for name, value in chosen.items()}


def test_an_answer_and_what_comes_after_it(writer):
    prompts = tf.constant(["To be", ""])
    whole = writer.write(prompts, **_choices(2, max_tokens=9))
    first = writer.write(prompts, **_choices(2, max_tokens=4))
    rest = writer.go_on(first["state"], **_choices(2, max_tokens=5))
    assert whole["state"].shape == (2, writer.state_size)
    np.testing.assert_array_equal(tf.concat([first["tokens"], rest["tokens"]], axis=1), whole["tokens"])
    np.testing.assert_allclose(tf.concat([first["logprobs"], rest["logprobs"]], 1), whole["logprobs"], atol=1e-4)
    np.testing.assert_allclose(rest["state"], whole["state"])
    assert (whole["logprobs"].numpy() < 0).all()


def test_the_text_is_its_tokens():
    answer = _writer("characters").write(tf.constant(["not "]), **_choices(1, max_tokens=30))
    text = answer["text"].numpy()[0].decode()
    assert [*text] == [token.decode() for token in answer["tokens"].numpy()[0]]
    assert len(text) == 30 and {*text} <= {*TEXT}


def test_rows_may_be_of_other_lengths_and_seeds(writer):
    choices = {**_choices(3), "max_tokens": tf.constant([2, 5, 5]), "seed": tf.constant([7, 7, 8], "int64")}
    tokens = writer.write(tf.constant(["To", "To", "To"]), **choices)["tokens"].numpy()
    np.testing.assert_array_equal(tokens[0, :2], tokens[1, :2])
    assert not b"".join(tokens[0, 2:]) and tokens[1].tolist() != tokens[2].tolist()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"max_tokens": 0}, f"max_tokens must be from 1 to {MOST_TOKENS}. Received: 0"),
        ({"max_tokens": MOST_TOKENS + 1}, "Received: 1001"),
        ({"temperature": -0.5}, "temperature must be 0 or more. Received: -0.5"),
        ({"temperature": float("nan")}, "temperature must be 0 or more. Received: nan"),
        ({"top_k": -1}, "top_k must be 0, for all, or more. Received: -1"),
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1. Received: 0"),
        ({"top_p": 1.5}, "Received: 1.5"),
    ],
)
def test_choices_out_of_their_range_are_refused(changed, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        _WRITER.write(tf.constant(["To"]), **_choices(1, **changed))


def test_other_requests_are_refused():
    write = _WRITER.write
    known = r"the 18 characters that the model has read: .* Received others: "
    with pytest.raises(tf.errors.InvalidArgumentError, match=known):
        write(tf.constant(["To", "é or €"]), **_choices(2))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"seed must have one number a row. Received: 1 for 2"):
        write(tf.constant(["To", "To"]), **{**_choices(2), "seed": tf.constant([1], "int64")})
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least one prompt"):
        write(tf.constant([], tf.string), **_choices(0))


def test_states_that_are_none_are_refused():
    size = _WRITER.state_size
    for state, received in (
        (np.zeros((1, size + 1)), f"{size + 1}"),
        (np.zeros((1, size)), "other numbers in row 0"),
        (np.full((1, size), np.nan), "other numbers in row 0"),
        (np.full((1, size), 1e30), "other numbers in row 0"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{size} numbers a row. Received: {received}"):
            _WRITER.go_on(tf.constant(state, "float32"), **_choices(1))


_WRITER = _writer("characters")
