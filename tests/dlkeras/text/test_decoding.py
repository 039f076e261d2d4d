"""Decoding against what can be worked out in full on a tiny model."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlkeras.models.text.gpt import GPT
from dlkeras.models.text.transformer import Transformer
from dlkeras.text.decoding import NOTHING, Rules, beam_search, greedy, length_penalty, sample
from dlkeras.text.sampling import Sampling

BEGIN, STOP = 1, 2
RULES = Rules(stop=(STOP,), never=(0, BEGIN))
SIZE, LENGTH = 5, 4


@pytest.fixture(scope="module")
def model():
    """A translator whose answers differ from row to row."""
    keras.utils.set_random_seed(1)
    model = Transformer(vocabulary_size=SIZE, encoder_depth=1, decoder_depth=2, heads=2, width=8, inner=16)
    random = np.random.default_rng(2)
    model.set_weights([random.normal(0, 0.7, weight.shape) for weight in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def sources():
    return np.random.default_rng(3).integers(2, SIZE, (4, 6)).astype("int32")


def _begun(model, sources):
    memory, state = model.start(sources)
    return tf.fill([len(sources)], BEGIN), memory, state


def _log_probabilities(model, source, target):
    """Returns those of each next token, all computed anew: `(length, vocabulary)`."""
    x = np.zeros((1, 2, max(len(source), len(target))), "int32")
    x[0, 0, : len(source)], x[0, 1, : len(target)] = source, target
    logits = np.array(model(x, training=False))[0, : len(target)]
    logits[:, [0, BEGIN]] = NOTHING
    return (
        logits
        - np.log(np.exp(logits - logits.max(-1, keepdims=True)).sum(-1, keepdims=True))
        - logits.max(-1, keepdims=True)
    )


def _every_sequence(model, source, alpha):
    """Yields score and tokens of every sequence that ends or is cut at `LENGTH`."""
    words = [number for number in range(SIZE) if number not in (0, BEGIN, STOP)]
    for length in range(LENGTH + 1):
        for tokens in itertools.product(words, repeat=length):
            said = [*tokens, STOP] if length < LENGTH else [*tokens]
            logs = _log_probabilities(model, source, [BEGIN, *said[:-1]])
            total = sum(row[token] for row, token in zip(logs, said, strict=True))
            yield float(total / ((5 + len(said)) / 6) ** alpha), tokens


def _sequences(decoded, row):
    return [
        tuple(tokens[:length].tolist())
        for tokens, length in zip(decoded.tokens[row].numpy(), decoded.lengths[row].numpy(), strict=True)
    ]


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_beams_for_everything_find_what_brute_force_finds(model, sources, alpha):
    every = SIZE**LENGTH
    found = beam_search(model.step, *_begun(model, sources[:2]), LENGTH, every, alpha, RULES)
    for row in range(2):
        expected = sorted(_every_sequence(model, sources[row], alpha), reverse=True)
        assert _sequences(found, row)[:8] == [tokens for _, tokens in expected[:8]]
        scores = found.scores[row].numpy()
        np.testing.assert_allclose(scores[: len(expected)], [score for score, _ in expected], atol=1e-4)
        assert (scores[len(expected) :] < NOTHING / 2).all()


def test_one_beam_is_greedy(model, sources):
    one = beam_search(model.step, *_begun(model, sources), 9, 1, rules=RULES)
    likeliest = greedy(model.step, *_begun(model, sources), 9, RULES)
    np.testing.assert_array_equal(one.tokens, likeliest.tokens)
    np.testing.assert_array_equal(one.lengths, likeliest.lengths)
    np.testing.assert_allclose(one.logprobs, likeliest.logprobs, atol=1e-4)
    ended = one.lengths + tf.cast(one.lengths < 9, "int32")
    np.testing.assert_allclose(one.scores * length_penalty(ended, 0.6), likeliest.scores, atol=1e-4)


def test_the_cache_gives_the_tokens_of_computing_anew(model, sources):
    found = greedy(model.step, *_begun(model, sources), 9, RULES)
    for row, source in enumerate(sources):
        said = [BEGIN]
        while len(said) <= 9:
            token = int(_log_probabilities(model, source, said)[-1].argmax())
            if token == STOP:
                break
            said.append(token)
        assert _sequences(found, row) == [tuple(said[1:])]


def test_a_row_is_answered_alone_as_among_others_and_in_a_graph(model, sources):
    search = tf.function(
        lambda sources: beam_search(
            model.step, tf.fill([tf.shape(sources)[0]], BEGIN), *model.start(sources), 9, 3, rules=RULES
        ),
        input_signature=[tf.TensorSpec([None, None], tf.int32)],
    )
    together = search(sources)
    for row in range(len(sources)):
        alone = search(sources[row : row + 1])
        assert _sequences(alone, 0) == _sequences(together, row)
        np.testing.assert_allclose(alone.scores[0], together.scores[row], atol=1e-5)


def test_rows_that_have_ended_are_not_asked_again(model, sources):
    asked = []

    def step(tokens, memory, state):
        asked.append(len(tokens))
        return model.step(tokens, memory, state)

    limits = np.array([3, 0, 5, 1])
    found = greedy(step, *_begun(model, sources), limits, Rules(never=(0, BEGIN)))
    # The first call only tells the shapes.
    assert asked[1:] == [3, 2, 2, 1, 1]
    assert found.lengths[:, 0].numpy().tolist() == limits.tolist()
    assert not found.tokens.numpy()[1].any()


def _constant(logits):
    """Returns a model that always gives the same logits."""
    return lambda tokens, memory, state: (tf.broadcast_to(logits, [*tf.unstack(tf.shape(tokens)), len(logits)]), state)


def _drawn(logits, count, **sampling):
    sampling = Sampling(np.arange(count), **sampling)
    found = sample(_constant(logits), tf.ones([count], "int32"), {}, {}, 50, sampling, Rules(never=()))
    return found.tokens[:, 0].numpy()


def test_draws_are_as_likely_as_they_should_be():
    logits = np.log(np.array([0.1, 0.2, 0.3, 0.4], "float32"))
    tokens = _drawn(logits, 40, temperature=0.5)
    expected = np.array([0.01, 0.04, 0.09, 0.16]) / 0.3
    np.testing.assert_allclose(np.bincount(tokens.ravel(), minlength=4) / tokens.size, expected, atol=0.03)


@pytest.mark.parametrize(
    ("sampling", "possible"),
    [
        ({"top_k": 2}, {2, 3}),
        ({"top_p": 0.4}, {3}),
        ({"top_p": 0.41}, {2, 3}),
        # Of the two likeliest, the first has 4/7 of the probability.
        ({"top_k": 2, "top_p": 0.5}, {3}),
        ({"temperature": 0.0}, {3}),
        ({"top_k": 99, "top_p": 1.0}, {0, 1, 2, 3}),
    ],
)
def test_only_the_likeliest_are_drawn_from(sampling, possible):
    tokens = _drawn(np.log(np.array([0.1, 0.2, 0.3, 0.4], "float32")), 8, **sampling)
    assert set(tokens.ravel().tolist()) == possible


def test_a_seed_gives_the_same_text_in_one_piece_and_in_several():
    logits = np.zeros(7, "float32")
    whole = sample(_constant(logits), tf.ones([2], "int32"), {}, {}, 300, Sampling([5, 6]), Rules())
    tokens = whole.tokens[:, 0].numpy()
    for first in (0, 100, 250, 260):
        part = sample(_constant(logits), tf.ones([1], "int32"), {}, {}, 40, Sampling([6], first=first), Rules())
        np.testing.assert_array_equal(part.tokens[0, 0], tokens[1, first : first + 40])
    assert (tokens[0] != tokens[1]).mean() > 0.5


def test_a_token_that_is_there_is_penalized():
    logits = np.array([0.0, 2.0, 1.9, -1.0], "float32")
    rules = Rules(never=(), repetition_penalty=4.0)
    found = greedy(_constant(logits), tf.constant([0]), {}, {}, 4, rules)
    # Each token once: then the first is 2 / 4 again, the third -4.
    assert found.tokens[0, 0].numpy().tolist() == [1, 2, 1, 1]
    before = np.array([[1, 0]], "int32")
    assert sample(_constant(logits), tf.constant([0]), {}, {}, 1, rules=rules, before=before).tokens[0, 0, 0] == 2


def test_prompts_of_other_lengths_go_on_as_alone():
    model = GPT(vocabulary_size=9, block=16, depth=2, heads=2, width=8)
    model.set_weights([np.random.default_rng(0).normal(0, 0.5, w.shape) for w in model.get_weights()])
    prompts = [[3, 4, 5, 6], [7], [8, 2]]
    padded = np.array([[0] * (4 - len(prompt)) + prompt for prompt in prompts], "int32")

    def go_on(ids):
        return greedy(model.step, ids[:, -1], *model.start(ids[:, :-1]), 8).tokens[:, 0].numpy().tolist()

    assert go_on(padded) == [go_on(np.array([prompt], "int32"))[0] for prompt in prompts]


def test_no_beam_is_refused(model, sources):
    with pytest.raises(ValueError, match=r"`beams` must be above 0. Received: beams=0"):
        beam_search(model.step, *_begun(model, sources), 9, 0)
