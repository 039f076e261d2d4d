"""CIFAR-10 (Krizhevsky, 2009): 50,000 and 10,000 colour pictures, 32 x 32, ten classes."""

import pickle
import tarfile

import numpy as np

from dlkeras.data.folders import load_folders
from dlkeras.data.location import fetch, find
from dlkeras.data.splits import Examples, Splits, split_off

_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def _read_batch(archive, name):
    # A pickle runs what it says; this one's checksum was compared before.
    batch = pickle.load(archive.extractfile(f"cifar-10-batches-py/{name}"), encoding="bytes")
    pictures = batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)  # (pictures, height, width, channels)
    return Examples(pictures, np.array(batch[b"labels"], "int32"))


def _load_original(path, validation_fraction, seed):
    with tarfile.open(path) as archive:
        batches = [_read_batch(archive, f"data_batch_{number}") for number in range(1, 6)]
        test = _read_batch(archive, "test_batch")
        meta = pickle.load(archive.extractfile("cifar-10-batches-py/batches.meta"), encoding="bytes")
    everything = Examples(*(np.concatenate(part) for part in zip(*batches, strict=True)))
    train, validation = split_off(everything, validation_fraction, seed)
    class_names = [name.decode() for name in meta[b"label_names"]]
    info = {"class_names": class_names, "image_shape": [32, 32, 3], "data": "cifar10"}
    return Splits(train, validation, test, info)


def load_cifar10(validation_fraction=0.1, seed=0):
    """Reads CIFAR-10: as pictures by class in a folder or tar named `cifar10`, else the original archive.

    Args:
        validation_fraction: Share of the training pictures that becomes the validation split.
        seed: Seed of that draw.

    Returns:
        `Splits` of colour pictures, `uint8` `(examples, 32, 32, 3)`.
    """
    pictures = find("cifar10", "cifar10.tar.gz", "cifar10.tar")
    if pictures is not None:
        return load_folders(pictures, (32, 32, 3), validation_fraction, seed=seed)
    return _load_original(fetch(_URL, "cifar-10-python.tar.gz", _SHA256), validation_fraction, seed)
