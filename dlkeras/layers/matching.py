"""Which anchor learns which box."""

import keras
from keras import ops

from dlkeras.checks import check_fraction
from dlkeras.ops.boxes import iou_matrix


def match_anchors(targets, anchors, iou_threshold=0.5):
    """Finds for every anchor the box that it is to detect, if any.

    The pair of a box and an anchor with the largest IoU of all is matched, then the largest of those left, until every
    box has an anchor of its own. Of pairs alike the anchor that comes first goes first, then the box. Any other anchor
    is matched with the box it overlaps most, if their IoU reaches the threshold. Boxes that no anchor touches, and
    rows of padding, are left out.

    Args:
        targets: `(batch, max_boxes, 5)`, class number and relative `xyxy` box; the class of padding is -1.
        anchors: Relative `xyxy` boxes `(anchors, 4)`.
        iou_threshold: In [0, 1].

    Returns:
        Int32 tensor `(batch, anchors)`: the box's row in `targets`, -1 where the anchor has none.

    Source: Zhang et al., "Dive into Deep Learning", section 14.4.3; Liu et al. 2016, "SSD", section 2.2.
    """
    boxes = ops.where(targets[..., :1] >= 0, targets[..., 1:], 0.0)  # padding has no area, so no IoU above 0
    iou = iou_matrix(boxes, anchors)  # (batch, max_boxes, anchors)
    highest = ops.max(iou, axis=1)
    nearest = ops.argmax(iou, axis=1)
    matches = ops.where((highest >= iou_threshold) & (highest > 0), nearest, -1)
    return _put(ops.cast(matches, "int32"), _own_anchors(iou))


def _own_anchors(iou):
    """Gives each box its own anchor, `(batch, max_boxes)`; -1 to a box that overlaps none."""
    _, num_boxes, num_anchors = iou.shape
    # The others take at most `num_boxes - 1` anchors from a box, so it will find one among its best `num_boxes`.
    iou, candidates = ops.top_k(iou, min(num_boxes, num_anchors))  # (batch, max_boxes, candidates)

    def match_one(iou, own):
        best = ops.max(iou, axis=-1)  # (batch, max_boxes)
        anchor = ops.min(ops.where(iou == best[..., None], candidates, num_anchors), axis=-1)
        highest = ops.max(best, axis=-1, keepdims=True)
        box = ops.argmin(ops.where(best == highest, anchor, num_anchors), axis=-1)
        matched = (ops.arange(num_boxes, dtype=box.dtype) == box[:, None]) & (highest > 0)
        own = ops.where(matched, anchor, own)
        taken = ops.max(ops.where(matched, anchor, -1), axis=-1)
        return ops.where(matched[..., None] | (candidates == taken[:, None, None]), 0.0, iou), own

    own = ops.full_like(candidates[..., 0], -1)
    return ops.while_loop(lambda iou, _: ops.any(iou > 0), match_one, (iou, own), maximum_iterations=num_boxes)[1]


def _put(matches, own):
    """Writes each box's row to the place of its own anchor in `matches`."""
    batch, num_anchors = ops.shape(matches)
    own = ops.where(own < 0, num_anchors, own)  # a place at the end for boxes without one
    places = own + (num_anchors + 1) * ops.arange(batch, dtype=own.dtype)[:, None]
    rows = ops.broadcast_to(ops.arange(own.shape[1], dtype="int32"), ops.shape(own))
    flat = ops.reshape(ops.pad(matches, [[0, 0], [0, 1]]), (-1,))
    flat = ops.scatter_update(flat, ops.reshape(places, (-1, 1)), ops.reshape(rows, (-1,)))
    return ops.reshape(flat, (batch, num_anchors + 1))[:, :-1]


@keras.saving.register_keras_serializable(package="dlkeras")
class AnchorMatching(keras.layers.Layer):
    """Finds for every anchor the box that it is to detect: `match_anchors` as a layer.

    Called on `targets` `(batch, max_boxes, 5)` and `anchors` `(anchors, 4)`.

    Args:
        iou_threshold: In [0, 1].

    Raises:
        ValueError: `iou_threshold` is out of its range.
    """

    def __init__(self, iou_threshold=0.5, **kwargs):
        check_fraction("iou_threshold", iou_threshold)
        super().__init__(autocast=False, **kwargs)  # boxes are beyond half precision
        self.iou_threshold = iou_threshold

    def call(self, targets, anchors):
        return match_anchors(targets, anchors, self.iou_threshold)

    def get_config(self):
        return {**super().get_config(), "iou_threshold": self.iou_threshold}
