"""Styles drawn by rule: pictures painted in strokes, and patterns, in palettes drawn at random.

Source of the strokes: Hertzmann 1998, "Painterly rendering with curved brush strokes of multiple sizes", of which this
keeps coarse strokes under fine ones, along the edges of what is painted.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from dlkeras.data.scene_textures import background
from dlkeras.data.scenes import make_scenes

_GOLDEN = 0.618034


def palette(random, count=None):
    """Draws colours that go together: `float32` `(count, 3)` in [0, 255], from dark to bright."""
    count = count or random.integers(3, 8)
    if random.random() < 0.3:
        hues = random.random() + random.uniform(0.02, 0.08) * np.arange(count)  # neighbours on the colour wheel
    else:
        hues = random.random() + _GOLDEN * np.arange(count) * random.choice([1, 2, 3])
    low, high = np.sort(random.uniform(0, 1, 2))
    brightness = np.linspace(0.05 + 0.3 * low, 0.8 + 0.2 * high, count)
    saturation = np.clip(random.uniform(0.1, 1.1) + random.normal(0, 0.15, count), 0, 1)
    wheel = np.clip(np.abs((hues[:, None] * 6 + [0, 4, 2]) % 6 - 3) - 1, 0, 1)
    colours = brightness[:, None] * (1 - saturation[:, None] * (1 - wheel))
    return (255 * colours).astype("float32")


def recolour(picture, colours, random):
    """Gives a picture the colours of a palette by its brightness, as far as chance has it.

    Args:
        picture: `uint8` `(height, width, 3)`.
        colours: Of `palette`.
        random: `numpy.random.Generator`.

    Returns:
        Picture `float32` `(height, width, 3)`.
    """
    pixels = picture.astype("float32")
    grey = pixels.mean(axis=-1)
    order = np.argsort(np.argsort(grey, axis=None, kind="stable"), kind="stable").reshape(grey.shape) / grey.size
    place = order * (len(colours) - 1)
    if random.random() < 0.5:
        place = np.round(place)
    mapped = np.stack([np.interp(place, np.arange(len(colours)), colours[:, channel]) for channel in range(3)], -1)
    return mapped + random.uniform(0, 0.4) * (pixels - grey[..., None])


def paint(picture, random):
    """Paints a picture in strokes.

    Args:
        picture: `(height, width, 3)` in [0, 255].
        random: `numpy.random.Generator`.

    Returns:
        `uint8` `(height, width, 3)`.
    """
    image = Image.fromarray(np.clip(picture, 0, 255).astype("uint8"))
    canvas = image.filter(ImageFilter.GaussianBlur(12))
    finest = float(np.exp(random.uniform(np.log(2.5), np.log(9.0))))
    length, jitter = random.uniform(1.5, 7), random.uniform(0, 28)
    follows, fixed = random.random() < 0.75, random.uniform(0, np.pi)
    for width in (4 * finest, 2 * finest, finest):
        reference = np.asarray(image.filter(ImageFilter.GaussianBlur(width / 2)), "float32")
        down, right = np.gradient(np.asarray(image.filter(ImageFilter.GaussianBlur(width)).convert("L"), "float32"))
        angles = np.arctan2(right, -down) if follows else np.full(down.shape, fixed)
        _stroke_all(canvas, reference, angles, (width, length, jitter), random)
    return np.asarray(canvas)


def _stroke_all(canvas, reference, angles, brush, random):
    """Covers a canvas with strokes of one brush, in an order drawn by chance."""
    width, length, jitter = brush
    height, across = angles.shape
    count = int(1.2 * height * across / (width * width * length**0.5)) + 1
    draw = ImageDraw.Draw(canvas)
    rows, columns = random.integers(0, height, count), random.integers(0, across, count)
    colours = np.clip(reference[rows, columns] + random.normal(0, jitter, (count, 3)), 0, 255).astype("uint8")
    turns = angles[rows, columns] + random.normal(0, 0.25, count)
    reach = 0.5 * width * length * random.uniform(0.5, 1.2, count)
    steps = np.stack([np.cos(turns), np.sin(turns)], axis=-1) * reach[:, None]
    bends = np.stack([-np.sin(turns), np.cos(turns)], axis=-1) * (reach * random.normal(0, 0.3, count))[:, None]
    middles = np.stack([columns, rows], axis=-1) + bends
    for middle, bend, step, colour in zip(middles, bends, steps, colours.tolist(), strict=True):
        points = [tuple(middle - step - bend), tuple(middle), tuple(middle + step - bend)]
        draw.line(points, fill=tuple(colour), width=max(1, round(width)), joint="curve")


def _mosaic(picture, random):
    """Voronoi cells, each in its mean colour, with lines of mortar between them or without."""
    height, width, _ = picture.shape
    count = random.integers(80, 900)
    seeds = random.uniform(0, [height, width], (count, 2)).astype("float32")
    rows, columns = np.indices((height, width), "float32")
    small = rows[::2, ::2, None], columns[::2, ::2, None]
    nearest = ((small[0] - seeds[:, 0]) ** 2 + (small[1] - seeds[:, 1]) ** 2).argmin(-1)
    nearest = nearest.repeat(2, 0).repeat(2, 1)[:height, :width]
    sums = [np.bincount(nearest.ravel(), picture[..., channel].ravel(), count) for channel in range(3)]
    cells = np.stack(sums, -1) / np.maximum(np.bincount(nearest.ravel(), minlength=count), 1)[:, None]
    result = cells[nearest]
    if random.random() < 0.6:
        edges = (nearest != np.roll(nearest, 1, 0)) | (nearest != np.roll(nearest, 1, 1))
        result[edges] = random.choice([15, 240])
    return result


def _halftone(picture, random):
    """Dots on a turned grid, large where it is dark, in two inks or in the picture's own colours."""
    height, width, _ = picture.shape
    rows, columns = np.indices((height, width), "float32")
    angle, period = random.uniform(0, np.pi / 2), random.uniform(4, 12)
    u = (np.cos(angle) * columns + np.sin(angle) * rows) * 2 * np.pi / period
    v = (np.cos(angle) * rows - np.sin(angle) * columns) * 2 * np.pi / period
    wave = 0.25 * (2 + np.cos(u) + np.cos(v)) if random.random() < 0.6 else 0.5 + 0.5 * np.cos(u)
    dots = np.clip(6 * (picture.mean(-1) / 255 - wave) + 0.5, 0, 1)[..., None]
    dark, bright = palette(random, 2)
    return dark + dots * ((picture if random.random() < 0.5 else bright) - dark)


def _marbling(picture, random):
    """Bands of a palette along the levels of a smooth field that was stirred."""
    height, width, _ = picture.shape
    rows, columns = np.indices((height, width), "float32") / max(height, width)
    for _ in range(4):
        frequency, phase = random.uniform(3, 14), random.uniform(0, 6)
        rows = rows + random.uniform(0.01, 0.06) * np.sin(frequency * columns + phase)
        columns = columns + random.uniform(0.01, 0.06) * np.sin(frequency * rows + phase)
    turn = random.uniform(0, np.pi)
    field = (np.cos(turn) * rows + np.sin(turn) * columns) * random.uniform(4, 20)
    colours = palette(random)
    place = (field % 1) * len(colours)
    low = place.astype(int) % len(colours)
    share = np.clip((place % 1) * random.uniform(1, 6), 0, 1)[..., None]
    return colours[low - 1] + share * (colours[low] - colours[low - 1])


def _hatching(picture, random):
    """Lines of a pen on paper, denser where it is dark."""
    paper, ink = palette(random, 2)[::-1]
    image = Image.new("RGB", picture.shape[1::-1], tuple(paper.astype(int).tolist()))
    draw, grey = ImageDraw.Draw(image), picture.mean(-1)
    length, turn = random.uniform(4, 14), random.uniform(0, np.pi)
    for _ in range(random.integers(2500, 6000)):
        row, column = random.integers(0, grey.shape[0]), random.integers(0, grey.shape[1])
        if random.uniform(0, 255) > grey[row, column]:
            angle = (
                turn + random.normal(0, 0.1) + (np.pi / 2 if grey[row, column] < 80 and random.random() < 0.5 else 0)
            )
            x, y = length * np.cos(angle), length * np.sin(angle)
            draw.line([(column - x, row - y), (column + x, row + y)], fill=tuple(ink.astype(int).tolist()))
    return np.asarray(image, "float32")


_PATTERNS = (_mosaic, _halftone, _marbling, _hatching)


def draw_style(picture, random):
    """Draws one style.

    Args:
        picture: What is painted, `uint8` `(height, width, 3)`.
        random: `numpy.random.Generator`.

    Returns:
        `uint8` `(height, width, 3)`.
    """
    pixels = picture.astype("float32")
    kind = random.random()
    if kind < 0.08:
        return picture
    if random.random() < 0.8:
        pixels = recolour(picture, palette(random), random)
    if kind < 0.68:
        return paint(pixels, random)
    pixels = _PATTERNS[random.integers(len(_PATTERNS))](np.clip(pixels, 0, 255), random)
    return paint(pixels, random) if random.random() < 0.25 else np.clip(pixels, 0, 255).astype("uint8")


def texture(size, random):
    """Draws something to paint where there is no photograph: `uint8` `(size, size, 3)`."""
    return np.asarray(background(size, random))


def example(seed=9001, size=128):
    """Draws a content and a style: two `uint8` pictures, `size` x `size`, in colours of their own."""
    random = np.random.default_rng(seed)
    content = make_scenes(1, size, seed).pictures[0]
    return content, paint(recolour(texture(size, random), palette(random, 6), random), random)
