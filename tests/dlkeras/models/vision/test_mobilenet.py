import keras
import numpy as np
import pytest

from dlkeras import models
from dlkeras.models.vision.mobilenet import MobileNetV1, MobileNetV2

BOTH = pytest.mark.parametrize("kind", [MobileNetV1, MobileNetV2])
# Counting is the same everywhere, and JAX takes its time to make so many weights.
COUNTS = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts do not depend on the backend")


@BOTH
def test_harness(harness, kind):
    inputs = np.random.uniform(-1, 1, (4, 16, 24, 3)).astype("float32")
    arguments = {"num_classes": 5, "input_shape": (16, 24, 3), "width": 0.25}
    harness(kind, arguments, inputs=inputs, output_shape=(4, 5))


@COUNTS
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # Of keras.applications, with the head of 1000 classes. The papers round them to 0.5, 1.3, 2.6, 4.2 million
        # and to 1.7, 2.0, 2.6, 3.4 and 6.9 million, those of V2 after the widths of the authors' published weights.
        ("mobilenet_v1_025", 475_544),
        ("mobilenet_v1_050", 1_342_536),
        ("mobilenet_v1_075", 2_601_976),
        ("mobilenet_v1_100", 4_253_864),
        ("mobilenet_v2_035", 1_691_208),
        ("mobilenet_v2_050", 1_987_224),
        ("mobilenet_v2_075", 2_663_064),
        ("mobilenet_v2_100", 3_538_984),
        ("mobilenet_v2_140", 6_156_712),
    ],
)
def test_has_the_published_parameters(name, parameters):
    assert models.create(name, num_classes=1000).count_params() == parameters


@pytest.mark.parametrize(
    ("kind", "reference", "width"),
    [
        (MobileNetV1, keras.applications.MobileNet, 0.25),
        (MobileNetV2, keras.applications.MobileNetV2, 0.35),
    ],
)
def test_agrees_with_keras_applications(kind, reference, width):
    shape = (96, 64, 3)
    theirs = reference(input_shape=shape, alpha=width, weights=None, classes=7, classifier_activation=None)
    ours = kind(num_classes=7, input_shape=shape, width=width, stem="large")
    assert ours.count_params() == theirs.count_params()
    for source in theirs.layers:
        weights = [np.random.uniform(0.5, 1.5, weight.shape) for weight in source.get_weights()]
        if isinstance(source, keras.layers.Conv2D | keras.layers.DepthwiseConv2D | keras.layers.Dense):
            weights = [np.random.normal(scale=0.3, size=weight.shape) for weight in weights]
        source.set_weights(weights)
        if not weights:
            continue
        # The head has names of its own, and is a 1 x 1 convolution in V1.
        layer = ours.get_layer("logits" if source.name in ("conv_preds", "predictions") else source.name)
        layer.set_weights([w.reshape(o.shape) for w, o in zip(weights, layer.weights, strict=True)])

    pictures = np.random.uniform(-1, 1, (2, *shape)).astype("float32")
    expected = keras.ops.convert_to_numpy(theirs(pictures, training=False))
    logits = keras.ops.convert_to_numpy(ours(pictures, training=False))
    assert expected.std() > 0.01
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@COUNTS
@BOTH
def test_small_stem_leaves_four_by_four_of_thirty_two(kind):
    assert kind(width=0.25).get_layer("pool").input.shape[1:3] == (4, 4)
    large = kind(width=0.25, stem="large", input_shape=(224, 224, 3))
    assert large.get_layer("pool").input.shape[1:3] == (7, 7)


@BOTH
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"width": 0}, "`width` must be above 0. Received: width=0"),
        ({"stem": "huge"}, "`stem` must be one of small, large. Received: stem='huge'"),
        ({"dropout": 1.5}, "`dropout` must be in [0, 1). Received: dropout=1.5"),
    ],
)
def test_refuses(kind, arguments, message):
    with pytest.raises(ValueError) as error:
        kind(**arguments)
    assert str(error.value) == message


@COUNTS
@BOTH
def test_dropout_is_in_the_config_and_acts_in_training_only(kind):
    model = kind(dropout=0.5, width=0.25)
    assert kind.from_config(model.get_config()).get_layer("dropout").rate == 0.5
