import keras
import numpy as np
import pytest
from scipy.signal import correlate

from dlkeras import models
from dlkeras.models.vision.lenet import LeNet


@pytest.mark.parametrize("form", [{}, {"activation": "sigmoid", "pooling": "average"}])
def test_harness(harness, form):
    inputs = np.random.uniform(-1, 1, (4, 12, 16, 3)).astype("float32")
    harness(LeNet, {"num_classes": 5, "input_shape": (12, 16, 3), **form}, inputs=inputs, output_shape=(4, 5))


def test_has_the_textbook_parameters():
    # Convolutions 5 x 5, then 16 maps of 5 x 5 into the dense layers; each with its biases.
    by_hand = (25 * 1 + 1) * 6 + (25 * 6 + 1) * 16 + (400 + 1) * 120 + (120 + 1) * 84 + (84 + 1) * 10
    assert LeNet().count_params() == by_hand == 61_706
    assert models.create("lenet_1998").count_params() == 61_706


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_agrees_with_scipy(pooling):
    model = LeNet(num_classes=3, input_shape=(14, 14, 2), activation="tanh", pooling=pooling)
    weights = [np.random.normal(scale=0.2, size=weight.shape) for weight in model.get_weights()]
    model.set_weights(weights)
    picture = np.random.normal(size=(14, 14, 2)).astype("float32")

    x = _pool(np.tanh(_convolve(np.pad(picture, ((2, 2), (2, 2), (0, 0))), *weights[:2])), pooling)
    x = _pool(np.tanh(_convolve(x, *weights[2:4])), pooling).reshape(-1)
    x = np.tanh(x @ weights[4] + weights[5])
    x = np.tanh(x @ weights[6] + weights[7])
    logits = keras.ops.convert_to_numpy(model(picture[None]))[0]
    np.testing.assert_allclose(logits, x @ weights[8] + weights[9], rtol=1e-4, atol=1e-5)


def _convolve(picture, kernel, bias):
    maps = [correlate(picture, kernel[..., index], mode="valid")[..., 0] for index in range(kernel.shape[-1])]
    return np.stack(maps, axis=-1) + bias


def _pool(x, pooling):
    height, width, channels = x.shape[0] // 2, x.shape[1] // 2, x.shape[2]
    windows = x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, channels)
    return windows.max((1, 3)) if pooling == "max" else windows.mean((1, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pooling": "sum"}, "`pooling` must be one of average, max. Received: pooling='sum'"),
        ({"dropout": 1.0}, "`dropout` must be in [0, 1). Received: dropout=1.0"),
        ({"input_shape": (28, 11, 1)}, "`input_shape` must be at least 12 x 12. Received: input_shape=(28, 11, 1)"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        LeNet(**arguments)
    assert str(error.value) == message


def test_dropout_acts_in_training_only():
    model = LeNet(dropout=0.9)
    inputs = np.random.uniform(-1, 1, (8, 28, 28, 1)).astype("float32")
    once, again = (keras.ops.convert_to_numpy(model(inputs, training=False)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert not np.allclose(once, keras.ops.convert_to_numpy(model(inputs, training=True)))
    assert LeNet.from_config(model.get_config()).get_config() == model.get_config()
