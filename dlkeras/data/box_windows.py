"""Windows on pictures with boxes, which is what a crop, a larger canvas and a resize all are.

A window is (left, top, right, bottom) in whole pixels of a picture. It may reach over the picture's edges, beyond which
lies the picture's mean colour. Targets are float32 `(max_boxes, 5)`: class number and relative xyxy box.
"""

import math

import numpy as np
from PIL import Image

NO_BOX = np.array([-1, 0, 0, 0, 0], "float32")
"""A row of targets that holds no box."""


def area(boxes):
    """Areas of boxes `(..., 4)`; those turned inside out have none."""
    return np.prod(np.maximum(boxes[..., 2:] - boxes[..., :2], 0), axis=-1)


def in_pixels(targets, picture):
    """Returns the boxes `(max_boxes, 4)` in pixels of the picture."""
    height, width = picture.shape[:2]
    return targets[:, 1:] * [width, height, width, height]


def move(targets, picture, window):
    """Returns the boxes `(max_boxes, 4)` relative to a window of the picture, not cut at its edges."""
    left, top, right, bottom = window
    size = right - left, bottom - top
    return (in_pixels(targets, picture) - [left, top, left, top]) / [*size, *size]


def cut(targets, boxes, kept):
    """Gives targets new boxes, cut at the edges; those not `kept` become rows without a box."""
    rows = np.concatenate([targets[:, :1], np.clip(boxes, 0, 1)], axis=1, dtype="float32")
    return np.where(kept[:, None], rows, NO_BOX)


def _span(low, high, length, count):
    """Along one axis of a window shown in `count` pixels: those that lie wholly on the picture, and what they show.

    Whole pixels, so that the boxes fit to less than one; a seam of mean colour may be left at the picture's edge.
    """
    step = (high - low) / count
    begin = math.ceil(max(-low, 0) / step - 1e-6)
    end = math.floor((min(high, length) - low) / step + 1e-6)
    return begin, end, max(low + begin * step, 0), min(low + end * step, length)


def show(picture, window, width, height):
    """Shows a window of a picture.

    Args:
        picture: `uint8` `(height, width, 3)`.
        window: (left, top, right, bottom).
        width: Of the answer, in pixels.
        height: Likewise.

    Returns:
        RGB `PIL.Image`, antialiased where it shrinks.
    """
    image = Image.fromarray(picture)
    if (*window, width, height) == (0, 0, *image.size, *image.size):
        return image
    left, right, *columns = _span(window[0], window[2], image.width, width)
    top, bottom, *rows = _span(window[1], window[3], image.height, height)
    if left >= right or top >= bottom:  # the window lies beside the picture
        return Image.new("RGB", (width, height), _mean_colour(image))
    part = image.resize(
        (right - left, bottom - top),
        Image.Resampling.BILINEAR,
        box=(columns[0], rows[0], columns[1], rows[1]),
        reducing_gap=2.0,
    )
    if part.size == (width, height):
        return part
    canvas = Image.new("RGB", (width, height), _mean_colour(image))
    canvas.paste(part, (left, top))
    return canvas


def _mean_colour(image):
    return image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
