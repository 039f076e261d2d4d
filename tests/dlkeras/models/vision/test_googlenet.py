import keras
import numpy as np
import pytest
from scipy.signal import correlate

from dlkeras import models
from dlkeras.models.vision.googlenet import GoogLeNet
from dlkeras.training.auxiliary import DeeplySupervised

# Counting is the same everywhere, and JAX takes its time to make so many weights.
COUNTS = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts do not depend on the backend")

# The paper's table 1: 1 x 1, 3 x 3 reduce, 3 x 3, 5 x 5 reduce, 5 x 5, pool projection.
TABLE = (
    (64, 96, 128, 16, 32, 32),
    (128, 128, 192, 32, 96, 64),
    (192, 96, 208, 16, 48, 64),
    (160, 112, 224, 24, 64, 64),
    (128, 128, 256, 24, 64, 64),
    (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128),
    (256, 160, 320, 32, 128, 128),
    (384, 192, 384, 48, 128, 128),
)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="test_heads_are_trained compiles a step there")
def test_harness(harness):
    inputs = np.random.uniform(-1, 1, (4, 16, 24, 3)).astype("float32")
    arguments = {"num_classes": 5, "input_shape": (16, 24, 3), "width": 0.01}
    harness(GoogLeNet, arguments, inputs=inputs, output_shape=(4, 5))


def _convolutions(window=5):
    """Every convolution as (kernel size, channels in, channels out); `window` is the third branch's."""
    convolutions = [(7, 3, 64), (1, 64, 64), (3, 64, 192)]
    channels = 192
    for one, three_reduce, three, five_reduce, five, projection in TABLE:
        convolutions += [(1, channels, one), (1, channels, three_reduce), (3, three_reduce, three)]
        convolutions += [(1, channels, five_reduce), (window, five_reduce, five), (1, channels, projection)]
        channels = one + three + five + projection
    return convolutions


def _by_hand(convolutions, per_channel):
    return sum(size * size * before * after + per_channel * after for size, before, after in convolutions)


@COUNTS
def test_has_the_papers_parameters():
    model = models.create("googlenet", num_classes=1000, auxiliary_heads=True)
    by_hand = _by_hand(_convolutions(), per_channel=1) + 1024 * 1000 + 1000
    # The authors' plan in Caffe, with biases: 6,998,552 parameters, 13,378,280 with both heads.
    assert sum(layer.count_params() for layer in model.layers) == by_hand == 6_998_552

    # Each head: 5 x 5 windows at stride 3 leave 4 x 4 of 14 x 14.
    heads = [(c * 128 + 128) + (4 * 4 * 128 * 1024 + 1024) + (1024 * 1000 + 1000) for c in (512, 528)]
    assert model.count_params() == model.auxiliary.count_params() == by_hand + sum(heads) == 13_378_280


@COUNTS
def test_differs_from_torchvision_by_its_5_x_5_convolutions():
    # torchvision has batch normalization, and 3 x 3 where the paper has 5 x 5: 6,624,904 trainable parameters,
    # 13,004,888 with heads.
    dense = 1024 * 1000 + 1000
    assert _by_hand(_convolutions(window=3), per_channel=2) + dense == 6_624_904
    model = models.create("googlenet", num_classes=1000, batch_normalization=True, auxiliary_heads=True)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)
    fives = sum((25 - 9) * row[3] * row[4] for row in TABLE)
    assert trainable - fives == 13_004_888


@COUNTS
@pytest.mark.parametrize(
    ("stem", "size", "sides"),
    [
        ("small", 28, [14, 7, 4, 1]),
        ("large", 224, [28, 14, 7, 4]),
        # The least sizes with heads.
        ("small", 17, [9, 5, 3, 1]),
        ("large", 65, [9, 5, 3, 1]),
    ],
)
def test_has_the_papers_plan(stem, size, sides):
    model = GoogLeNet(width=0.01, stem=stem, input_shape=(size, size, 1), auxiliary_heads=True)
    layers = [model.get_layer(f"inception_{block}") for block in ("3b", "4e", "5b")]
    layers.append(model.auxiliary.get_layer("auxiliary_1_pool"))
    assert [layer.output.shape[1] for layer in layers] == sides


def test_agrees_with_scipy():
    model = GoogLeNet(width=0.01, input_shape=(35, 38, 2), stem="large", num_classes=3)  # sizes odd and even
    picture = np.random.normal(size=(35, 38, 2)).astype("float32")

    x = _pool(_convolve(model, "conv1", picture)[::2, ::2])
    x = _pool(_convolve(model, "conv2", _convolve(model, "conv2_reduce", x)))
    for block in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        name = f"inception_{block}"
        x = _pool(x) if block in ("4a", "5a") else x
        branches = [
            _convolve(model, f"{name}_1x1", x),
            _convolve(model, f"{name}_3x3", _convolve(model, f"{name}_3x3_reduce", x)),
            _convolve(model, f"{name}_5x5", _convolve(model, f"{name}_5x5_reduce", x)),
            _convolve(model, f"{name}_pool_projection", _pool(x, strides=1)),
        ]
        x = np.concatenate(branches, axis=-1)
    kernel, bias = model.get_layer("logits").get_weights()
    expected = x.mean((0, 1)) @ kernel + bias
    logits = keras.ops.convert_to_numpy(model(picture[None]))[0]
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4)


def _convolve(model, name, x):
    kernel, bias = model.get_layer(name).get_weights()
    margin = kernel.shape[0] // 2
    x = np.pad(x, ((margin, margin), (margin, margin), (0, 0)))
    maps = [correlate(x, kernel[..., index], mode="valid")[..., 0] for index in range(kernel.shape[-1])]
    return np.maximum(np.stack(maps, axis=-1) + bias, 0)


def _pool(x, strides=2):
    """3 x 3 windows. Even sizes are padded on the far side only, as in Caffe, where windows may hang over."""
    margins = [((3 - strides + size % strides) // 2, 2) for size in x.shape[:2]]
    height, width = (-(-size // strides) for size in x.shape[:2])
    x = np.pad(x, (*margins, (0, 0)), constant_values=-np.inf)
    rows = [
        x[strides * i : strides * i + 3, strides * j : strides * j + 3].max((0, 1))
        for i in range(height)
        for j in range(width)
    ]
    return np.reshape(rows, (height, width, -1))


def _supervised(**arguments):
    # Eight channels everywhere: shapes that recur are compiled once, which on JAX is most of the time.
    return GoogLeNet(num_classes=3, width=0.01, auxiliary_heads=True, **arguments)


def test_auxiliary_shares_the_layers():
    model = _supervised()
    pictures = np.random.uniform(-1, 1, (2, 32, 32, 3)).astype("float32")
    logits, *heads = (keras.ops.convert_to_numpy(x) for x in model.auxiliary(pictures, training=False))
    own = keras.ops.convert_to_numpy(model(pictures, training=False))
    np.testing.assert_allclose(logits, own, rtol=1e-5, atol=1e-6)
    assert [head.shape for head in heads] == [(2, 3), (2, 3)]
    assert {id(weight) for weight in model.weights} == {id(weight) for weight in model.auxiliary.weights}
    # Whatever it is nested in, in training too, there is one output.
    assert keras.Model(model.input, model(model.input, training=True)).output.shape == (None, 3)


def test_heads_are_trained():
    model = _supervised(input_shape=(20, 18, 1), batch_normalization=True, auxiliary_dropout=0.0)
    before = model.get_weights()
    supervised = DeeplySupervised(model.auxiliary)
    # On JAX it is quicker to compile the step as a whole than each of its operations.
    eagerly = keras.backend.backend() == "tensorflow"
    supervised.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=eagerly)
    supervised.train_on_batch(np.random.uniform(-1, 1, (4, 20, 18, 1)), np.random.normal(size=(4, 3)))
    heads = 0
    for weight, old, new in zip(model.weights, before, model.get_weights(), strict=True):
        assert not np.array_equal(old, new), weight.path
        heads += "auxiliary" in weight.path
    assert heads == 2 * (5 + 2 + 2)  # convolution and normalization, dense, dense


def test_heads_are_saved_with_the_model(tmp_path):
    model = _supervised(input_shape=(20, 18, 1), dropout=0.4, auxiliary_dropout=0.6)
    pictures = np.random.uniform(-1, 1, (2, 20, 18, 1)).astype("float32")
    expected = [keras.ops.convert_to_numpy(x) for x in model.auxiliary(pictures, training=False)]
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    again = GoogLeNet.from_config(model.get_config())
    again.load_weights(tmp_path / "model.weights.h5")
    for other in (keras.saving.load_model(tmp_path / "model.keras"), again):
        for output, value in zip(other.auxiliary(pictures, training=False), expected, strict=True):
            np.testing.assert_allclose(keras.ops.convert_to_numpy(output), value, rtol=1e-5, atol=1e-6)
    assert again.get_layer("dropout").rate == 0.4
    assert again.auxiliary.get_layer("auxiliary_2_dropout").rate == 0.6

    plain = GoogLeNet.from_config({**model.get_config(), "auxiliary_heads": False})
    assert plain.auxiliary is None
    plain.load_weights(tmp_path / "model.weights.h5")
    logits = keras.ops.convert_to_numpy(plain(pictures, training=False))
    np.testing.assert_allclose(logits, expected[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"width": 0}, "`width` must be above 0. Received: width=0"),
        ({"stem": "huge"}, "`stem` must be one of small, large. Received: stem='huge'"),
        ({"dropout": 1.5}, "`dropout` must be in [0, 1). Received: dropout=1.5"),
        ({"auxiliary_dropout": -1}, "`auxiliary_dropout` must be in [0, 1). Received: auxiliary_dropout=-1"),
        (
            {"auxiliary_heads": True, "input_shape": (28, 16, 1)},
            "`input_shape` must be at least 17 x 17. Received: input_shape=(28, 16, 1)",
        ),
        (
            {"auxiliary_heads": True, "stem": "large", "input_shape": (64, 64, 3)},
            "`input_shape` must be at least 65 x 65. Received: input_shape=(64, 64, 3)",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        GoogLeNet(**arguments)
    assert str(error.value) == message
