"""Augmentation that moves boxes with the picture, on the host, by NumPy and Pillow.

Everywhere a picture is `uint8` `(height, width, 3)`, and `targets` is float32 `(max_boxes, 5)`: class number and
relative xyxy box; rows without a box are -1 and zeros.
"""

import numpy as np

from dlkeras.checks import check_fraction
from dlkeras.data.box_windows import NO_BOX, area, cut, in_pixels, move, show
from dlkeras.data.photometric import photometric

_CROP_TRIES = 50
_LEAST_OVERLAPS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, None)  # None: the whole picture
_LEAST_SHARE = 0.3  # of a box, for it to stay in a mosaic


def resize(picture, size):
    """Resizes a picture to `size` x `size`, antialiased.

    Args:
        picture: `uint8` `(height, width, 3)`; relative boxes stay as they are.
        size: Side of the answer in pixels.

    Returns:
        `uint8` `(size, size, 3)`.
    """
    height, width = picture.shape[:2]
    return np.array(show(picture, (0, 0, width, height), size, size))


def flip(picture, targets):
    """Mirrors a picture, left to right.

    Returns:
        `(picture, targets)`.
    """
    mirrored = targets.copy()
    mirrored[:, 1], mirrored[:, 3] = 1 - targets[:, 3], 1 - targets[:, 1]
    return picture[:, ::-1], np.where(targets[:, :1] >= 0, mirrored, targets)


def _draw_windows(window, rng):
    """Draws windows `(tries, 4)` within a window: of 0.3 to 1 of its sides, and an aspect between 1/2 and 2."""
    origin, size = np.array(window[:2]), np.subtract(window[2:], window[:2])
    scale = rng.uniform(0.3, 1, _CROP_TRIES)
    # Of the aspects, only those that leave both sides at most 1.
    aspect = np.exp(rng.uniform(-1, 1, _CROP_TRIES) * np.minimum(np.log(2), -2 * np.log(scale)))
    sides = np.array([scale * np.sqrt(aspect), scale / np.sqrt(aspect)]).T
    sides = np.clip(np.round(sides * size), 1, size)
    corners = origin + np.floor(rng.random((_CROP_TRIES, 2)) * (size - sides + 1))
    return np.concatenate([corners, corners + sides], axis=1)


def _draw_crop(window, picture, targets, rng):
    """Draws a window within a window, as `ssd_crop` says; returns it and which boxes are kept."""
    filled = targets[:, 0] >= 0
    windows = _draw_windows(window, rng)
    boxes = in_pixels(targets, picture)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    low, high = windows[:, None, :2], windows[:, None, 2:]
    kept = filled & ((low < centres) & (centres < high)).all(axis=-1)  # (tries, boxes)
    common = area(np.concatenate([np.maximum(low, boxes[:, :2]), np.minimum(high, boxes[:, 2:])], axis=-1))
    overlap = np.where(kept, common / (area(windows)[:, None] + area(boxes) - common), -1).max(axis=1, initial=-1)
    for choice in rng.permutation(len(_LEAST_OVERLAPS)):
        least = _LEAST_OVERLAPS[choice]
        if least is None:
            break
        # Without boxes, any window will do.
        fitting = np.flatnonzero(overlap >= least) if filled.any() else [0]
        if len(fitting):
            return tuple(windows[fitting[0]].astype(int).tolist()), kept[fitting[0]]
    return window, filled


def ssd_crop(picture, targets, rng):
    """Cuts a random part out of a picture.

    A least overlap (IoU) with an object is drawn: none, 0.1, 0.3, 0.5, 0.7, 0.9, or the whole picture; then the first
    of 50 random windows that reaches it, with sides of 0.3 to 1 of the picture's and an aspect between 1/2 and 2. Where
    none does, another overlap is drawn. Boxes whose centre is inside are kept and cut at the edges; where there are
    boxes, at least one is kept.

    Args:
        picture: `uint8` `(height, width, 3)`.
        targets: float32 `(max_boxes, 5)`.
        rng: `numpy.random.Generator`.

    Returns:
        `(picture, targets)`; the picture is as large as the window.

    Source: Liu et al. 2016, "SSD: Single Shot MultiBox Detector", section 2.2.
    """
    height, width = picture.shape[:2]
    window, kept = _draw_crop((0, 0, width, height), picture, targets, rng)
    left, top, right, bottom = window
    return picture[top:bottom, left:right], cut(targets, move(targets, picture, window), kept)


def _draw_canvas(picture, rng, most):
    """Draws a window around a picture, of 1 to `most` times its sides."""
    height, width = picture.shape[:2]
    ratio = rng.uniform(1, most)
    wide, high = round(width * ratio), round(height * ratio)
    left, top = int(rng.integers(wide - width + 1)), int(rng.integers(high - height + 1))
    return -left, -top, wide - left, high - top


def _check_most(name, most):
    if most < 1:
        raise ValueError(f"`{name}` must be at least 1. Received: {name}={most}")


def zoom_out(picture, targets, rng, most=4.0):
    """Puts a picture at a random place of a larger canvas in its mean colour.

    Args:
        picture: `uint8` `(height, width, 3)`.
        targets: float32 `(max_boxes, 5)`.
        rng: `numpy.random.Generator`.
        most: The canvas has 1 to so many times the sides of the picture.

    Returns:
        `(picture, targets)`; the picture is as large as the canvas.

    Raises:
        ValueError: `most` is out of its range.

    Source: Liu et al. 2016, "SSD: Single Shot MultiBox Detector", section 3.6.
    """
    _check_most("most", most)
    window = _draw_canvas(picture, rng, most)
    canvas = show(picture, window, window[2] - window[0], window[3] - window[1])
    return np.array(canvas), cut(targets, move(targets, picture, window), targets[:, 0] >= 0)


def _draw_part(picture, width, height, rng):
    """Draws a window of the aspect `width` : `height`, of 0.6 to 1 of the largest in the picture."""
    limits = np.array(picture.shape[1::-1])
    factor = rng.uniform(0.6, 1) * (limits / [width, height]).min()
    sides = np.clip(np.round([factor * width, factor * height]), 1, limits).astype(int)
    left, top = rng.integers(limits - sides + 1)
    return int(left), int(top), int(left + sides[0]), int(top + sides[1])


def mosaic(pictures, targets, size, rng):
    """Puts parts of four pictures around a random centre.

    Boxes of which less than 30 % is left are dropped, and where more than `max_boxes` are left, some at random.

    Args:
        pictures: Four pictures, `uint8` `(height, width, 3)`, of any sizes.
        targets: Their targets, four of float32 `(max_boxes, 5)`.
        size: Side of the answer in pixels, at least 4.
        rng: `numpy.random.Generator`.

    Returns:
        `(picture, targets)`: `uint8` `(size, size, 3)` and float32 `(max_boxes, 5)`, boxes first.

    Raises:
        ValueError: There are not four pictures.

    Source: Bochkovskiy et al. 2020, "YOLOv4: Optimal Speed and Accuracy of Object Detection", section 3.3.
    """
    if len(pictures) != 4 or len(targets) != 4:
        raise ValueError(f"A mosaic takes 4 pictures and targets. Received: {len(pictures)} and {len(targets)}")
    x, y = np.round(size * rng.uniform(0.3, 0.7, 2)).astype(int).tolist()
    places = [(0, 0, x, y), (x, 0, size, y), (0, y, x, size), (x, y, size, size)]
    answer = np.empty((size, size, 3), "uint8")
    rows = []
    for picture, target, (left, top, right, bottom) in zip(pictures, targets, places, strict=True):
        width, height = right - left, bottom - top
        window = _draw_part(picture, width, height, rng)
        answer[top:bottom, left:right] = show(picture, window, width, height)
        boxes = move(target, picture, window)
        left_over = area(np.clip(boxes, 0, 1))
        kept = (target[:, 0] >= 0) & (left_over > 0) & (left_over >= _LEAST_SHARE * area(boxes))
        part = cut(target, boxes, kept)[kept]
        part[:, 1:] = (part[:, 1:] * [width, height, width, height] + [left, top, left, top]) / size
        rows.append(part)
    max_boxes = len(targets[0])
    rows = rng.permutation(np.concatenate(rows))[:max_boxes]
    return answer, np.concatenate([rows, np.tile(NO_BOX, (max_boxes - len(rows), 1))])


class BoxAugmentation:
    """Changes the pictures and boxes of a batch, each picture in its own way; a `transform` for `fit`.

    The picture is resized once: crop and canvas only choose which window of it is shown. A mosaic is neither cropped
    nor zoomed, and its other three pictures come from the same batch. Where nothing is drawn, a picture is resized
    alone, its aspect not kept.

    Args:
        size: Side of the answer in pixels, at least 4.
        flip: Share of the pictures that is mirrored, in [0, 1].
        photometric: Share whose colours change, see `photometric`.
        crop: Share that is cropped, see `ssd_crop`.
        zoom_out: Share that is put on a larger canvas, before a crop, see `zoom_out`.
        mosaic: Share that becomes a mosaic, see `mosaic`.
        most_zoom: Largest ratio of a canvas to its picture, at least 1.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(self, size, flip=0.5, photometric=0.5, crop=0.5, zoom_out=0.3, mosaic=0.0, most_zoom=4.0):
        if size < 4:
            raise ValueError(f"`size` must be at least 4 pixels. Received: size={size}")
        shares = {"flip": flip, "photometric": photometric, "crop": crop, "zoom_out": zoom_out, "mosaic": mosaic}
        for name, share in shares.items():
            check_fraction(name, share)
        _check_most("most_zoom", most_zoom)
        self._size = size
        self._shares = shares
        self._most_zoom = most_zoom

    def __call__(self, x, y, random):
        """Changes a batch.

        Args:
            x: Pictures, `uint8` `(batch, height, width, 3)`.
            y: Targets, float32 `(batch, max_boxes, 5)`.
            random: `numpy.random.Generator`; the same state gives the same batch.

        Returns:
            Pictures, `uint8` `(batch, size, size, 3)`, and targets `(batch, max_boxes, 5)`.

        Raises:
            ValueError: `x` or `y` is not of that dtype and shape.
        """
        if x.dtype != "uint8" or x.ndim != 4 or x.shape[-1] != 3:
            raise ValueError(f"`x` must be uint8 (batch, height, width, 3). Received: {x.dtype} of shape {x.shape}")
        if y.ndim != 3 or y.shape[-1] != 5 or len(y) != len(x):
            raise ValueError(f"`y` must be (batch, max_boxes, 5). Received: y of shape {y.shape}, x of {x.shape}")
        pictures = np.empty((len(x), self._size, self._size, 3), "uint8")
        targets = np.empty(y.shape, "float32")
        for row in range(len(x)):
            pictures[row], targets[row] = self._change(x, y, row, random)
        return pictures, targets

    def _change(self, x, y, row, random):
        drawn = {name: random.random() < share for name, share in self._shares.items()}
        if drawn["mosaic"]:
            rows = [row, *random.integers(len(x), size=3)]
            picture, targets = mosaic(x[rows], y[rows], self._size, random)
        else:
            picture, targets = self._reframe(x[row], y[row], drawn, random)
        if drawn["photometric"]:
            picture = photometric(picture, random)
        return flip(picture, targets) if drawn["flip"] else (picture, targets)

    def _reframe(self, picture, targets, drawn, random):
        height, width = picture.shape[:2]
        window, kept = (0, 0, width, height), targets[:, 0] >= 0
        if drawn["zoom_out"]:
            window = _draw_canvas(picture, random, self._most_zoom)
        if drawn["crop"]:
            window, kept = _draw_crop(window, picture, targets, random)
        shown = np.asarray(show(picture, window, self._size, self._size))
        return shown, cut(targets, move(targets, picture, window), kept)
