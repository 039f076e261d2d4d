"""Backgrounds for scenes: procedural textures in random colours, with clutter on them that is no object."""

import functools

import numpy as np
from PIL import Image, ImageDraw


@functools.lru_cache(maxsize=8)
def _grid(size):
    """Coordinates of the pixels in [-0.5, 0.5): x and y, both float32 `(size, size)`."""
    line = (np.arange(size, dtype="float32") + 0.5) / size - 0.5
    return np.broadcast_to(line, (size, size)), np.broadcast_to(line[:, None], (size, size))


def _along(size, random):
    """Coordinates along a random direction and across it."""
    angle = random.uniform(0, np.pi)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    x, y = _grid(size)
    return cos * x + sin * y, cos * y - sin * x


def _enlarge(values, size, resample):
    return np.asarray(Image.fromarray(values).resize((size, size), resample))


def _noise(size, random):
    total = np.zeros((size, size), "float32")
    cells, fading = random.integers(2, 6), random.uniform(0.4, 0.9)
    for octave in range(random.integers(1, 5)):
        values = random.random((cells << octave, cells << octave), "float32")
        total += fading**octave * _enlarge(values, size, Image.Resampling.BICUBIC)
    low, high = total.min(), total.max()
    return (total - low) / (high - low)


def _gradient(size, random):
    if random.random() < 0.5:
        return np.clip(_along(size, random)[0] + 0.5, 0, 1)
    x, y = _grid(size)
    column, row = random.uniform(-0.5, 0.5, 2).astype("float32")
    return np.clip(np.hypot(x - column, y - row), 0, 1)


def _wave(coordinate, period, hardness):
    return np.clip(np.float32(hardness) * np.sin(coordinate * np.float32(2 * np.pi / period)), -1, 1)


def _stripes(size, random):
    coordinate, across = _along(size, random)
    bend = np.float32(random.uniform(0, 0.05)) * np.sin(across * np.float32(random.uniform(5, 25)))
    return 0.5 + 0.5 * _wave(coordinate + bend, np.geomspace(0.025, 0.3, 50)[random.integers(50)], random.uniform(1, 8))


def _weave(size, random):
    period, hardness = random.uniform(0.03, 0.2), random.uniform(1, 8)
    return 0.5 + 0.25 * sum(_wave(coordinate, period, hardness) for coordinate in _along(size, random))


def _checks(size, random):
    # Fields of at most 8 % of a side: a larger one would be a square, which is a class.
    period, hardness = random.uniform(0.03, 0.16), random.uniform(2, 20)
    one, other = (_wave(coordinate, period, hardness) for coordinate in _along(size, random))
    return 0.5 + 0.5 * one * other


def _cells(size, random):
    small = size // 2
    x, y = _grid(small)
    nearest = np.full((small, small), np.inf, "float32")
    values = np.zeros((small, small), "float32")
    for column, row, value in random.random((random.integers(15, 50), 3), "float32"):
        distance = (x - column + 0.5) ** 2 + (y - row + 0.5) ** 2
        closer = distance < nearest
        nearest[closer] = distance[closer]
        values[closer] = value
    return _enlarge(values, size, Image.Resampling.BILINEAR)


_FIELDS = (_noise, _noise, _gradient, _stripes, _weave, _checks, _cells)


def random_colour(random):
    """Draws a colour `(3,)` in [0, 255], more or less pale."""
    colour = random.uniform(0, 255, 3)
    return colour + random.uniform(0, 0.8) * (colour.mean() - colour)


def two_colours(size, random, first, second):
    """Fills a square with a random texture of two colours.

    Args:
        size: Side in pixels.
        random: `numpy.random.Generator`.
        first: Colour `(3,)` in [0, 255].
        second: The other colour.

    Returns:
        Picture `float32` `(size, size, 3)`.
    """
    field = _FIELDS[random.integers(len(_FIELDS))](size, random)[..., None]
    first = np.asarray(first, "float32")
    return first + field * (np.asarray(second, "float32") - first)


def _layer(size, random):
    first = random_colour(random)
    # Half of the textures are of related colours, as most real surfaces are.
    second = random_colour(random) if random.random() < 0.5 else first + random.normal(0, 40, 3)
    return two_colours(size, random, first, second)


def _stroke(draw, size, random, colour):
    """A line, straight or broken."""
    points = np.cumsum(np.vstack([random.uniform(0, 1, 2), random.normal(0, 0.15, (random.integers(1, 5), 2))]), axis=0)
    width = max(1, round(size * random.uniform(0.004, 0.02)))
    draw.line([tuple(point) for point in size * points], fill=colour, width=width)


def _arc(draw, size, random, colour):
    radius, (x, y) = random.uniform(0.1, 0.5), random.uniform(0, 1, 2)
    start = random.uniform(0, 360)
    width = max(1, round(size * random.uniform(0.004, 0.015)))
    box = [size * edge for edge in (x - radius, y - radius, x + radius, y + radius)]
    draw.arc(box, start, start + random.uniform(30, 120), fill=colour, width=width)


def _splinter(draw, size, random, colour):
    """A long polygon of no regular form."""
    angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(5, 10)))
    points = random.uniform(0.2, 1, len(angles)) * np.array([np.cos(angles), 0.35 * np.sin(angles)])
    turn = random.uniform(0, np.pi)
    points = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ points
    points = random.uniform(0, 1, 2) + random.uniform(0.03, 0.2) * points.T
    draw.polygon([tuple(point) for point in size * points], fill=colour)


_CLUTTER = (_stroke, _arc, _splinter)


def background(size, random):
    """Draws a background: one texture, or two that pass into each other, under clutter.

    Args:
        size: Side in pixels.
        random: `numpy.random.Generator`.

    Returns:
        RGB `PIL.Image` of `size` x `size`.
    """
    pixels = _layer(size, random)
    if random.random() < 0.5:
        share = np.clip(4 * _noise(size, random) - 1.5, 0, 1)[..., None]
        pixels += share * (_layer(size, random) - pixels)
    image = Image.fromarray(np.clip(pixels, 0, 255).astype("uint8"))
    draw = ImageDraw.Draw(image, "RGBA")  # on RGB, this mode blends
    for _ in range(random.integers(0, 13)):
        colour = (*random.integers(0, 256, 3).tolist(), int(random.integers(90, 256)))
        _CLUTTER[random.integers(len(_CLUTTER))](draw, size, random, colour)
    return image
