import keras
import numpy as np
import pytest
from scipy.signal import correlate

from dlkeras import models
from dlkeras.models.vision.alexnet import AlexNet

TINY = {"num_classes": 5, "width": 1 / 32, "dense_units": 16, "dropout": 0.0}
# Counting is the same everywhere, and JAX takes its time to make so many weights.
COUNTS = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts do not depend on the backend")


@pytest.mark.parametrize("form", [{"input_shape": (15, 24, 3)}, {"input_shape": (80, 63, 1), "stem": "large"}])
def test_harness(harness, form):
    inputs = np.random.uniform(-1, 1, (4, *form["input_shape"])).astype("float32")
    harness(AlexNet, {**TINY, **form}, inputs=inputs, output_shape=(4, 5), learning_rate=0.002)


@COUNTS
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # The published count of the paper's network without its split, and that of torchvision's AlexNet.
        ("alexnet", 62_378_344),
        ("alexnet_one_tower", 61_100_840),
    ],
)
def test_has_the_published_parameters(name, parameters):
    # Shapes are enough: no weight is made.
    with keras.StatelessScope(initialize_variables=False):
        model = models.create(name, num_classes=1000)
    keras.utils.clear_session()
    assert model.count_params() == parameters


@COUNTS
@pytest.mark.parametrize(
    ("stem", "shape", "sizes"),
    [
        ("small", (28, 28, 1), [28, 13, 6, 2]),
        ("small", (32, 32, 3), [32, 15, 7, 3]),
        ("large", (224, 224, 3), [55, 27, 13, 6]),  # the paper's
    ],
)
def test_feature_maps_have_the_expected_sizes(stem, shape, sizes):
    model = AlexNet(**TINY, stem=stem, input_shape=shape)
    assert [model.get_layer(name).output.shape[1:3] for name in ("conv1", "pool1", "pool2", "pool5")] == [
        (size, size) for size in sizes
    ]


@pytest.mark.parametrize(("stem", "size"), [("small", 17), ("large", 68)])
def test_agrees_with_scipy(stem, size):
    model = AlexNet(**TINY, stem=stem, input_shape=(size, size, 2))
    model.set_weights([np.random.normal(scale=0.2, size=weight.shape) for weight in model.get_weights()])
    picture = np.random.normal(size=(size, size, 2)).astype("float32")

    margin, strides = {"small": (2, 1), "large": (2, 4)}[stem]
    x = _pool(_convolve(model, "conv1", picture, margin, strides))
    x = _pool(_convolve(model, "conv2", x, 2))
    for name in ("conv3", "conv4", "conv5"):
        x = _convolve(model, name, x, 1)
    x = _pool(x).reshape(-1)
    for name in ("fc6", "fc7", "logits"):
        kernel, bias = model.get_layer(name).get_weights()
        x = x @ kernel + bias
        x = x if name == "logits" else np.maximum(x, 0)
    logits = keras.ops.convert_to_numpy(model(picture[None], training=False))[0]
    assert x.std() > 0.01
    np.testing.assert_allclose(logits, x, rtol=1e-3, atol=1e-4 * np.abs(x).max())


def _convolve(model, name, x, margin, strides=1):
    kernel, bias = model.get_layer(name).get_weights()
    x = np.pad(x, ((margin, margin), (margin, margin), (0, 0)))
    maps = [correlate(x, kernel[..., index], mode="valid")[..., 0] for index in range(kernel.shape[-1])]
    return np.maximum(np.stack(maps, axis=-1)[::strides, ::strides] + bias, 0)


def _pool(x):
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))
    return windows[::2, ::2].max((-2, -1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"width": 0}, "`width` must be above 0. Received: width=0"),
        ({"dense_units": 0}, "`dense_units` must be above 0. Received: dense_units=0"),
        ({"stem": "huge"}, "`stem` must be one of small, large. Received: stem='huge'"),
        ({"dropout": 1.5}, "`dropout` must be in [0, 1). Received: dropout=1.5"),
        ({"filters": (8, 8)}, "`filters` must have 5 entries. Received: filters=(8, 8)"),
        ({"input_shape": (14, 32, 3)}, "`input_shape` must be at least 15 x 15. Received: input_shape=(14, 32, 3)"),
        (
            {"input_shape": (62, 99, 3), "stem": "large"},
            "`input_shape` must be at least 63 x 63. Received: input_shape=(62, 99, 3)",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        AlexNet(**arguments)
    assert str(error.value) == message


@COUNTS
def test_dropout_is_in_the_config():
    model = AlexNet.from_config(AlexNet(**{**TINY, "dropout": 0.4}).get_config())
    assert [model.get_layer(f"{name}_dropout").rate for name in ("fc6", "fc7")] == [0.4, 0.4]
