"""Asks for the mask of a picture, and keeps what was said so that it can be shown again at another opacity."""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image

from apps.picture_files import read_picture

_LONGEST = 1280


class Answered(NamedTuple):
    """A picture and its mask.

    Attributes:
        size: The picture's width and height in pixels.
        preview: A copy of the picture to colour, of at most 1,280 pixels a side, JPEG bytes.
        mask: The mask, of the preview's size, PNG bytes.
        mask_file: The mask as it was answered, of the picture's size, PNG bytes.
        classes: The names of its numbers.
        shares: The part of the picture that each covers.
    """

    size: tuple
    preview: bytes
    mask: bytes
    mask_file: bytes
    classes: list
    shares: list


def ask(predict, preset, path):
    """Asks about one picture.

    Args:
        predict: As pages are handed it.
        preset: The preset to ask.
        path: A picture file.

    Returns:
        `Answered`.

    Raises:
        PredictError: There was no answer, or the file is no picture.
    """
    data = read_picture(path)
    answer = predict({"image_bytes": [data]}, endpoint="masks", preset=preset)
    mask_file = answer["mask_png_bytes"][0]
    with Image.open(io.BytesIO(data)) as picture, Image.open(io.BytesIO(mask_file)) as mask:
        size = picture.size
        small = _small_size(size)
        picture.draft("RGB", small)
        preview = picture.convert("RGB").resize(small, Image.Resampling.BICUBIC)
        return Answered(
            size,
            _encoded(preview, "JPEG", quality=92),
            _encoded(mask.resize(small, Image.Resampling.NEAREST), "PNG"),
            mask_file,
            [name.decode() for name in answer["classes"][0]],
            np.asarray(answer["shares"][0]).tolist(),
        )


def _small_size(size):
    scale = min(1, _LONGEST / max(size))
    return tuple(max(1, round(side * scale)) for side in size)


def _encoded(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(answered):
    """Returns the preview and its mask, two `PIL.Image`."""
    with Image.open(io.BytesIO(answered.preview)) as picture, Image.open(io.BytesIO(answered.mask)) as mask:
        return picture.convert("RGB"), mask.copy()
