"""Pictures with masks as `Splits`: from folders of one's own, or made up.

A mask is as large as its picture and holds a class number in every pixel; `IGNORED` where none counts.
"""

import os
import warnings
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from dlkeras.data.annotations import PICTURES, Problem, list_files, raise_if_strict, split_of
from dlkeras.data.decode import decode_whole_picture
from dlkeras.data.detection import into_parts
from dlkeras.data.location import DataError, find_folder
from dlkeras.data.mask_files import IGNORED, PALETTE_FILE, class_numbers, counting_names, read_labels, read_mask
from dlkeras.data.scenes import make_scenes
from dlkeras.data.splits import Examples, Splits

_PICTURE_FOLDERS = ("images", "jpegimages")
_MASK_FOLDERS = ("masks", "segmentationclass")
_LAYOUTS = (
    "Accepted: images/ beside masks/, both with the files or with a folder a split; train/, val/ and test/ with such "
    "folders, or with pictures beside trainannot/, valannot/ and testannot/; JPEGImages/ beside SegmentationClass/."
)


class _Pair(NamedTuple):
    """The files of a picture and its mask, and the split that they are of, `""` where the data set names none."""

    picture: Path
    mask: Path
    split: str


def load_masks(source, image_shape, *, validation_fraction=0.1, test_fraction=0.2, seed=0, strict=False):
    """Reads pictures and their masks, parted as the data set says, else by a draw.

    Pictures are stretched to one size, and masks likewise, by the nearest pixel. A picture belongs to the mask of the
    same name, or of its name and `_mask`. Masks are PNG files of class numbers, grey or with a palette of their own, or
    of the colours that a file `palette.txt` names: a line `red green blue name` for each class. Names of class numbers
    stand in `classes.txt`, one a line. A class called Unlabelled, Void or Ignore counts nowhere, nor does the number
    255; the other classes are numbered in their order.

    Args:
        source: A folder, or the name of one in `DLKERAS_DATA`: `images/` beside `masks/`, both with the files or with a
            folder a split; or `train/`, `val/` and `test/`, each with such folders, or with pictures and beside it
            `trainannot/` and so on with masks; or Pascal VOC's `JPEGImages/`, `SegmentationClass/` and, where there,
            `ImageSets/Segmentation/{train,val,test}.txt`.
        image_shape: `(height, width, channels)` that pictures are read at.
        validation_fraction: Share of the pictures that are not tested on, drawn for validation where none are named.
        test_fraction: Share of the pictures drawn for test where none are named.
        seed: Seed of both draws.
        strict: Whether anything wrong with the files is an error. Else it is left out, and told.

    Returns:
        `(splits, problems)`: `Splits` with `uint8` pictures `(examples, height, width, channels)` and masks `(examples,
        height, width)`, where `IGNORED` counts nowhere; `info` has `ignore_class` too. `problems` is a list of
        `dlkeras.data.annotations.Problem`.

    Raises:
        DataError: The folder is laid out otherwise or its pictures cannot be read, there are too few to be split, or,
            with `strict`, something is wrong.

    Source: of the layouts, Badrinarayanan et al. 2017, "SegNet", and Everingham et al. 2010, "The PASCAL Visual Object
    Classes (VOC) Challenge".
    """
    folder, pairs, labels, problems = _open(source)
    parts = into_parts(pairs, validation_fraction, test_fraction, seed, source)
    numbers = class_numbers(labels.names, None)
    examples = [_examples(part, labels, numbers, image_shape, problems) for part in parts]
    raise_if_strict(problems, strict)
    class_names = counting_names(labels.names) if labels.names else _seen(examples, source)
    info = {
        "class_names": class_names,
        "image_shape": list(image_shape),
        "data": folder.resolve().name,
        "ignore_class": IGNORED,
    }
    return Splits(*examples, info), problems


def load_test_masks(source, class_names, image_shape):
    """Reads pictures and masks to test on: those of the test split, or all where the data set names no splits.

    Args:
        source: As of `load_masks`, like `image_shape`.
        class_names: The classes that a model knows; masks are numbered by them.

    Returns:
        `(examples, problems)`.

    Raises:
        DataError: The pictures cannot be read, or a class is not among `class_names`.
    """
    _, pairs, labels, problems = _open(source)
    tested = [pair for pair in pairs if pair.split == "test"] or pairs
    unknown = sorted(set(counting_names(labels.names or [])) - set(class_names))
    if unknown:
        raise DataError(f"{source}: classes that were not trained on: {', '.join(unknown)}")
    numbers = class_numbers(labels.names or class_names, class_names)
    return _examples(tested, labels, numbers, image_shape, problems), problems


def load_mask_scenes(image_shape, counts, seed, class_names, **scenes):
    """Makes scenes up, see `dlkeras.data.scenes.make_scenes`; class 0 is the background.

    Args:
        image_shape: `(size, size, 3)`.
        counts: Number of training, validation and test pictures.
        seed: Of the training pictures; the other two have seeds of their own.
        class_names: A name for each class number of `make_scenes`; in masks they come behind the background.
        **scenes: Of `make_scenes`: `max_objects`, `cutouts` and so on.

    Returns:
        `Splits` as `load_masks` has them.
    """
    made = [make_scenes(count, image_shape[0], (seed, part), **scenes) for part, count in enumerate(counts)]
    info = {
        "class_names": ["background", *class_names],
        "image_shape": list(image_shape),
        "data": "scenes",
        "ignore_class": IGNORED,
    }
    return Splits(*(Examples(part.pictures, part.masks) for part in made), info)


def _open(source):
    """Returns the folder, its `_Pair`s, how their masks are read, and a list of problems."""
    folder = find_folder(source)
    folders = list(_folders(folder))
    if not folders:
        raise DataError(f"{folder} holds no pictures beside masks. {_LAYOUTS}")
    problems = []
    listed = _listed_splits(folder / "ImageSets" / "Segmentation")
    pairs = [pair for part in folders for pair in _pairs(*part, listed, problems)]
    if not pairs:
        raise DataError(f"{folder} holds no picture with a mask of its name. {_LAYOUTS}")
    return folder, pairs, read_labels(folder), problems


def _folders(folder, split=""):
    """Yields the folder of pictures, the folder of masks, and the split that they are of."""
    below = _subfolders(folder)
    pictures = next((below[name] for name in _PICTURE_FOLDERS if name in below), None)
    masks = next((below[name] for name in _MASK_FOLDERS if name in below), None)
    if pictures and masks:
        of_splits = _subfolders(masks)
        yield pictures, masks, split
        for name, path in _subfolders(pictures).items():
            if name in of_splits and split_of(name):
                yield path, of_splits[name], split_of(name)
    elif not split:
        for name, path in below.items():
            if split_of(name) and f"{name}annot" in below:
                yield path, below[f"{name}annot"], split_of(name)
            elif split_of(name):
                yield from _folders(path, split_of(name))


def _subfolders(folder):
    return {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}


def _listed_splits(folder):
    """Returns the split of each picture that VOC's lists name, by its name without suffix."""
    files = [path for path in list_files(folder, (".txt",)) if split_of(path.stem)] if folder.is_dir() else []
    return {name: split_of(path.stem) for path in files for name in path.read_text(encoding="utf-8-sig").split()}


def _pairs(pictures, masks, split, listed, problems):
    """Yields the pictures of a folder that have a mask; the others, and masks without a picture, are noted."""
    # Of VOC's pictures most have no mask; where there are lists, those count that are named.
    named = {path.stem: path for path in list_files(pictures, PICTURES) if not listed or path.stem in listed}
    found = {path.stem.removesuffix("_mask"): path for path in list_files(masks, (".png",))}
    for stem in sorted({*named, *found}):
        if stem not in found:
            problems.append(Problem(named[stem], f"has no mask in {masks.name}; it is left out."))
        elif stem in named:
            yield _Pair(named[stem], found[stem], split or listed.get(stem, ""))
        elif not listed or stem in listed:
            problems.append(Problem(found[stem], f"has no picture in {pictures.name}; it is left out."))


def _seen(examples, source):
    """Names classes by their numbers, where no file names them."""
    highest = max(part.y[part.y != IGNORED].max(initial=0) for part in examples)
    if not highest:
        raise DataError(
            f"{source}: masks need at least 2 classes. Received: 0, and perhaps {IGNORED}, which counts nowhere. Where "
            f"that is a class, name both in a file {PALETTE_FILE}: `0 0 0 background` and `255 255 255 object`."
        )
    return [str(number) for number in range(highest + 1)]


def _examples(pairs, labels, numbers, image_shape, problems):
    """Decodes pictures and masks; pairs of which one cannot be used are left out, and noted."""
    decode = tf.function(lambda data: decode_whole_picture(data, image_shape), autograph=False)

    def read(pair):
        try:
            picture, size = decode(tf.constant(pair.picture.read_bytes()))
        except tf.errors.InvalidArgumentError:
            return Problem(pair.picture, "cannot be decoded.")
        try:
            return picture.numpy(), read_mask(pair.mask, labels.colours, numbers, tuple(size.numpy()), image_shape)
        except ValueError as error:
            return Problem(pair.mask, f"{error}.")

    with warnings.catch_warnings(), ThreadPool(os.cpu_count()) as pool:
        warnings.simplefilter("error", Image.DecompressionBombWarning)  # here, as filters are of all threads
        answers = pool.map(read, pairs)
    problems += [answer for answer in answers if isinstance(answer, Problem)]
    whole = [answer for answer in answers if not isinstance(answer, Problem)]
    if not whole:
        raise DataError(
            f"None of {len(pairs)} pictures and masks can be used. {answers[0].file}: {answers[0].sentence}"
        )
    pictures, masks = ([one[part] for one in whole] for part in (0, 1))
    return Examples(np.array(pictures), np.array(masks))
