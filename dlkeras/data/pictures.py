"""Pictures by class from wherever the user says: a data set's name, a folder, or a tar file."""

from pathlib import Path

from dlkeras.data.cifar10 import load_cifar10
from dlkeras.data.digits import load_digits
from dlkeras.data.fashion_mnist import CLASS_NAMES, load_fashion_mnist
from dlkeras.data.folders import load_folders
from dlkeras.data.idx import has_idx, load_idx
from dlkeras.data.location import DataError
from dlkeras.data.picture_files import is_tar

NAMED = {"digits": load_digits, "fashion_mnist": load_fashion_mnist, "cifar10": load_cifar10}


def load_pictures(data, image_shape=None, validation_fraction=0.1, seed=0):
    """Reads pictures by class.

    Args:
        data: A name (`digits`, `fashion_mnist`, `cifar10`), a folder with idx files, a folder of pictures by class,
            or such a folder in a tar file.
        image_shape: Size that folders are read at; see `load_folders`. Named sets and idx files have their own.
        validation_fraction: Share of the training pictures that becomes the validation split where there is none.
        seed: Seed of the draw.

    Returns:
        `Splits`; see `Splits.info` for `class_names` and `image_shape`.

    Raises:
        DataError: Nothing of the kind is there.
    """
    if data in NAMED:
        return NAMED[data](validation_fraction=validation_fraction, seed=seed)
    path = Path(data).expanduser()
    if path.is_dir() and has_idx(path):
        names = CLASS_NAMES if "fashion" in path.resolve().name else None
        return load_idx(path, names, validation_fraction, seed)
    if path.is_dir() or is_tar(path):
        return load_folders(path, image_shape, validation_fraction, seed=seed)
    raise DataError(
        f"`data` must be one of {', '.join(NAMED)}, a folder of pictures by class or of idx files, or a tar file. "
        f"Received: {data!r}, which is {'a file of another kind' if path.exists() else 'not there'}."
    )
