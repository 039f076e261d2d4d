import json

import keras
import numpy as np
import pytest

from dlkeras.layers import anchor_boxes, match_anchors
from dlkeras.losses import MultiBoxLoss
from dlkeras.ops.boxes import encode

ANCHORS = anchor_boxes(3, 3, (0.5, 0.25), (1, 2))  # 27
CLASSES = 2
PADDING = [-1, 0, 0, 0, 0]
# Two boxes, one box, no box; the last row is padding always.
TARGETS = np.array(
    [
        [[1, 0.05, 0.1, 0.5, 0.6], [0, 0.5, 0.5, 0.9, 0.75], PADDING],
        [PADDING, [1, 0.3, 0.4, 0.65, 0.6], PADDING],
        [PADDING, PADDING, PADDING],
    ],
    "float32",
)


def number(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module")
def matches():
    return number(match_anchors(TARGETS, ANCHORS))


def predictions():
    return np.random.default_rng(0).normal(scale=2, size=(3, 27, 4 + CLASSES + 1)).astype("float32")


def plain(targets, matches, outputs, classification, ratio=3, gamma=2.0, alpha=0.25, box_weight=1.0):
    """The loss of one picture, anchor by anchor."""
    offsets = number(encode(targets[matches, 1:], ANCHORS))
    classification_loss, negatives, distance = 0.0, [], 0.0
    for match, offset, output in zip(matches, offsets, outputs.astype("float64"), strict=True):
        label = int(targets[match, 0]) + 1 if match >= 0 else 0
        probability = np.exp(output[4 + label]) / np.exp(output[4:]).sum()
        if classification == "focal":
            weight = alpha if match >= 0 else 1 - alpha
            classification_loss -= weight * (1 - probability) ** gamma * np.log(probability)
        elif match >= 0:
            classification_loss -= np.log(probability)
        else:
            negatives.append(-np.log(probability))
        if match >= 0:
            error = np.abs(output[:4] - offset)
            distance += np.where(error < 1, error**2 / 2, error - 0.5).sum()
    positives = max((matches >= 0).sum(), 1)
    classification_loss += sum(sorted(negatives, reverse=True)[: int(ratio * positives)])
    return (classification_loss + box_weight * distance) / positives


@pytest.mark.parametrize(
    ("classification", "arguments", "plain_arguments"),
    [
        ("softmax", {}, {}),
        ("softmax", {"negatives_per_positive": 20, "box_weight": 0.5}, {"ratio": 20, "box_weight": 0.5}),
        ("focal", {}, {}),
        ("focal", {"focal_gamma": 0.0, "focal_alpha": 0.6}, {"gamma": 0.0, "alpha": 0.6}),
    ],
)
def test_equals_the_plain_one(matches, classification, arguments, plain_arguments):
    outputs = predictions()
    pictures = zip(TARGETS, matches, outputs, strict=True)
    expected = [plain(*picture, classification, **plain_arguments) for picture in pictures]
    loss = MultiBoxLoss(ANCHORS, classification, **arguments, reduction=None)(TARGETS, outputs)
    np.testing.assert_allclose(number(loss), expected, rtol=1e-5)


class Outputs(keras.layers.Layer):
    """A model's outputs as a weight of its own."""

    def __init__(self, outputs):
        super().__init__()
        self.outputs = self.add_weight(shape=outputs.shape, initializer="zeros")
        self.outputs.assign(outputs)

    def call(self, inputs):
        return self.outputs + 0 * keras.ops.sum(inputs)


def descend(loss, outputs, steps=1):
    """Gives the outputs after steps of Adam."""
    model = keras.Sequential([Outputs(outputs)])
    model.compile(keras.optimizers.Adam(0.3), loss, jit_compile=keras.backend.backend() != "tensorflow")
    targets = np.tile(TARGETS, (steps, 1, 1))
    model.fit(np.zeros((len(targets), 1)), targets, batch_size=3, shuffle=False, verbose=0)
    return number(model.layers[0].outputs)


@pytest.mark.parametrize("classification", ["softmax", "focal"])
def test_gradient_flows_where_it_should(matches, classification):
    outputs = predictions()
    change = descend(MultiBoxLoss(ANCHORS, classification), outputs) - outputs
    assert np.isfinite(change).all()
    matched = matches >= 0
    np.testing.assert_array_equal((change[..., :4] != 0).any(axis=-1), matched)
    moved = (change[..., 4:] != 0).any(axis=-1)
    assert moved[matched].all()
    negatives = 27 - matched.sum(axis=1)
    if classification == "softmax":
        negatives = np.minimum(negatives, 3 * np.maximum(matched.sum(axis=1), 1))
    np.testing.assert_array_equal((moved & ~matched).sum(axis=1), negatives)


@pytest.mark.parametrize("classification", ["softmax", "focal"])
def test_falls_and_finds_the_boxes(matches, classification):
    loss = MultiBoxLoss(ANCHORS, classification)
    outputs = descend(loss, predictions(), steps=60)
    assert number(loss(TARGETS, outputs)) < 0.1 * number(loss(TARGETS, predictions()))
    for targets, row, output in zip(TARGETS, matches, outputs, strict=True):
        labels = targets[row, 0].astype(int) + 1
        np.testing.assert_array_equal(output[row >= 0, 4:].argmax(axis=-1), labels[row >= 0])


@pytest.mark.parametrize("classification", ["softmax", "focal"])
def test_stays_finite(classification):
    loss = MultiBoxLoss(ANCHORS, classification, focal_gamma=0.5)
    outputs = predictions() * np.array([0, 1e4, 1e4], "float32")[:, None, None]
    assert np.isfinite(number(loss(TARGETS, outputs)))
    assert np.isfinite(descend(loss, outputs)).all()


def test_config_goes_through_json():
    loss = MultiBoxLoss(ANCHORS, "focal", 2, 0.4, (1, 1, 1, 1), 1.5, 0.3, 2.0, name="other", reduction="sum")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is MultiBoxLoss and again.get_config() == loss.get_config()
    np.testing.assert_array_equal(number(again(TARGETS, predictions())), number(loss(TARGETS, predictions())))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"anchors": np.zeros((2, 3))}, "`anchors` must have the shape (anchors, 4). Received: shape=(2, 3)"),
        ({"classification": "sigmoid"}, "`classification` must be one of softmax, focal. Received: classification='s"),
        ({"negatives_per_positive": 0}, "`negatives_per_positive` must be above 0. Received: negatives_per_positive=0"),
        ({"iou_threshold": 2}, "`iou_threshold` must be in [0, 1]. Received: iou_threshold=2"),
        ({"focal_alpha": -1}, "`focal_alpha` must be in [0, 1]. Received: focal_alpha=-1"),
        ({"focal_gamma": -1}, "`focal_gamma` must be at least 0. Received: focal_gamma=-1"),
        ({"box_weight": float("nan")}, "`box_weight` must be at least 0. Received: box_weight=nan"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        MultiBoxLoss(**{"anchors": ANCHORS, **arguments})
    assert str(error.value).startswith(message)
