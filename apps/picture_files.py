"""Picture files as people have them, made into the JPEG or PNG that models read."""

import io
import struct
from pathlib import Path

from PIL import Image

from apps.predict import PredictError

MAX_PIXELS = 50_000_000
"""The largest picture that is taken: as many as `dlkeras.data.decode` reads, which a page does not import."""
ACCEPTED = "JPEG, PNG, WebP, GIF, BMP or TIFF of at most 50 million pixels"
SUFFIXES = {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}

# MPO is what some telephones write: a JPEG with a second picture behind it.
_AS_THEY_ARE = {"JPEG", "MPO", "PNG"}
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, Image.DecompressionBombError)


class PictureError(PredictError):
    """Bytes that are no picture, or one that is too large."""


def jpeg_or_png(data):
    """Returns the bytes of a JPEG or PNG as they are, and those of another picture file as a PNG.

    Args:
        data: The file's bytes.

    Raises:
        PictureError: They are no whole picture of a format that is accepted, or one too large.
    """
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise PictureError(f"a picture of {picture.width} x {picture.height} pixels")
            if picture.format in _AS_THEY_ARE:
                # Decoded at an eighth of its size, which is quick and finds a file that is cut off.
                picture.draft(picture.mode, (1, 1))
                picture.load()
                return data
            buffer = io.BytesIO()
            picture.convert("RGB").save(buffer, "PNG")
    except PictureError:
        raise
    except _BROKEN as error:
        raise PictureError(f"{len(data)} bytes that cannot be opened as one") from error
    return buffer.getvalue()


def suffix(data):
    """Returns the suffix that a file of these bytes, a JPEG or a PNG, ought to have."""
    return ".jpg" if data.startswith(b"\xff\xd8") else ".png"


def read_picture(path):
    """Returns the bytes of a picture file; one of another format than JPEG and PNG is rewritten as PNG.

    Raises:
        PictureError: The file is no picture, or one too large to be opened; the text is a sentence.
    """
    data = Path(path).read_bytes()
    try:
        return jpeg_or_png(data)
    except PictureError as error:
        raise PictureError(f"The file must be a picture: {ACCEPTED}. Received: {Path(path).name}, {error}.") from error
