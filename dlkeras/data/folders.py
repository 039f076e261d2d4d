"""Pictures by class: folders, or the same in a tar file."""

import contextlib
from pathlib import Path

import numpy as np
import tensorflow as tf

from dlkeras.data.decode import decode_picture, encoded_size
from dlkeras.data.location import DataError
from dlkeras.data.picture_files import read_picture_files
from dlkeras.data.splits import Examples, Splits, split_off

_SPLITS = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}
_LARGEST_OWN_SIZE = 96


def _sort_into_splits(files, source):
    """Puts files into `{split: {class name: [(path, bytes)]}}` by their folders; `""` is the split of no name."""
    tree = {}
    for path, data in files:
        parts = path.parts
        if len(parts) < 2 or parts[-2].lower() in _SPLITS:
            continue  # a picture beside the folders belongs to no class
        split = _SPLITS.get(parts[-3].lower(), "") if len(parts) > 2 else ""
        tree.setdefault(split, {}).setdefault(parts[-2], []).append((path, data))
    if "train" in tree and "" in tree:
        del tree[""]
    if not tree:
        raise DataError(
            f"{source} holds no pictures by class. Accepted: train/<class>/*.jpg (with val/ and test/ if there are "
            "any), or <class>/*.jpg, which is split; files end in .jpg, .jpeg or .png."
        )
    return tree


def _own_shape(files):
    """Chooses the size that pictures are read at: their own where it is one and small, else 96 px."""
    sizes = set()
    for _, data in files[:: max(1, len(files) // 64)]:
        with contextlib.suppress(tf.errors.InvalidArgumentError):  # a broken file is named later, with its like
            sizes.add(encoded_size(data))
    if len(sizes) != 1 or max(next(iter(sizes))) > _LARGEST_OWN_SIZE:
        return [_LARGEST_OWN_SIZE, _LARGEST_OWN_SIZE, 3]
    return [*sizes.pop(), 3]


def _broken(files, decode):
    for path, data in files:
        try:
            decode(tf.constant(data))
        except tf.errors.InvalidArgumentError:
            yield str(path)


def _decode(files, image_shape, source):
    decode = tf.function(lambda data: decode_picture(data, image_shape), autograph=False)
    dataset = tf.data.Dataset.from_tensor_slices([data for _, data in files])
    dataset = dataset.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    pictures = np.empty((len(files), *image_shape), "uint8")
    try:
        for row, picture in enumerate(dataset.as_numpy_iterator()):
            pictures[row] = picture
    except tf.errors.InvalidArgumentError as error:
        names = list(_broken(files, decode))
        raise DataError(
            f"{len(names)} of {len(files)} files in {source} are no pictures that can be read: "
            f"{', '.join(names[:5])}{' ...' if len(names) > 5 else ''}. Mend or remove them."
        ) from error
    return pictures


def _examples(classes, class_names, image_shape, source):
    unknown = sorted(set(classes) - set(class_names))
    if unknown:
        raise DataError(f"{source}: classes that were not trained on: {', '.join(unknown)}")
    files = [file for name in class_names for file in classes.get(name, [])]
    labels = [label for label, name in enumerate(class_names) for _ in classes.get(name, [])]
    return Examples(_decode(files, image_shape, source), np.array(labels, "int32"))


def _check_counts(train, least, source):
    few = [f"{name} with {len(files)}" for name, files in sorted(train.items()) if len(files) < least]
    if few:
        raise DataError(
            f"{source}: a class needs at least {least} pictures where they are split. Received: {', '.join(few)}"
        )


def load_folders(source, image_shape=None, validation_fraction=0.1, test_fraction=0.1, seed=0):
    """Reads pictures by class from a folder or a tar file.

    Args:
        source: Folder or `.tar`, `.tar.gz` that holds `train/<class>/*.jpg` and, if there, `val/...` and `test/...`,
            or `<class>/*.jpg`. A split that is not there is drawn from the training pictures, by class, with `seed`.
        image_shape: `(height, width, channels)` that pictures are read at; by default their own size where it is one
            and at most 96 px, else 96 x 96, in colour.
        validation_fraction: Share of the training pictures drawn for validation where there is no such folder.
        test_fraction: Share drawn for test, likewise.
        seed: Seed of both draws.

    Returns:
        `Splits` with `uint8` pictures `(examples, height, width, channels)`; classes are in alphabetical order.

    Raises:
        DataError: There are no pictures by class, a file cannot be read, a class has too few pictures to be split, or
            none to train on.
    """
    tree = _sort_into_splits(read_picture_files(source), source)
    train = tree.get("train") or tree.get("")
    if train is None:
        raise DataError(f"{source} has no train folder beside {', '.join(sorted(tree))}.")
    class_names = sorted(train)
    if len(class_names) < 2:
        raise DataError(f"{source}: a classifier needs at least 2 classes. Received: {', '.join(class_names)}")
    _check_counts(train, 3 - len({"validation", "test"} & set(tree)), source)
    image_shape = list(image_shape or _own_shape([file for group in train.values() for file in group]))
    parts = {
        split: _examples(classes, class_names, image_shape, source) for split, classes in tree.items() if split != ""
    }
    rest = parts.get("train") or _examples(train, class_names, image_shape, source)
    if "test" not in parts:
        rest, parts["test"] = split_off(rest, test_fraction, seed)
    if "validation" not in parts:
        rest, parts["validation"] = split_off(rest, validation_fraction, seed + 1)
    name = Path(source).resolve().name.removesuffix(".gz").removesuffix(".tar")
    info = {"class_names": class_names, "image_shape": image_shape, "data": name}
    return Splits(rest, parts["validation"], parts["test"], info)


def load_test_folder(source, class_names, image_shape):
    """Reads a folder or tar file that holds pictures to test on alone.

    Args:
        source: Folder or tar file with `<class>/*.jpg`, `test/<class>/*.jpg` or `val/<class>/*.jpg`.
        class_names: The classes that a model knows; some may have no pictures.
        image_shape: `(height, width, channels)` that pictures are read at.

    Returns:
        `Examples` of all pictures; None where there is a folder `train`, and with it a split that is not for testing.

    Raises:
        DataError: There are no pictures by class, a file cannot be read, or a class is not among `class_names`.
    """
    tree = _sort_into_splits(read_picture_files(source), source)
    if "train" in tree:
        return None
    classes = {}
    for part in tree.values():
        for name, files in part.items():
            classes.setdefault(name, []).extend(files)
    return _examples(classes, class_names, list(image_shape), source)
