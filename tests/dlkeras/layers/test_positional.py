import keras
import numpy as np
import pytest

from dlkeras.layers import ClassToken, PositionEmbedding

TOKENS = np.random.default_rng(0).normal(size=(3, 4, 6)).astype("float32")


@pytest.mark.parametrize(("kind", "count"), [(ClassToken, 5), (PositionEmbedding, 4)])
def test_harness(harness, kind, count):
    harness(kind, {}, inputs=TOKENS, output_shape=(3, count, 6), learning_rate=0.1)


def test_class_token_comes_first():
    layer = ClassToken()
    layer.build(TOKENS.shape)
    layer.set_weights([np.arange(6.0).reshape(1, 1, 6)])
    outputs = keras.ops.convert_to_numpy(layer(TOKENS))
    np.testing.assert_array_equal(outputs[:, 0], [np.arange(6.0)] * 3)
    np.testing.assert_array_equal(outputs[:, 1:], TOKENS)


def test_a_position_is_the_same_in_every_example():
    layer = PositionEmbedding()
    outputs = keras.ops.convert_to_numpy(layer(TOKENS))
    added = outputs - TOKENS
    np.testing.assert_allclose(added, np.broadcast_to(layer.get_weights()[0], TOKENS.shape), atol=1e-6)
    assert np.ptp(added, axis=1).min() > 0


def test_the_number_of_tokens_may_be_open_for_a_class_token():
    assert ClassToken()(keras.Input((None, 6))).shape == (None, None, 6)
