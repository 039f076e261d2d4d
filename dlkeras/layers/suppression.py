"""Non-maximum suppression: of boxes that show the same thing, only the one with the highest score is kept.

`keras_hub.layers.NonMaxSuppression` has fixed thresholds, lets a box suppress those of other classes, and takes
another format of boxes.
"""

import keras
from keras import ops

from dlkeras.checks import check_fraction, check_positive
from dlkeras.ops.boxes import area


@keras.saving.register_keras_serializable(package="dlkeras")
class NonMaximumSuppression(keras.layers.Layer):
    """Keeps boxes by falling score, and drops those that overlap a kept box of the same class too much.

    It is called on `boxes` `(batch, n, 4)` in `xyxy`, `scores` `(batch, n, classes)` without the background,
    `score_threshold` and `iou_threshold`: a score must be above the first, an IoU with a kept box not above the second.
    Either is a number, which Keras takes by keyword only, or a tensor of one a picture, `(batch,)`.

    The answer is a dict, sorted by falling score: `boxes` `(batch, max_detections, 4)`, `classes` and `scores`
    `(batch, max_detections)`, `count` `(batch,)`. Behind the last detection classes are -1, all else 0. A score that is
    not finite is no detection.

    Args:
        max_detections: Most boxes of a picture, over all classes.
        candidates: How many pairs of a box and a class, those with the highest scores, are looked at.

    Raises:
        ValueError: An argument is not above 0, or a threshold that is a number not in [0, 1].

    Source: Liu et al. 2016, "SSD: Single Shot MultiBox Detector", section 3.1.
    """

    def __init__(self, max_detections=100, candidates=400, **kwargs):
        check_positive("max_detections", max_detections)
        check_positive("candidates", candidates)
        super().__init__(autocast=False, **kwargs)  # boxes are beyond half precision
        self.max_detections = max_detections
        self.candidates = candidates

    def call(self, boxes, scores, score_threshold, iou_threshold):
        score_threshold = _column("score_threshold", score_threshold)
        iou_threshold = _column("iou_threshold", iou_threshold)
        num_pairs, num_classes = scores.shape[1] * scores.shape[2], scores.shape[2]
        scores = ops.reshape(scores, (-1, num_pairs))
        scores = ops.where((scores > score_threshold) & (scores < float("inf")), scores, 0.0)
        scores, pairs = ops.top_k(scores, min(self.candidates, num_pairs))
        boxes, classes = _rows(boxes, pairs // num_classes), pairs % num_classes
        overlap = _overlaps(boxes, iou_threshold)
        if num_classes > 1:
            overlap &= classes[:, :, None] == classes[:, None, :]
        kept = _greedy(overlap, scores)
        return _pick(boxes, classes, scores * kept, self.max_detections)

    def get_config(self):
        return {**super().get_config(), "max_detections": self.max_detections, "candidates": self.candidates}


def _column(name, threshold):
    if isinstance(threshold, (int, float)):
        check_fraction(name, threshold)
    return ops.reshape(ops.cast(threshold, "float32"), (-1, 1))


def _rows(array, places):
    """Picks rows of each picture: `(batch, n, ...)` at `(batch, k)`. `take_along_axis` takes three times as long."""
    batch, count = ops.shape(array)[:2]
    offsets = count * ops.arange(batch, dtype=places.dtype)[:, None]
    return ops.take(ops.reshape(array, (-1, *array.shape[2:])), places + offsets, axis=0)


def _overlaps(boxes, iou_threshold):
    """Tells which boxes overlap more than a threshold `(batch, 1)`: `(batch, boxes, boxes)`.

    That an IoU is above t is that the intersection is above t / (1 + t) of the sum of both areas: half the operations
    on the large matrices that `iou_matrix` takes, which are most of what suppression costs.
    """
    left, top, right, bottom = (boxes[..., edge] for edge in range(4))  # (batch, boxes)
    part = area(boxes) * iou_threshold / (1 + iou_threshold)
    width = ops.minimum(right[:, :, None], right[:, None]) - ops.maximum(left[:, :, None], left[:, None])
    height = ops.minimum(bottom[:, :, None], bottom[:, None]) - ops.maximum(top[:, :, None], top[:, None])
    return ops.relu(width) * ops.relu(height) > part[:, :, None] + part[:, None]


def _greedy(overlap, scores):
    """Tells which boxes, sorted by falling score, are kept: 1 or 0, `(batch, boxes)`."""
    earlier = ops.triu(ops.ones(overlap.shape[1:]), k=1)
    drops = ops.cast(overlap, "float32") * earlier  # (batch, the box that drops, the one that is dropped)
    found = ops.cast(scores > 0, "float32")

    # A round settles every box whose droppers are settled, from the first on, so that what no round changes any more
    # is what going through the boxes one by one would give. That takes a few rounds instead of one a box.
    def settle(kept, _):
        dropped = ops.matmul(kept[:, None, :], drops)[:, 0] > 0
        settled = ops.where(dropped, 0.0, found)
        return settled, ops.any(settled != kept)

    return ops.while_loop(lambda _, changed: changed, settle, (found, ops.any(found > 0)))[0]


def _pick(boxes, classes, scores, count):
    scores, places = ops.top_k(scores, min(count, scores.shape[1]))
    none = scores <= 0
    boxes = ops.where(none[..., None], 0.0, _rows(boxes, places))
    classes = ops.where(none, -1, _rows(classes, places))
    missing = [0, count - scores.shape[1]]
    return {
        "boxes": ops.pad(boxes, [[0, 0], missing, [0, 0]]),
        "classes": ops.pad(classes, [[0, 0], missing], constant_values=-1),
        "scores": ops.pad(scores, [[0, 0], missing]),
        "count": ops.sum(ops.cast(scores > 0, "int32"), axis=-1),
    }
