"""The files of masks: which classes their numbers or colours stand for, and their pixels."""

import re
from typing import NamedTuple

import numpy as np
from PIL import Image

from dlkeras.data.location import DataError

IGNORED = 255
"""What masks hold where no class counts."""

PALETTE_FILE = "palette.txt"
"""The file that names the colours of masks."""

_IGNORED_NAMES = {"unlabelled", "unlabeled", "void", "ignore", "ignored"}
_CLASS_FILE = "classes.txt"
_VOC_NAMES = [
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
]


class Labels(NamedTuple):
    """How the pixels of a folder's masks are to be read.

    Attributes:
        names: The names of the class numbers in the files, in their order; None where no file tells them.
        colours: `int64` `(classes,)`, the colours of these as one number each, where masks are coloured; else None.
    """

    names: list | None
    colours: np.ndarray | None


def read_labels(folder):
    """Reads `palette.txt` or `classes.txt` of a folder; Pascal VOC's names are known.

    Returns:
        `Labels`.

    Raises:
        DataError: The palette cannot be read.
    """
    palette = folder / PALETTE_FILE
    if palette.is_file():
        return _read_palette(palette)
    names = folder / _CLASS_FILE
    if names.is_file():
        return Labels([line.strip() for line in _lines(names)], None)
    return Labels(_VOC_NAMES if (folder / "SegmentationClass").is_dir() else None, None)


def _lines(file):
    return [line for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]


def _read_palette(file):
    rows = [re.fullmatch(r"\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\S.*?)\s*", line) for line in _lines(file)]
    colours = [[int(row[channel]) for channel in (1, 2, 3)] for row in rows if row]
    if not all(rows) or not rows or max(map(max, colours)) > 255:
        raise DataError(f"{file} must hold a line `red green blue name` for each class, of numbers up to 255.")
    return Labels([row[4] for row in rows], _as_numbers(np.array(colours)))


def _as_numbers(colours):
    return colours.astype("int64") @ [1 << 16, 1 << 8, 1]


def counting_names(names):
    """Returns the names of classes without those that say that a pixel counts nowhere."""
    return [name for name in names if name.lower() not in _IGNORED_NAMES]


def class_numbers(names, class_names):
    """Says what each number in a file becomes.

    Args:
        names: As of `Labels`.
        class_names: The classes in the order wanted; None: those of `names` that count, in their order.

    Returns:
        `int16` `(256,)`: the class number, `IGNORED`, or -1 where no class has the number.

    Raises:
        DataError: There are more classes than a mask can hold.
    """
    numbers = np.full(256, -1, "int16")
    if names is None:
        return np.arange(256, dtype="int16")
    if len(names) > IGNORED:
        raise DataError(f"Masks can hold at most {IGNORED} classes. Received: {len(names)}")
    class_names = class_names or counting_names(names)
    for number, name in enumerate(names):
        numbers[number] = class_names.index(name) if name in class_names else IGNORED
    numbers[IGNORED] = IGNORED
    return numbers


def read_mask(file, colours, numbers, size, image_shape):
    """Reads a mask, resized by the nearest pixel.

    Args:
        file: `Path` of a PNG.
        colours: As of `Labels`.
        numbers: As `class_numbers` gives them.
        size: `(height, width)` that it must have.
        image_shape: `(height, width, channels)` of the pictures.

    Returns:
        `uint8` `(height, width)`.

    Raises:
        ValueError: It cannot be used; the text says why, for a `dlkeras.data.annotations.Problem`.
    """
    mask = _decode_mask(file, coloured=colours is not None)
    if mask.shape[:2] != size:
        height, width = mask.shape[:2]
        raise ValueError(f"is {height} x {width} (height x width), its picture {size[0]} x {size[1]}")
    if colours is not None:
        mask = _places(mask, colours)
    strange = np.unique(mask[numbers[mask] < 0])
    if len(strange):
        raise ValueError(f"has pixels of numbers that no class has: {', '.join(map(str, strange[:5]))}")
    mask = Image.fromarray(numbers[mask].astype("uint8"))
    return np.asarray(mask.resize(image_shape[1::-1], Image.Resampling.NEAREST))


def _decode_mask(file, coloured):
    """Returns class numbers, `uint8` `(height, width)`, or colours with an axis of 3 more."""
    try:
        with Image.open(file, formats=["PNG"]) as image:
            mode = image.mode
            pixels = np.asarray(image.convert("RGB") if coloured else image)
    except (OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError) as error:
        raise ValueError(f"is no PNG that can be read ({type(error).__name__})") from error
    if not coloured and mode not in ("L", "P", "1"):
        raise ValueError(f"holds no class numbers but {mode} pixels, and there is no {PALETTE_FILE} that names colours")
    return pixels.astype("uint8")


def _places(pixels, colours):
    """Returns which of the colours each pixel has, `int64` `(height, width)`."""
    wanted = _as_numbers(pixels)
    order = np.argsort(colours)
    places = np.minimum(np.searchsorted(colours[order], wanted), len(colours) - 1)
    numbers = order[places]
    strange = pixels[colours[numbers] != wanted]
    if len(strange):
        raise ValueError(f"has pixels of colours that {PALETTE_FILE} lacks, such as {tuple(strange[0].tolist())}")
    return numbers
