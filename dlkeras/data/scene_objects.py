"""The objects of scenes: shapes drawn by rule, and cutouts."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from dlkeras.data.scene_textures import random_colour, two_colours

_OVERSAMPLING = 4


def _on_circle(count, radius=1.0):
    angles = 2 * np.pi * np.arange(count) / count
    return np.multiply(radius, [np.cos(angles), np.sin(angles)]).T


def _star():
    return _on_circle(10, np.where(np.arange(10) % 2, 0.42, 1))


def _cross(arm=0.32):
    corner = [(1, arm), (arm, arm), (arm, 1)]
    turns = [np.array([[c, -s], [s, c]]) for c, s in ((1, 0), (0, 1), (-1, 0), (0, -1))]
    return np.concatenate([np.array(corner) @ turn.T for turn in turns])


def _crescent():
    """A banana: an arc that is thick in its middle."""
    share = np.linspace(-1, 1, 25)
    thickness = 0.06 + 0.24 * np.sqrt(np.cos(share * np.pi / 2))
    arc = np.array([np.cos(1.2 * share), np.sin(1.2 * share)]).T
    return np.concatenate([arc * (1 + thickness)[:, None], (arc * (1 - thickness)[:, None])[::-1]])


def _heart():
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.array([16 * np.sin(t) ** 3, -y]).T


# Outlines; a second one is cut out of the first.
_OUTLINES = {
    "disc": [_on_circle(64)],
    "square": [np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])],
    "triangle": [_on_circle(3)],
    "star": [_star()],
    "ring": [_on_circle(64), _on_circle(48, 0.55)],
    "cross": [_cross()],
    "crescent": [_crescent()],
    "heart": [_heart()],
}

SHAPES = tuple(_OUTLINES)
"""The names of the shapes that can be drawn."""


def draw_banana(side=256):
    """Draws a cutout: a banana, yellow with a bright ridge and brown ends.

    Args:
        side: Of the answer in pixels.

    Returns:
        `uint8` RGBA array `(side, side, 4)`.
    """
    outline = (_crescent() - [0.75, 0]) * [1.4, 0.95]
    image = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(image)

    def place(points):
        return [tuple((1 + point) / 2 * side) for point in points]

    draw.polygon(place(outline), fill="#d9b51c")
    outer, inner = outline[:25], outline[:24:-1]
    for share, colour in ((0.35, "#f0cf36"), (0.5, "#f7e06a"), (0.58, "#eac62f")):
        ridge = place(outer + share * (inner - outer))[3:-3]
        draw.line(ridge, fill=colour, width=max(1, side // 18), joint="curve")
    for end in (0, -1):
        x, y = place([(outer[end] + inner[end]) / 2])[0]
        radius = side * 0.035
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill="#4a3212")
    return np.asarray(image)


def _turn(points, random):
    angle = random.uniform(0, 2 * np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]]), np.degrees(angle)


def draw_shape(name, side, random):
    """Draws a shape, stretched and turned.

    Args:
        name: One of `SHAPES`.
        side: Longer side of its bounding box in pixels.
        random: `numpy.random.Generator`.

    Returns:
        Its alpha, a `PIL.Image` of mode L.
    """
    stretch = np.array([np.exp(random.uniform(-0.3, 0.3)), 1])
    outlines = _OUTLINES[name]
    points, _ = _turn(np.concatenate(outlines) * stretch, random)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    points = (points - low) * (side * _OVERSAMPLING / extent.max())
    width, height = np.ceil(side * extent / extent.max()).astype(int).tolist()
    alpha = Image.new("L", (width * _OVERSAMPLING, height * _OVERSAMPLING))
    draw = ImageDraw.Draw(alpha)
    for outline, fill in zip(np.split(points, [len(outlines[0])]), (255, 0), strict=True):
        if len(outline):
            draw.polygon([tuple(point) for point in outline], fill=fill)
    return alpha.reduce(_OVERSAMPLING)


def trim(image, most):
    """Cuts an RGBA image to what is opaque in it, and shrinks it to at most `most` pixels a side."""
    image = image.crop(image.getchannel("A").point(lambda value: 255 * (value > 127)).getbbox())
    image.thumbnail((most, most))
    return image


def turn_cutout(cutout, side, random):
    """Turns, scales and tints a cutout.

    Args:
        cutout: RGBA `PIL.Image`, trimmed.
        side: Longer side of the answer in pixels, to one or two.
        random: `numpy.random.Generator`.

    Returns:
        RGBA `PIL.Image`, trimmed.
    """
    small = cutout.getchannel("A").resize((48, 48), Image.Resampling.BOX)
    rows, columns = np.nonzero(small)
    points, degrees = _turn(np.array([columns * cutout.width, rows * cutout.height]).T / 48, random)
    factor = side / (np.ptp(points, axis=0).max() + 1)
    size = [max(2, round(factor * length)) for length in cutout.size]
    turned = cutout.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    turned = trim(turned.rotate(-degrees, Image.Resampling.BICUBIC, expand=True), round(side) + 1)
    tint = random.uniform(0.8, 1.2) * random.uniform(0.9, 1.1, 3)
    bands = [band.point(lambda value, by=by: value * by) for band, by in zip(turned.split(), [*tint, 1], strict=True)]
    return Image.merge("RGBA", bands)


def fill_shape(image, alpha, corner, random):
    """Returns an RGB image to fill a shape with, in colours that differ from those of the picture where it will lie."""
    width, height = alpha.size
    beneath = image.crop((*corner, corner[0] + width, corner[1] + height)).resize((1, 1), Image.Resampling.BOX)
    beneath = np.array(beneath.getpixel((0, 0)))
    colour = random_colour(random)
    while np.linalg.norm(colour - beneath) < 100:
        colour = random_colour(random)
    filling = two_colours(max(alpha.size), random, colour, colour + random.normal(0, 30, 3))[:height, :width]
    return Image.fromarray(np.clip(filling, 0, 255).astype("uint8"))


def throw_shadow(image, alpha, corner, random):
    """Darkens the picture around the place where an object will lie."""
    side = max(alpha.size)
    radius = random.uniform(0.02, 0.06) * side
    margin = int(3 * radius) + 1
    shadow = Image.new("L", [length + 2 * margin for length in alpha.size])
    shadow.paste(alpha.point(lambda value: 0.5 * value), (margin, margin))
    shadow = shadow.filter(ImageFilter.GaussianBlur(radius))
    x, y = (round(place - margin + random.normal(0, 0.06) * side) for place in corner)
    image.paste((0, 0, 0), (x, y), shadow)
