import keras
import numpy as np
import pytest

from dlkeras import models
from dlkeras.layers import SqueezeExcitation
from dlkeras.models.vision.efficientnet import EfficientNet

TINY = {"width": 0.25, "depth": 0.25, "num_classes": 5}
# Counting is the same everywhere, and JAX takes its time to make so many weights.
COUNTS = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts do not depend on the backend")


def test_harness(harness):
    inputs = np.random.uniform(-1, 1, (4, 16, 24, 3)).astype("float32")
    harness(EfficientNet, {**TINY, "input_shape": (16, 24, 3)}, inputs=inputs, output_shape=(4, 5))


@COUNTS
@pytest.mark.parametrize(
    ("name", "applications", "torchvision"),
    [
        ("efficientnet_b0", 5_330_571, 5_288_548),
        ("efficientnet_b1", 7_856_239, 7_794_184),
        ("efficientnet_b2", 9_177_569, 9_109_994),
        ("efficientnet_b3", 12_320_535, 12_233_232),
    ],
)
def test_has_the_published_parameters(name, applications, torchvision):
    model = models.create(name, num_classes=1000)
    # Keras applications normalizes inside: three means, three variances and a counter.
    assert model.count_params() == applications - 7
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_variables) == torchvision


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX compiles hundreds of operations for it, one by one")
def test_agrees_with_keras_applications():
    shape = (64, 72, 3)
    theirs = keras.applications.EfficientNetB0(input_shape=shape, weights=None, classes=7, classifier_activation=None)
    ours = models.create("efficientnet_b0", input_shape=shape, num_classes=7)
    for layer in theirs.layers:
        weights = [np.random.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()]
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D | keras.layers.Dense):
            weights = [np.random.normal(scale=0.2, size=weight.shape) for weight in weights]
        layer.set_weights(weights)
    normalization = next(layer for layer in theirs.layers if isinstance(layer, keras.layers.Normalization))
    normalization.finalize_state()
    for layer in ours.layers:
        if layer.weights:
            sources = [theirs.get_layer(name) for name in _names_in_keras_applications(layer)]
            weights = [weight for source in sources for weight in source.get_weights()]
            layer.set_weights([w.reshape(o.shape) for w, o in zip(weights, layer.weights, strict=True)])

    pixels = np.random.uniform(0, 255, (2, *shape)).astype("float32")
    expected = keras.ops.convert_to_numpy(theirs(pixels, training=False))
    logits = keras.ops.convert_to_numpy(ours(normalization(pixels / 255), training=False))
    assert expected.std() > 0.01
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def _names_in_keras_applications(layer):
    if isinstance(layer, SqueezeExcitation):
        return f"{layer.name}_reduce", f"{layer.name}_expand"
    return ("predictions" if layer.name == "logits" else layer.name,)


@COUNTS
def test_small_stem_leaves_four_by_four_of_thirty_two():
    assert EfficientNet(**TINY).get_layer("pool").input.shape[1:3] == (4, 4)
    large = EfficientNet(**TINY, stem="large", input_shape=(224, 224, 3))
    assert large.get_layer("pool").input.shape[1:3] == (7, 7)


@COUNTS
def test_dropout_rises_to_the_last_block():
    model = EfficientNet(width=0.25, depth=0.5, stem="large", dropout=0.3, stochastic_depth=0.1)
    rates = {layer.name: layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)}
    # Of 10 blocks, those that are added to their input: numbers 4, 6 and 8, counted from 0.
    expected = {"block4b_drop": 0.04, "block5b_drop": 0.06, "block6b_drop": 0.08, "dropout": 0.3}
    assert rates == pytest.approx(expected)
    again = EfficientNet.from_config(model.get_config())
    assert again.get_layer("block6b_drop").rate == pytest.approx(0.08)


def test_stochastic_depth_leaves_out_whole_branches():
    model = EfficientNet(**TINY, stochastic_depth=0.9, input_shape=(16, 16, 3))
    rate = model.get_layer("block2a_drop").rate  # the second block of seven
    assert rate == pytest.approx(0.9 / 7)
    inside = keras.Model(model.input, [model.get_layer(f"block2a_{name}").output for name in ("project_bn", "drop")])
    pictures = np.random.uniform(-1, 1, (64, 16, 16, 3)).astype("float32")
    before, after = (keras.ops.convert_to_numpy(x) for x in inside(pictures, training=True))
    left_out = (after == 0).all(axis=(1, 2, 3))
    assert 0 < left_out.sum() < 32
    np.testing.assert_allclose(after[~left_out], before[~left_out] / (1 - rate), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"width": 0}, "`width` must be above 0. Received: width=0"),
        ({"depth": -1}, "`depth` must be above 0. Received: depth=-1"),
        ({"stem": "huge"}, "`stem` must be one of small, large. Received: stem='huge'"),
        ({"dropout": 1.5}, "`dropout` must be in [0, 1). Received: dropout=1.5"),
        ({"stochastic_depth": 1.0}, "`stochastic_depth` must be in [0, 1). Received: stochastic_depth=1.0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        EfficientNet(**arguments)
    assert str(error.value) == message
