import keras
import numpy as np
import pytest

from dlkeras.layers.anchors import AnchorBoxes, anchor_boxes
from dlkeras.layers.matching import AnchorMatching, match_anchors

PADDING = [-1, 0, 0, 0, 0]


def number(tensor):
    return keras.ops.convert_to_numpy(tensor)


def match(targets, anchors, threshold=0.5):
    function = match_anchors
    if keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)  # compiles in a tenth of the time that its operations take one by one
    return function(targets, anchors, threshold)


def greedy(boxes, anchors, threshold):
    """The textbook's way, pair by pair, on one picture."""
    edges = np.maximum(boxes[:, None, :2], anchors[:, :2]), np.minimum(boxes[:, None, 2:], anchors[:, 2:])
    overlap = np.clip(edges[1] - edges[0], 0, None).prod(axis=-1)
    area, anchor_area = (np.prod(array[:, 2:] - array[:, :2], axis=-1) for array in (boxes, anchors))
    iou = overlap / (area[:, None] + anchor_area - overlap)
    matches = np.where(iou.max(axis=0) >= threshold, iou.argmax(axis=0), -1)
    left = iou.T.copy()  # by anchors, so that among equals the first anchor is found first
    for _ in boxes:
        anchor, box = np.unravel_index(left.argmax(), left.shape)
        if left[anchor, box] <= 0:
            break
        matches[anchor] = box
        left[anchor] = left[:, box] = -1
    return matches


def random_targets(rng, counts, max_boxes, grid=None):
    """Boxes on a grid have many equal overlaps."""
    targets = np.tile(np.array(PADDING, "float32"), (len(counts), max_boxes, 1))
    for row, count in enumerate(counts):
        start, size = rng.uniform(0, 0.7, (count, 2)), rng.uniform(0.05, 0.5, (count, 2))
        if grid:
            start, size = np.floor(start * grid) / grid, np.ceil(size * grid) / grid
        targets[row, :count] = np.concatenate([rng.integers(0, 3, (count, 1)), start, start + size], axis=-1)
    return targets


@pytest.mark.parametrize(("grid", "threshold"), [(None, 0.5), (4, 0.3)])
def test_equals_the_plain_greedy(grid, threshold):
    rng = np.random.default_rng(0)
    targets = random_targets(rng, rng.integers(1, 13, 40), 12, grid)
    anchors = anchor_boxes(4, 4, (0.5, 0.25), (1, 2))
    matches = match(targets, anchors, threshold)
    assert keras.backend.standardize_dtype(matches.dtype) == "int32"
    expected = [greedy(row[row[:, 0] >= 0, 1:], anchors, threshold) for row in targets]
    np.testing.assert_array_equal(number(matches), expected)


def test_boxes_alike_get_anchors_of_their_own():
    box = [0, 0.2, 0.2, 0.4, 0.4]
    anchors = np.array(
        [[0.2, 0.2, 0.4, 0.5], [0.2, 0.2, 0.4, 0.4], [0.3, 0.3, 0.5, 0.5], [0.8, 0.8, 0.9, 0.9]], "float32"
    )
    # The second anchor fits best, then the first; the third box gets what is left, and the last anchor touches none.
    matches = match(np.array([[box, PADDING, box, box]], "float32"), anchors)
    np.testing.assert_array_equal(number(matches), [[2, 0, 3, -1]])


def test_more_boxes_than_anchors():
    anchors = np.array([[0, 0, 0.5, 0.5], [0, 0, 1, 1]], "float32")
    targets = np.array([[[0, 0, 0, 0.4, 0.4], [0, 0, 0, 0.5, 0.5], [0, 0, 0, 0.9, 0.9]]], "float32")
    np.testing.assert_array_equal(number(match(targets, anchors, 0.0)), [[1, 2]])


def test_padding_and_boxes_without_area_match_nothing():
    anchors = anchor_boxes(2, 2, (0.5,), (1,))
    targets = np.array([[PADDING, [1, 0.3, 0.3, 0.3, 0.3], [-1, 0, 0, 0.5, 0.5]]], "float32")
    for threshold in (0.0, 0.5):
        np.testing.assert_array_equal(number(match(targets, anchors, threshold)), [[-1] * 4])


def test_layer_in_a_model(tmp_path):
    pictures, targets = keras.Input((4, 4, 1)), keras.Input((5, 5))
    anchors = AnchorBoxes((0.5, 0.25), (1,))(pictures)
    model = keras.Model([pictures, targets], AnchorMatching(0.3, dtype="mixed_bfloat16")(targets, anchors))
    model.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    assert model.output_shape == (None, 32)
    batch = random_targets(np.random.default_rng(0), (3, 0, 5), 5)
    found = model([np.zeros((3, 4, 4, 1), "float32"), batch])
    expected = match(batch, anchor_boxes(4, 4, (0.5, 0.25), (1,)), 0.3)
    np.testing.assert_array_equal(number(found), number(expected))


@pytest.mark.parametrize("threshold", [-0.1, 1.5])
def test_refuses(threshold):
    with pytest.raises(ValueError) as error:
        AnchorMatching(threshold)
    assert str(error.value) == f"`iou_threshold` must be in [0, 1]. Received: iou_threshold={threshold}"
