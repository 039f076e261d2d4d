import json

import keras
import numpy as np
import pytest

from dlkeras.losses import SegmentationLoss

CLASSES = 3
RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, CLASSES, (3, 4, 5))
LABELS[0, :2] = 255
LABELS[1][LABELS[1] == 2] = 0  # a picture that lacks a class
LABELS[2] = 255  # and one that is ignored as a whole
LOGITS = RANDOM.normal(scale=2, size=(3, 4, 5, CLASSES)).astype("float32")


def number(tensor):
    return keras.ops.convert_to_numpy(tensor)


def plain(labels, logits, class_weights=(1, 1, 1)):
    """The cross-entropy and the Dice loss of one picture, pixel by pixel and class by class."""
    logits = logits.astype("float64")
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    counts = labels != 255
    pixels = [(label, row) for label, row in zip(labels[counts], probabilities[counts], strict=True)]
    if not pixels:
        return 0, 0
    cross_entropy = np.mean([-class_weights[label] * np.log(row[label]) for label, row in pixels])
    dice = []
    for label in np.unique(labels[counts]):
        overlap = sum(row[label] for true, row in pixels if true == label)
        both = sum(row[label] for _, row in pixels) + sum(true == label for true, _ in pixels)
        dice.append(1 - 2 * overlap / both)
    return cross_entropy, np.mean(dice)


@pytest.mark.parametrize(
    ("arguments", "share", "weights"),
    [
        ({}, (1, 0), (1, 1, 1)),
        ({"class_weights": (0.5, 2, 0)}, (1, 0), (0.5, 2, 0)),
        ({"dice_weight": 1, "cross_entropy_weight": 0}, (0, 1), (1, 1, 1)),
        ({"class_weights": [1, 2, 3], "dice_weight": 0.7, "cross_entropy_weight": 0.4}, (0.4, 0.7), (1, 2, 3)),
    ],
)
def test_equals_the_plain_one(arguments, share, weights):
    expected = [np.dot(share, plain(*one, weights)) for one in zip(LABELS, LOGITS, strict=True)]
    loss = SegmentationLoss(255, **arguments, reduction=None)
    np.testing.assert_allclose(number(loss(LABELS, LOGITS)), expected, rtol=1e-5)
    np.testing.assert_allclose(number(loss(LABELS[..., None].astype("uint8"), LOGITS)), expected, rtol=1e-5)


@pytest.mark.parametrize("ignore_class", [None, 1])
def test_equals_keras_one(ignore_class):
    """Which gives one number for all pixels; so of one picture."""
    labels = LABELS[1:2]
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignore_class)
    expected = number(theirs(labels, LOGITS[1:2]))
    np.testing.assert_allclose(number(SegmentationLoss(ignore_class)(labels, LOGITS[1:2])), expected, rtol=1e-5)


def test_no_gradient_from_ignored_pixels():
    """Steps of a model in which every pixel's logits are weights of their own."""
    inputs = keras.Input((1,))
    x = keras.layers.Dense(20 * CLASSES, use_bias=False, kernel_initializer="zeros")(inputs)
    model = keras.Model(inputs, keras.layers.Reshape((4, 5, CLASSES))(x))
    loss = SegmentationLoss(255, dice_weight=1.0)
    model.compile(keras.optimizers.Adam(0.3), loss, jit_compile=keras.backend.backend() != "tensorflow")
    model.fit(np.ones((40, 1)), np.repeat(LABELS[:1], 40, 0), batch_size=1, verbose=0)
    logits = number(model(np.ones((1, 1))))[0]
    counts = LABELS[0] != 255
    assert (logits[~counts] == 0).all()
    np.testing.assert_array_equal(logits[counts].argmax(-1), LABELS[0][counts])


@pytest.mark.parametrize("size", [0, 1e4])
def test_stays_finite(size):
    assert np.isfinite(number(SegmentationLoss(255, dice_weight=1.0)(LABELS, size * LOGITS)))


def test_config_goes_through_json():
    loss = SegmentationLoss(255, np.array([1, 2, 3.5]), 0.5, 0.25, name="other", reduction="sum")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is SegmentationLoss and again.get_config() == loss.get_config()
    assert number(again(LABELS, LOGITS)) == number(loss(LABELS, LOGITS))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dice_weight": -1}, "`dice_weight` must be at least 0. Received: dice_weight=-1"),
        ({"cross_entropy_weight": float("nan")}, "`cross_entropy_weight` must be at least 0. Received: cross_entro"),
        ({"cross_entropy_weight": 0}, "One of `dice_weight` and `cross_entropy_weight` must be above 0."),
        ({"class_weights": (1, -1)}, r"`class_weights` must be at least 0. Received: class_weights=\[1, -1\]"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        SegmentationLoss(**arguments)


def test_refuses_other_numbers_of_class_weights():
    with pytest.raises(ValueError, match=r"one entry for each of the 3 classes. Received: class_weights=\[1.0, 2.0\]"):
        SegmentationLoss(class_weights=(1, 2))(LABELS[:1] % 3, LOGITS[:1])
