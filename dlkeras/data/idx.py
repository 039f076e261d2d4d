"""The idx format of MNIST and its successors (http://yann.lecun.com/exdb/mnist), plain or gzipped."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from dlkeras.data.location import DataError
from dlkeras.data.splits import Examples, Splits, split_off

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def read_idx(path):
    """Reads one idx file.

    Args:
        path: The file; gzipped where its name ends in `.gz`.

    Returns:
        An array of the shape and type that the file states.

    Raises:
        DataError: It is no idx file, or shorter or longer than it states.
    """
    path = Path(path)
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _TYPES:
        raise DataError(f"{path} is no idx file: it must start with 00 00, a type and a rank. Received: {data[:4]!r}")
    dtype, rank = np.dtype(_TYPES[data[2]]), data[3]
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", rank, 4)) if len(data) >= 4 + 4 * rank else None
    if shape is None or len(data) != 4 + 4 * rank + dtype.itemsize * math.prod(shape):
        raise DataError(f"{path} states the shape {shape}, which its {len(data)} bytes do not fit: is it cut off?")
    return np.frombuffer(data, dtype, offset=4 + 4 * rank).reshape(shape)


def has_idx(folder):
    """Tells whether a folder holds the four files of an idx data set."""
    return all(_file(folder, name) for name in _FILES)


def _file(folder, name):
    return next((path for path in (Path(folder, name), Path(folder, f"{name}.gz")) if path.is_file()), None)


def load_idx(folder, class_names=None, validation_fraction=0.1, seed=0):
    """Reads a folder with the four files of MNIST, Fashion-MNIST and their kin.

    Args:
        folder: The folder of `train-images-idx3-ubyte[.gz]` and so on.
        class_names: A name a class; by default the numbers.
        validation_fraction: Share of the training pictures that becomes the validation split.
        seed: Seed of that draw.

    Returns:
        `Splits` of grey pictures, `uint8` `(examples, height, width, 1)`.

    Raises:
        DataError: A file is missing or broken, or pictures and labels do not go together.
    """
    missing = [name for name in _FILES if not _file(folder, name)]
    if missing:
        raise DataError(f"{folder} has no {', '.join(missing)}, neither plain nor .gz.")
    images, labels, test_images, test_labels = (read_idx(_file(folder, name)) for name in _FILES)
    for x, y in (images, labels), (test_images, test_labels):
        if x.ndim != 3 or y.ndim != 1 or len(x) != len(y):
            raise DataError(f"{folder}: pictures {x.shape} and labels {y.shape} do not go together.")
    class_names = list(class_names or map(str, range(int(labels.max()) + 1)))
    everything = Examples(images[..., None], labels.astype("int32"))
    train, validation = split_off(everything, validation_fraction, seed)
    info = {"class_names": class_names, "image_shape": [*images.shape[1:], 1], "data": Path(folder).name}
    return Splits(train, validation, Examples(test_images[..., None], test_labels.astype("int32")), info)
