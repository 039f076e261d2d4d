"""Scenes made by rule: objects on textures, with exact boxes and masks, for training and tests without a data set."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from dlkeras.checks import check_choice
from dlkeras.data.scene_objects import SHAPES, draw_banana, draw_shape, fill_shape, throw_shadow, trim, turn_cutout
from dlkeras.data.scene_textures import background

_LEAST_VISIBLE = 0.6
_TRIES = 20


__all__ = ["SHAPES", "Scenes", "draw_banana", "make_scenes"]


class Scenes(NamedTuple):
    """Pictures with their objects.

    Attributes:
        pictures: `uint8` `(count, size, size, 3)`.
        targets: `float32` `(count, max_objects, 5)`: class number and relative xyxy box; -1 and zeros where no object.
        masks: `uint8` `(count, size, size)`: class number + 1 of the object seen in a pixel; 0 is background.
    """

    pictures: np.ndarray
    targets: np.ndarray
    masks: np.ndarray


def _finish(image, random):
    """Returns pixels as a camera might give them: a little out of focus, darker or brighter, with noise."""
    if random.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.0)))
    pixels = np.asarray(image, "float32")
    pixels = pixels * np.float32(random.uniform(0.65, 1.1)) + np.float32(random.uniform(-15, 25))
    if random.random() < 0.6:
        pixels += np.float32(random.uniform(1, 9)) * random.standard_normal(pixels.shape, "float32")
    return np.clip(pixels + 0.5, 0, 255).astype("uint8")


def _silhouette(alpha, corner, size):
    """Returns which pixels of a picture an object takes, bool `(size, size)`."""
    canvas = Image.new("L", (size, size))
    canvas.paste(alpha, corner)
    return np.asarray(canvas) > 127


def _box(silhouette):
    rows, columns = np.flatnonzero(silhouette.any(axis=1)), np.flatnonzero(silhouette.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], "float32") / len(silhouette)


class _Scene:
    """One scene as it fills."""

    def __init__(self, size, random):
        self.image = background(size, random)
        self.owner = np.full((size, size), -1, "int16")  # the object seen in each pixel
        self.areas = []  # of whole objects, in pixels
        self.targets = []
        self._size = size
        self._random = random

    def add(self, number, draw, scale):
        """Draws an object where it hides none of the others, or leaves it out where `_TRIES` places did not do."""
        for attempt in range(_TRIES):
            side = self._size * np.exp(self._random.uniform(*np.log(scale)))
            drawn = draw(side, self._random)
            alpha = drawn if drawn.mode == "L" else drawn.getchannel("A")
            # Only the first try may reach over the edge: within the picture, a first object always finds its place.
            over = 0.0 if attempt else 0.15 * side
            corner = tuple(round(self._random.uniform(-over, self._size - length + over)) for length in alpha.size)
            silhouette = _silhouette(alpha, corner, self._size)
            areas = [*self.areas, np.count_nonzero(np.asarray(alpha) > 127)]
            owner = np.where(silhouette, np.int16(len(self.areas)), self.owner)
            visible = np.bincount(owner.ravel() + 1, minlength=len(areas) + 1)[1:]
            if areas[-1] and (visible >= _LEAST_VISIBLE * np.array(areas)).all():
                self.owner, self.areas = owner, areas
                self.targets.append([number, *_box(silhouette)])
                if self._random.random() < 0.4:
                    throw_shadow(self.image, alpha, corner, self._random)
                filling = (
                    fill_shape(self.image, alpha, corner, self._random) if drawn.mode == "L" else drawn.convert("RGB")
                )
                self.image.paste(filling, corner, alpha)
                return


def _check(count, size, classes, max_objects, cutouts, scale):
    if count < 1 or max_objects < 1:
        raise ValueError(
            f"`count` and `max_objects` must be at least 1. Received: count={count}, max_objects={max_objects}"
        )
    if size < 32:
        raise ValueError(f"`size` must be at least 32 pixels. Received: size={size}")
    if not 0.05 <= scale[0] <= scale[1] <= 0.8:
        raise ValueError(f"`scale` must be (low, high) within [0.05, 0.8]. Received: scale={tuple(scale)}")
    if not len(classes):
        raise ValueError("`classes` must hold at least one name. Received: classes=()")
    for name in classes:
        check_choice("classes", name, SHAPES)
    for picture, number in cutouts or ():
        if picture.dtype != "uint8" or picture.ndim != 3 or picture.shape[-1] != 4 or not (picture[..., 3] > 127).any():
            raise ValueError(
                "A cutout must be a uint8 RGBA picture (height, width, 4) with opaque pixels. "
                f"Received: {picture.dtype} of shape {picture.shape}"
            )
        if not 0 <= number < 255:
            raise ValueError(f"The class number of a cutout must be in [0, 255). Received: {number}")


def make_scenes(count, size, seed, classes=SHAPES, max_objects=3, cutouts=None, scale=(0.1, 0.6)):
    """Makes pictures of objects on textures, with clutter, shadows, blur and noise.

    A scene depends on the seed and its number alone: the first 5 of 10 scenes are those that `count=5` makes. An object
    may reach over the edge, or lie partly under another one; at least 60 % of it stays visible. Its box is the tight
    one of its whole silhouette inside the picture, the part under other objects included.

    The textbook's bananas (Zhang et al., "Dive into Deep Learning", section 14.6), one in a picture and as small:
    `make_scenes(1000, 256, seed, max_objects=1, cutouts=[(draw_banana(), 0)], scale=(0.24, 0.4))`.

    Args:
        count: Number of scenes.
        size: Their side in pixels, at least 32.
        seed: Seed of all draws.
        classes: Names of the shapes that are drawn, of `SHAPES`; a class's number is its place here.
        max_objects: A scene holds 1 to so many objects.
        cutouts: List of (`uint8` RGBA picture `(height, width, 4)`, class number), drawn in place of shapes.
        scale: Least and largest longer side of an object, relative to the picture's.

    Returns:
        `Scenes`.

    Raises:
        ValueError: An argument is out of its range.
    """
    _check(count, size, classes, max_objects, cutouts, scale)
    if cutouts:
        trimmed = [(trim(Image.fromarray(picture), size), number) for picture, number in cutouts]
        kinds = [(number, lambda *a, image=image: turn_cutout(image, *a)) for image, number in trimmed]
    else:
        kinds = [(number, lambda *a, name=name: draw_shape(name, *a)) for number, name in enumerate(classes)]
    pictures = np.empty((count, size, size, 3), "uint8")
    targets = np.tile(np.array([-1, 0, 0, 0, 0], "float32"), (count, max_objects, 1))
    masks = np.empty((count, size, size), "uint8")
    for row in range(count):
        random = np.random.default_rng((seed, row))
        scene = _Scene(size, random)
        for _ in range(random.integers(1, max_objects + 1)):
            scene.add(*kinds[random.integers(len(kinds))], scale)
        pictures[row] = _finish(scene.image, random)
        targets[row, : len(scene.targets)] = np.reshape(scene.targets, (-1, 5))
        # Owner -1 takes the last entry, the background.
        masks[row] = np.array([*(target[0] + 1 for target in scene.targets), 0], "uint8")[scene.owner]
    return Scenes(pictures, targets, masks)
