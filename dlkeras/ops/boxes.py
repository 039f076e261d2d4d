"""Boxes: formats, areas and overlaps, and the offsets from anchors that a detector learns.

A box is `xyxy` along the last axis: left, top, right and bottom edge. In training and in models the edges are relative
to the picture, in [0, 1]; in files and answers they are in pixels.
"""

import math

import keras
from keras import ops

from dlkeras.checks import check_choice

# Keras's name of each format. VOC's pixels are counted from 1 and its ends are inclusive, which Keras has not got.
FORMATS = {
    "xyxy": "xyxy",
    "center_xywh": "center_xywh",
    "rel_xyxy": "rel_xyxy",
    "voc": "xyxy",
    "coco": "xywh",
    "yolo": "rel_center_xywh",
}
VARIANCES = (0.1, 0.1, 0.2, 0.2)
_VOC_ORIGIN = (1.0, 1.0, 0.0, 0.0)
_MAX_LOG_SCALE = math.log(1000.0)  # the exponential of an untrained network's output would soon be infinite


def convert(boxes, source, target, image_shape=None):
    """Converts boxes between formats.

    Args:
        boxes: `(..., 4)`.
        source: Format of `boxes`: `"xyxy"` (edges, pixels), `"center_xywh"` (centre, width and height, pixels),
            `"rel_xyxy"` (edges, relative to the picture), or a data set's: `"voc"` (first and last pixel, counted from
            1, of the PASCAL VOC development kit), `"coco"` (left, top, width and height, pixels), `"yolo"` (centre,
            width and height, relative).
        target: Format of the result.
        image_shape: Height and width of the picture in pixels; more numbers are passed over. Needed between relative
            formats and those in pixels.

    Returns:
        Float32 tensor `(..., 4)`.

    Raises:
        ValueError: A format is unknown, or `image_shape` is needed and missing.
    """
    check_choice("source", source, FORMATS)
    check_choice("target", target, FORMATS)
    names = FORMATS[source], FORMATS[target]
    if image_shape is None and names[0].startswith("rel_") != names[1].startswith("rel_"):
        raise ValueError(
            "`image_shape` must be given to convert between relative boxes and pixels. "
            f"Received: source={source!r}, target={target!r}, image_shape=None"
        )
    height, width = image_shape[:2] if image_shape is not None else (1, 1)
    boxes = ops.cast(boxes, "float32")
    if source == "voc":
        boxes = boxes - ops.convert_to_tensor(_VOC_ORIGIN)
    boxes = keras.utils.bounding_boxes.convert_format(boxes, *names, height=height, width=width)
    return boxes + ops.convert_to_tensor(_VOC_ORIGIN) if target == "voc" else boxes


def area(boxes):
    """Gives the areas of `xyxy` boxes `(..., 4)` as `(...)`, float32; 0 where a box ends before it begins."""
    left, top, right, bottom = _edges(boxes)
    return ops.maximum(right - left, 0.0) * ops.maximum(bottom - top, 0.0)


def iou_matrix(first, second):
    """Gives the intersection over union (the Jaccard index) of every box with every other.

    Args:
        first: `xyxy` boxes `(..., n, 4)`.
        second: `xyxy` boxes `(..., m, 4)` in the same unit.

    Returns:
        Float32 tensor `(..., n, m)`, in [0, 1]; 0 for boxes without area. `keras.utils.bounding_boxes.compute_iou`
        adds 1e-7 to the union, which is a tenth of a relative box of 0.001 x 0.001.
    """
    left, top, right, bottom = (edge[..., :, None] for edge in _edges(first))
    left2, top2, right2, bottom2 = (edge[..., None, :] for edge in _edges(second))
    width = ops.maximum(ops.minimum(right, right2) - ops.maximum(left, left2), 0.0)
    height = ops.maximum(ops.minimum(bottom, bottom2) - ops.maximum(top, top2), 0.0)
    intersection = width * height
    union = area(first)[..., :, None] + area(second)[..., None, :] - intersection
    return ops.divide_no_nan(intersection, union)


def clip(boxes, lower=0.0, upper=1.0, image_shape=None):
    """Cuts `xyxy` boxes off at the border of the picture.

    Args:
        boxes: `(..., 4)`.
        lower: Lowest value of an edge.
        upper: Highest value of an edge.
        image_shape: Height and width of the picture for boxes in pixels, in place of `upper`.

    Returns:
        Float32 tensor `(..., 4)`. A box outside of the picture has no area.
    """
    if image_shape is not None:
        height, width = image_shape[:2]
        upper = ops.cast(ops.stack([width, height, width, height]), "float32")
    return ops.minimum(ops.maximum(ops.cast(boxes, "float32"), lower), upper)


def encode(boxes, anchors, variances=VARIANCES):
    """Gives the offsets of boxes from anchors: shift of the centre in anchor sizes, logarithm of the scale.

    Args:
        boxes: `xyxy` boxes `(..., n, 4)`. One without size, as padding has it, gives finite offsets too.
        anchors: `xyxy` boxes `(n, 4)` in the same unit.
        variances: What the four offsets are divided by, to make them about as large as each other.

    Returns:
        Float32 tensor `(..., n, 4)`: x, y, width, height.

    Source: Liu et al. 2016, "SSD: Single Shot MultiBox Detector", section 2.2; the variances are its code's.
    """
    return keras.utils.bounding_boxes.encode_box_to_deltas(
        anchors, boxes, "xyxy", "xyxy", encoding_format="center_xywh", variance=variances
    )


def decode(offsets, anchors, variances=VARIANCES):
    """Gives the boxes at offsets from anchors, as `encode` made them.

    Args:
        offsets: `(..., n, 4)`: x, y, width, height.
        anchors: `xyxy` boxes `(n, 4)`.
        variances: What the offsets were divided by.

    Returns:
        Float32 tensor `(..., n, 4)` of `xyxy` boxes in the unit of the anchors. No side is longer than 1,000 times the
        anchor's.
    """
    highest = [math.inf, math.inf, *(_MAX_LOG_SCALE / variance for variance in variances[2:])]
    offsets = ops.minimum(ops.cast(offsets, "float32"), ops.convert_to_tensor(highest))
    return keras.utils.bounding_boxes.decode_deltas_to_boxes(
        anchors, offsets, "xyxy", "xyxy", encoded_format="center_xywh", variance=variances
    )


def _edges(boxes):
    boxes = ops.cast(boxes, "float32")
    return boxes[..., 0], boxes[..., 1], boxes[..., 2], boxes[..., 3]
