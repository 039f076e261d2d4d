import keras
import numpy as np
import pytest
from scipy.signal import correlate

from dlkeras import models
from dlkeras.models.vision.nin import NiN

TINY = {"num_classes": 5, "width": 1 / 32, "dropout": 0.0}
# Counting is the same everywhere, and JAX takes its time to make so many weights.
COUNTS = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts do not depend on the backend")


@pytest.mark.parametrize(
    "form",
    [
        {"input_shape": (15, 24, 3), "batch_normalization": True},
        {"input_shape": (80, 67, 1), "stem": "large"},
    ],
)
def test_harness(harness, form):
    inputs = np.random.uniform(-1, 1, (4, *form["input_shape"])).astype("float32")
    # Enough classes: the last block has as few channels as there are, and a handful can all be dead.
    harness(NiN, {**TINY, "num_classes": 16, **form}, inputs=inputs, output_shape=(4, 16), learning_rate=0.002)


@COUNTS
def test_has_the_textbook_parameters():
    # Each block: its convolution and two of 1 x 1, with their biases.
    by_hand = (121 * 1 + 1) * 96 + 2 * (96 + 1) * 96
    by_hand += (25 * 96 + 1) * 256 + 2 * (256 + 1) * 256
    by_hand += (9 * 256 + 1) * 384 + 2 * (384 + 1) * 384
    by_hand += (9 * 384 + 1) * 10 + 2 * (10 + 1) * 10
    model = models.create("nin", input_shape=(224, 224, 1))
    assert model.count_params() == by_hand == 1_992_166

    # Normalization has a scale and a shift where a bias was, in all convolutions but the last.
    normalized = models.create("nin", input_shape=(224, 224, 1), batch_normalization=True)
    biases = 3 * (96 + 256 + 384) + 2 * 10
    assert sum(int(np.prod(weight.shape)) for weight in normalized.trainable_variables) == by_hand + biases


@COUNTS
@pytest.mark.parametrize(
    ("stem", "shape", "sizes"),
    [
        ("small", (28, 28, 1), [28, 13, 6, 2]),
        ("small", (32, 32, 3), [32, 15, 7, 3]),
        ("large", (224, 224, 3), [54, 26, 12, 5]),  # the textbook's
    ],
)
def test_feature_maps_have_the_expected_sizes(stem, shape, sizes):
    model = NiN(**TINY, stem=stem, input_shape=shape)
    names = ("block1_conv", "block1_pool", "block2_pool", "block3_pool")
    assert [model.get_layer(name).output.shape[1:3] for name in names] == [(size, size) for size in sizes]


@pytest.mark.parametrize(
    ("stem", "size", "batch_normalization"), [("small", 25, False), ("small", 25, True), ("large", 99, False)]
)
def test_agrees_with_scipy(stem, size, batch_normalization):
    model = NiN(**TINY, stem=stem, input_shape=(size, size, 2), batch_normalization=batch_normalization)
    _randomize(model)
    x = np.random.normal(size=(size, size, 2)).astype("float32")
    logits = keras.ops.convert_to_numpy(model(x[None], training=False))[0]

    first = {"small": (2, 1), "large": (0, 4)}[stem]
    for block, (margin, strides) in enumerate((first, (2, 1), (1, 1), (1, 1)), start=1):
        x = np.pad(x, ((margin, margin), (margin, margin), (0, 0)))
        x = _activate(model, f"block{block}_conv", _convolve(model, f"block{block}_conv", x)[::strides, ::strides])
        x = _activate(model, f"block{block}_mlp1", _convolve(model, f"block{block}_mlp1", x))
        x = _convolve(model, f"block{block}_mlp2", x)
        if block < 4:
            x = _pool(_activate(model, f"block{block}_mlp2", x))
    expected = x.mean((0, 1))
    assert expected.min() < 0 < expected.max()
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def _randomize(model):
    for layer in model.layers:
        # Positive everywhere in normalization, for variances.
        positive = isinstance(layer, keras.layers.BatchNormalization)
        low, high = (0.5, 1.5) if positive else (-1, 1)
        layer.set_weights([np.random.uniform(low, high, weight.shape) for weight in layer.get_weights()])


def _convolve(model, name, x):
    kernel, *bias = model.get_layer(name).get_weights()
    maps = [correlate(x, kernel[..., index], mode="valid")[..., 0] for index in range(kernel.shape[-1])]
    return np.stack(maps, axis=-1) + sum(bias)


def _activate(model, name, x):
    if f"{name}_bn" in [layer.name for layer in model.layers]:
        gamma, beta, mean, variance = model.get_layer(f"{name}_bn").get_weights()
        x = (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    return np.maximum(x, 0)


def _pool(x):
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))
    return windows[::2, ::2].max((-2, -1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"width": 0}, "`width` must be above 0. Received: width=0"),
        ({"stem": "huge"}, "`stem` must be one of small, large. Received: stem='huge'"),
        ({"dropout": 1.5}, "`dropout` must be in [0, 1). Received: dropout=1.5"),
        ({"input_shape": (32, 14, 3)}, "`input_shape` must be at least 15 x 15. Received: input_shape=(32, 14, 3)"),
        (
            {"input_shape": (66, 99, 3), "stem": "large"},
            "`input_shape` must be at least 67 x 67. Received: input_shape=(66, 99, 3)",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        NiN(**arguments)
    assert str(error.value) == message


def test_dropout_is_in_the_config():
    assert NiN.from_config(NiN(**{**TINY, "dropout": 0.4}).get_config()).get_layer("dropout").rate == 0.4
