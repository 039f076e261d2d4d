import keras
import numpy as np
import pytest
from scipy.signal import correlate

from dlkeras import models
from dlkeras.models.vision.densenet import VARIANTS, DenseNet

TINY = {"num_classes": 5, "block_layers": (2, 1), "growth": 4, "stem_filters": 6}
BC = {"bottleneck": True, "compression": 0.5}
# Not on JAX, which compiles every operation for each new number of channels: a hundred of them in a large network.
LARGE = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes minutes to compile")


@pytest.mark.parametrize(
    "form",
    [
        {"input_shape": (8, 12, 3)},
        {"input_shape": (24, 16, 3), "stem": "large", **BC},
    ],
)
def test_harness(harness, form):
    inputs = np.random.uniform(-1, 1, (4, *form["input_shape"])).astype("float32")
    # Every map is normalized again, so a scale before that has next to no gradient until the shifts have moved.
    harness(DenseNet, {**TINY, **form}, inputs=inputs, output_shape=(4, 5), learning_rate=0.1)


def _by_hand(arguments, num_classes, per_channel):
    """Counts parameters, with so many for each channel that is normalized."""
    growth, channels = arguments["growth"], arguments.get("stem_filters", 16)
    large, bottleneck = arguments.get("stem") == "large", arguments.get("bottleneck")
    count = (49 if large else 9) * 3 * channels + per_channel * channels * large
    for number, layers in enumerate(arguments["block_layers"], start=1):
        for _ in range(layers):
            middle = 4 * growth if bottleneck else channels
            count += per_channel * channels + 9 * middle * growth
            count += (channels * middle + per_channel * middle) if bottleneck else 0
            channels += growth
        if number < len(arguments["block_layers"]):
            kept = int(channels * arguments.get("compression", 1.0))
            count += per_channel * channels + channels * kept
            channels = kept
    return count + per_channel * channels + channels * num_classes + num_classes


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # Of keras.applications, whose counts take the moving means and variances in.
        ("densenet121", 8_062_504),
        ("densenet169", 14_307_880),
        ("densenet201", 20_242_984),
    ],
)
def test_has_the_published_parameters(name, parameters):
    # By formula, for building takes long; below it is held against models that are built.
    assert _by_hand(VARIANTS[name][1], 1000, per_channel=4) == parameters


@LARGE
@pytest.mark.parametrize(("name", "paper"), [("densenet40", 1.0e6), ("densenet100_bc", 0.8e6)])
def test_has_the_papers_parameters_on_cifar(name, paper):
    model = models.create(name)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)
    assert trainable == _by_hand(VARIANTS[name][1], 10, per_channel=2) == pytest.approx(paper, abs=0.5e5)


@LARGE
def test_agrees_with_keras_applications():
    shape = (64, 32, 3)
    theirs = keras.applications.DenseNet121(input_shape=shape, weights=None, classifier_activation=None)
    ours = models.create("densenet121", num_classes=1000, input_shape=shape)
    assert ours.count_params() == theirs.count_params() == 8_062_504
    for source in theirs.layers:
        weights = [np.random.uniform(0.5, 1.5, weight.shape) for weight in source.get_weights()]
        if isinstance(source, keras.layers.Conv2D | keras.layers.Dense):
            weights = [np.random.normal(scale=np.prod(w.shape[:-1]) ** -0.5, size=w.shape) for w in weights]
        if weights:
            source.set_weights(weights)
            ours.get_layer("logits" if source.name == "predictions" else source.name).set_weights(weights)

    pictures = np.random.uniform(-1, 1, (2, *shape)).astype("float32")
    expected = keras.ops.convert_to_numpy(theirs(pictures, training=False))
    logits = keras.ops.convert_to_numpy(ours(pictures, training=False))
    assert expected.std() > 0.01
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_small_form_agrees_with_scipy():
    model = DenseNet(**TINY, input_shape=(5, 7, 2))
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([np.random.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    picture = np.random.normal(size=(5, 7, 2)).astype("float32")

    x = _convolve(model, "conv1_conv", picture)
    x = np.concatenate([x, _convolve(model, "conv2_block1_2_conv", _normalize(model, "conv2_block1_0_bn", x))], axis=-1)
    x = np.concatenate([x, _convolve(model, "conv2_block2_2_conv", _normalize(model, "conv2_block2_0_bn", x))], axis=-1)
    x = _convolve(model, "pool2_conv", _normalize(model, "pool2_bn", x))
    x = x[:4, :6].reshape(2, 2, 3, 2, -1).mean((1, 3))
    x = np.concatenate([x, _convolve(model, "conv3_block1_2_conv", _normalize(model, "conv3_block1_0_bn", x))], axis=-1)
    kernel, bias = model.get_layer("logits").get_weights()
    expected = _normalize(model, "bn", x).mean((0, 1)) @ kernel + bias
    logits = keras.ops.convert_to_numpy(model(picture[None], training=False))[0]
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4)


def _convolve(model, name, x):
    (kernel,) = model.get_layer(name).get_weights()
    margin = kernel.shape[0] // 2
    x = np.pad(x, ((margin, margin), (margin, margin), (0, 0)))
    return np.stack([correlate(x, kernel[..., i], mode="valid")[..., 0] for i in range(kernel.shape[-1])], axis=-1)


def _normalize(model, name, x):
    gamma, beta, mean, variance = model.get_layer(name).get_weights()
    return np.maximum((x - mean) / np.sqrt(variance + 1e-5) * gamma + beta, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"stem": "huge"}, "`stem` must be one of small, large. Received: stem='huge'"),
        ({"dropout": 1.0}, "`dropout` must be in [0, 1). Received: dropout=1.0"),
        ({"growth": 0}, "`growth` must be at least 1. Received: growth=0"),
        ({"compression": 0}, "`compression` must be in (0, 1]. Received: compression=0"),
        (
            {"block_layers": (2, 0)},
            "`block_layers` must have one number a block, each at least 1. Received: block_layers=(2, 0)",
        ),
        (
            {"block_layers": (1, 1, 1, 1), "stem": "large", "input_shape": (31, 40, 3)},
            "`input_shape` must be at least 32 x 32. Received: input_shape=(31, 40, 3)",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        DenseNet(**arguments)
    assert str(error.value) == message


def test_dropout_follows_every_convolution_but_the_first():
    model = DenseNet(**TINY, **BC, dropout=0.2)
    again = DenseNet.from_config(model.get_config())
    convolutions = [layer for layer in again.layers if isinstance(layer, keras.layers.Conv2D)]
    dropouts = [layer for layer in again.layers if isinstance(layer, keras.layers.Dropout)]
    assert len(dropouts) == len(convolutions) - 1 == 7
    assert {layer.rate for layer in dropouts} == {0.2}
