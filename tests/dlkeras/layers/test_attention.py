"""Attention against Keras's own, and token by token against all at once."""

import keras
import numpy as np
import pytest
from keras import ops

from dlkeras.layers.attention import CrossAttention, SelfAttention, hiding
from dlkeras.layers.transformer import TransformerLayer

TENSORFLOW = keras.backend.backend() == "tensorflow"


def _random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


KEEP = np.array([[True] * 5, [True] * 3 + [False] * 2])


def _keras_self_attention(layer, width, heads):
    """Returns Keras's layer with the weights of ours."""
    theirs = keras.layers.MultiHeadAttention(heads, width // heads)
    theirs.build((None, None, width), (None, None, width))
    kernel, bias = layer.input_dense.get_weights()
    output, output_bias = layer.output_dense.get_weights()
    weights = []
    for part, part_bias in zip(np.split(kernel, 3, axis=1), np.split(bias, 3), strict=True):
        weights += [part.reshape(width, heads, -1), part_bias.reshape(heads, -1)]
    theirs.set_weights([*weights, output.reshape(heads, -1, width), output_bias])
    return theirs


@pytest.mark.parametrize("causal", [False, True] if TENSORFLOW else [True])
def test_self_attention_is_that_of_keras(causal):
    x = _random(2, 5, 8)
    layer = SelfAttention(2, causal=causal)
    layer.build(x.shape)
    layer.set_weights([_random(*weight.shape) for weight in layer.get_weights()])
    theirs = _keras_self_attention(layer, 8, 2)
    found = ops.convert_to_numpy(layer(x, keep=KEEP))
    expected = ops.convert_to_numpy(theirs(x, x, attention_mask=KEEP[:, None], use_causal_mask=causal))
    np.testing.assert_allclose(found[KEEP], expected[KEEP], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rotary", [False, True] if TENSORFLOW else [True])
def test_token_by_token_is_all_at_once(rotary):
    x = _random(2, 5, 8)
    layer = SelfAttention(2, causal=True, rotary=rotary)
    whole = ops.convert_to_numpy(layer(x))
    begun, cache = layer.start(x[:, :2])
    np.testing.assert_allclose(begun, whole[:, :2], atol=1e-5)
    for place in range(2, 5 if TENSORFLOW else 3):
        out, cache = layer.step(x[:, place], cache)
        np.testing.assert_allclose(ops.convert_to_numpy(out), whole[:, place], atol=1e-5)
    out, _ = layer.step(x[:, 0], layer.empty(2))
    np.testing.assert_allclose(ops.convert_to_numpy(out), whole[:, 0], atol=1e-5)


def test_places_turn_by_their_distance():
    """Attention that tells places by turning sees no difference between a text here and further on."""
    layer = SelfAttention(1, causal=True, rotary=True)
    x = _random(1, 6, 8)
    shifted = np.concatenate([_random(1, 3, 8), x], axis=1)
    keep = np.arange(9)[None] >= 3
    found = ops.convert_to_numpy(layer(shifted, keep=keep))[:, 3:]
    np.testing.assert_allclose(found, ops.convert_to_numpy(layer(x)), atol=1e-5)
    assert not np.allclose(found, ops.convert_to_numpy(layer(x[:, ::-1]))[:, ::-1], atol=1e-3)


def test_cross_attention_by_hand():
    x, memory = _random(2, 3, 4), _random(2, 5, 6)
    layer = CrossAttention(1)
    found = ops.convert_to_numpy(layer(x, memory, keep=KEEP))
    query, keys, output = (
        dense.kernel.numpy() if TENSORFLOW else np.array(dense.kernel)
        for dense in (layer.query_dense, layer.memory_dense, layer.output_dense)
    )
    keys, values = np.split(memory @ keys, 2, axis=-1)
    scores = np.where(KEEP[:, None], (x @ query) @ keys.swapaxes(1, 2) / 2, -np.inf)
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(found, weights @ values @ output, atol=1e-5)
    _, looked = layer.look(x, layer.read(memory), hiding(KEEP))
    np.testing.assert_allclose(ops.convert_to_numpy(looked)[:, 0], weights, atol=1e-5)


@pytest.mark.parametrize("arguments", [{}, {"causal": True, "rotary": True, "use_bias": False, "activation": "gelu"}])
def test_transformer_layer(harness, arguments):
    harness(
        TransformerLayer,
        {"heads": 2, "inner": 12, **arguments},
        inputs=_random(2, 5, 8),
        output_shape=(2, 5, 8),
        learning_rate=0.1,
    )


def test_dropout_acts_in_training_only():
    layer, x = TransformerLayer(2, 12, dropout=0.5), _random(2, 5, 8)
    np.testing.assert_array_equal(layer(x), layer(x))
    assert not np.allclose(layer(x), layer(x, training=True))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SelfAttention(0), "`heads` must be above 0. Received: heads=0"),
        (lambda: SelfAttention(3)(_random(1, 2, 8)), "divisible by `heads`, 3. Received: width=8"),
        (lambda: CrossAttention(2, dropout=1.0), r"`dropout` must be in \[0, 1\). Received: dropout=1.0"),
        (lambda: TransformerLayer(2, 0), "`inner` must be above 0. Received: inner=0"),
        (lambda: SelfAttention(1, rotary=True)(_random(1, 2, 3)), "must be even. Received: width=3"),
    ],
)
def test_refuses(build, message):
    with pytest.raises(ValueError, match=message):
        build()
