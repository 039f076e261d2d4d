"""The transformer that translates and the one that goes on with texts."""

import keras
import numpy as np
import pytest
from keras import ops

from dlkeras import models
from dlkeras.models.text.gpt import GPT
from dlkeras.models.text.transformer import Transformer

TENSORFLOW = keras.backend.backend() == "tensorflow"
STEPS = 6 if TENSORFLOW else 4  # JAX compiles each anew
SMALL = {"vocabulary_size": 11, "encoder_depth": 1, "decoder_depth": 2, "heads": 2, "width": 8, "inner": 12}
SMALL_GPT = {"vocabulary_size": 11, "block": 8, "depth": 2, "heads": 2, "width": 8}


def _wild(model):
    """Gives a model weights that make its answers far apart."""
    random = np.random.default_rng(1)
    model.set_weights([random.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    return model


@pytest.fixture
def ids():
    ids = np.random.default_rng(0).integers(1, 11, (3, 2, 6)).astype("int32")
    ids[0, 0, 4:] = ids[1, 1, 2:] = 0
    return ids


def test_transformer_harness(harness, ids):
    harness(Transformer, SMALL, inputs=ids, output_shape=(3, 6, 11), learning_rate=0.05)


@pytest.mark.parametrize("positions", ["learned", "rotary"])
def test_gpt_harness(harness, ids, positions):
    arguments = {**SMALL_GPT, "positions": positions, "activation": "relu_squared"}
    harness(GPT, arguments, inputs=ids[:, 0], output_shape=(3, 6, 11), learning_rate=0.05)


def test_a_translator_steps_as_it_reads(ids):
    model = _wild(Transformer(**SMALL))
    whole = ops.convert_to_numpy(model(ids))
    assert whole.std() > 0.5
    memory, state = model.start(ids[:, 0])
    for place in range(STEPS):
        logits, state = model.step(ids[:, 1, place : place + 1], memory, state)
        np.testing.assert_allclose(ops.convert_to_numpy(logits)[:, 0], whole[:, place], atol=2e-5)


@pytest.mark.skipif(not TENSORFLOW, reason="it is the same on JAX, and slow to compile")
def test_padding_of_a_translator_changes_nothing(ids):
    model = _wild(Transformer(**SMALL))
    padded = np.pad(ids, ((0, 0), (0, 0), (0, 3)))
    np.testing.assert_allclose(model(padded)[:, :6], model(ids), atol=2e-5)
    weights = ops.convert_to_numpy(model.attention_weights(ids))
    assert weights.shape == (3, 6, 6) and not weights[0, :, 4:].any()
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)


def test_a_later_token_changes_nothing_before_it(ids):
    for model, x in ((_wild(Transformer(**SMALL)), ids), (_wild(GPT(**SMALL_GPT)), ids[:, 0])):
        changed = x.copy()
        changed[..., -1:] = 3 if x.ndim == 2 else changed[..., -1:]
        if x.ndim == 3:
            changed[:, 1, -1] = 3
        before, after = (ops.convert_to_numpy(model(x)) for x in (x, changed))
        np.testing.assert_allclose(after[:, :-1], before[:, :-1], atol=1e-5)
        assert not np.allclose(after[:, -1], before[:, -1], atol=1e-3)


@pytest.mark.parametrize("positions", ["learned", "rotary"] if TENSORFLOW else ["learned"])
def test_gpt_goes_on_from_prompts_of_other_lengths(ids, positions):
    model = _wild(GPT(**SMALL_GPT, positions=positions))
    text = np.random.default_rng(2).integers(1, 11, (2, 6)).astype("int32")
    whole = ops.convert_to_numpy(model(text))
    # The second text's first two tokens are not there.
    alone = ops.convert_to_numpy(model(text[1:, 2:]))
    prompts = text[:, :4].copy()
    prompts[1, :2] = 0
    memory, state = model.start(prompts)
    for place in range(4, 3 + STEPS // 2):
        logits, state = model.step(text[:, place : place + 1], memory, state)
        np.testing.assert_allclose(ops.convert_to_numpy(logits)[0, 0], whole[0, place], atol=2e-5)
        np.testing.assert_allclose(ops.convert_to_numpy(logits)[1, 0], alone[0, place - 2], atol=2e-5)


@pytest.mark.skipif(not TENSORFLOW, reason="the same graph everywhere")
def test_named_sizes_are_built():
    for room in ("translation", "language"):
        for name in models.list(room):
            model = models.create(name, vocabulary_size=9)
            shape = (1, 2, 4) if room == "translation" else (1, 4)
            assert model(np.ones(shape, "int32")).shape == (1, 4, 9)


def test_gpt_nano_is_the_size_of_the_published_one():
    # 4 layers of 128: 0.80 million with the places, which nanoGPT leaves out of its count.
    assert GPT(vocabulary_size=65).count_params() == 65 * 128 + 64 * 128 + 4 * (12 * 128**2 + 2 * 128) + 128


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: GPT(block=0), "`block` must be above 0. Received: block=0"),
        (lambda: GPT(positions="sines"), "`positions` must be one of learned, rotary. Received: positions='sines'"),
        (lambda: GPT(dropout=1), r"`dropout` must be in \[0, 1\). Received: dropout=1"),
        (lambda: Transformer(width=0), "`width` must be above 0. Received: width=0"),
        (lambda: Transformer(width=9, heads=2), "divisible by `heads`, 2. Received: width=9|must be even"),
    ],
)
def test_refuses(build, message):
    with pytest.raises(ValueError, match=message):
        build()
