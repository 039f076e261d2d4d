"""Draws boxes, names and scores into pictures."""

import functools

from PIL import Image, ImageDraw, ImageFont

# Small pictures are enlarged, so that names can be read, and large ones reduced, so that drawing is instant.
_SHORTEST, _LONGEST = 640, 1024
_UNKNOWN = (255, 255, 255)


def preview(picture):
    """Returns a picture as RGB with a longer side of 640 to 1024 pixels.

    Args:
        picture: `PIL.Image`, whose pixels are taken as they are stored.
    """
    scale = min(max(max(picture.size), _SHORTEST), _LONGEST) / max(picture.size)
    size = tuple(max(1, round(side * scale)) for side in picture.size)
    # A JPEG is decoded at half or a quarter of its size where that is enough.
    picture.draft("RGB", size)
    return picture.convert("RGB").resize(size, Image.Resampling.BICUBIC)


def draw(picture, size, found, colour_of):
    """Draws what was found.

    Args:
        picture: `PIL.Image` in RGB; it is drawn into.
        size: Width and height that the boxes' pixels are of.
        found: List of `Found`; the first is drawn last, on top.
        colour_of: `{class name: (red, green, blue)}`; other names are white.

    Returns:
        The picture.
    """
    canvas = ImageDraw.Draw(picture)
    scale = (picture.width / size[0], picture.height / size[1]) * 2
    width = max(2, round(max(picture.size) / 220))
    font = _font(max(12, max(picture.size) // 32))
    for name, score, box in reversed(found):
        colour = colour_of.get(name, _UNKNOWN)
        box = [edge * factor for edge, factor in zip(box, scale, strict=True)]
        canvas.rectangle(box, outline=colour, width=width)
        _write(canvas, box, f"{name} {score:.0%}", font, colour)
    return picture


@functools.cache
def _font(size):
    return ImageFont.load_default(size)


def _write(canvas, box, text, font, colour):
    """Writes a name above a box, or inside it where there is no room above."""
    left, top, right, bottom = canvas.textbbox((0, 0), text, font=font)
    margin = font.size / 4
    width, height = right - left + 2 * margin, bottom - top + 2 * margin
    x = max(0, min(box[0], canvas.im.size[0] - width))
    y = box[1] - height if box[1] >= height else box[1]
    canvas.rectangle((x, y, x + width, y + height), fill=colour)
    luminance = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    ink = "black" if luminance > 120 else "white"
    canvas.text((x + margin - left, y + margin - top), text, fill=ink, font=font)
