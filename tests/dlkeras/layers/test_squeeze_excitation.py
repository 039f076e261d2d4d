import keras
import numpy as np
import pytest
from scipy.special import expit

from dlkeras.layers import SqueezeExcitation


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_harness(harness, activation):
    inputs = np.random.normal(size=(4, 3, 5, 8)).astype("float32")
    arguments = {"filters": 6, "activation": activation}
    harness(SqueezeExcitation, arguments, inputs=inputs, output_shape=(4, 3, 5, 8), learning_rate=0.1)


def test_agrees_with_numpy():
    layer = SqueezeExcitation(3)
    layer.build((None, 4, 6, 5))
    reduce, reduce_bias, expand, expand_bias = weights = [np.random.normal(size=w.shape) for w in layer.weights]
    layer.set_weights(weights)
    inputs = np.random.normal(size=(2, 4, 6, 5)).astype("float32")
    hidden = np.maximum(inputs.mean((1, 2)) @ reduce + reduce_bias, 0)
    factors = expit(hidden @ expand + expand_bias)
    outputs = keras.ops.convert_to_numpy(layer(inputs))
    np.testing.assert_allclose(outputs, inputs * factors[:, None, None, :], rtol=1e-5, atol=1e-6)


def test_refuses():
    with pytest.raises(ValueError) as error:
        SqueezeExcitation(0)
    assert str(error.value) == "`filters` must be at least 1. Received: filters=0"
