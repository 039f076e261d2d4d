"""Pixels to encoded pictures."""

import io

import numpy as np
from PIL import Image


def encode_png(picture):
    """Encodes one picture.

    Args:
        picture: `uint8` `(height, width, channels)`, 1 channel for grey or 3 for RGB.

    Returns:
        The bytes of a PNG file; lossless.
    """
    picture = np.asarray(picture)
    buffer = io.BytesIO()
    Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture).save(buffer, "PNG")
    return buffer.getvalue()
