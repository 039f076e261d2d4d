import keras
import numpy as np
import pytest

from dlkeras import models
from dlkeras.models.vision.vgg import VGG

TINY = {"num_classes": 5, "width": 1 / 64, "dense_units": 16, "dropout": 0.0}
# Sizes and graph are the same everywhere, and JAX takes its time to make so many weights.
FULL_SIZE = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="too slow to make in full size")


@pytest.mark.parametrize("batch_normalization", [False, True])
def test_harness(harness, batch_normalization):
    inputs = np.random.uniform(-1, 1, (4, 28, 36, 1)).astype("float32")
    arguments = {**TINY, "input_shape": (28, 36, 1), "batch_normalization": batch_normalization}
    harness(VGG, arguments, inputs=inputs, output_shape=(4, 5))


@FULL_SIZE
@pytest.mark.parametrize(
    ("name", "arguments", "parameters"),
    [
        # Of torchvision and, for 16 and 19, of keras.applications; the paper rounds them to 133, 133, 138, 144 million.
        ("vgg11", {}, 132_863_336),
        ("vgg13", {}, 133_047_848),
        ("vgg16", {}, 138_357_544),
        ("vgg19", {}, 143_667_240),
        # torchvision's vgg11_bn without the biases that its normalization takes away again.
        ("vgg11", {"batch_normalization": True}, 132_868_840 - 2_752),
    ],
)
def test_has_the_published_parameters(name, arguments, parameters):
    # Shapes are enough: no weight is made.
    with keras.StatelessScope(initialize_variables=False):
        model = models.create(name, num_classes=1000, **arguments)
    keras.utils.clear_session()
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_variables) == parameters


@FULL_SIZE
def test_agrees_with_keras_applications():
    shape = (64, 32, 3)
    theirs = keras.applications.VGG16(input_shape=shape, weights=None, classes=7, classifier_activation=None)
    ours = models.create("vgg16", num_classes=7, input_shape=shape)
    for source in ours.layers:
        if source.weights:
            # He's kernels, which carry the pictures through all the depth, and biases that are not zero.
            kernel, bias = source.get_weights()
            source.set_weights([kernel, np.random.normal(scale=0.1, size=bias.shape)])
            name = "predictions" if source.name == "logits" else source.name
            theirs.get_layer(name).set_weights(source.get_weights())

    pictures = np.random.uniform(-1, 1, (2, *shape)).astype("float32")
    expected = keras.ops.convert_to_numpy(theirs(pictures, training=False))
    logits = keras.ops.convert_to_numpy(ours(pictures, training=False))
    assert np.ptp(expected, axis=0).max() > 0.1 * np.abs(expected).max()
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@FULL_SIZE
@pytest.mark.parametrize(
    ("size", "sizes"), [(28, [14, 7, 4, 2, 1]), (32, [16, 8, 4, 2, 1]), (224, [112, 56, 28, 14, 7])]
)
def test_five_poolings_round_up(size, sizes):
    model = VGG(**TINY, input_shape=(size, size, 3))
    assert [model.get_layer(f"block{stage}_pool").output.shape[1] for stage in range(1, 6)] == sizes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"width": 0}, "`width` must be above 0. Received: width=0"),
        ({"dense_units": 0}, "`dense_units` must be above 0. Received: dense_units=0"),
        ({"dropout": 1.5}, "`dropout` must be in [0, 1). Received: dropout=1.5"),
        (
            {"stage_convolutions": (1, 1)},
            "`stage_convolutions` must have 5 entries of at least 1. Received: stage_convolutions=(1, 1)",
        ),
        (
            {"stage_convolutions": (1, 1, 0, 1, 1)},
            "`stage_convolutions` must have 5 entries of at least 1. Received: stage_convolutions=(1, 1, 0, 1, 1)",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        VGG(**arguments)
    assert str(error.value) == message


@FULL_SIZE
def test_dropout_is_in_the_config():
    model = VGG.from_config(VGG(**{**TINY, "dropout": 0.4}).get_config())
    assert [model.get_layer(f"{name}_dropout").rate for name in ("fc1", "fc2")] == [0.4, 0.4]
