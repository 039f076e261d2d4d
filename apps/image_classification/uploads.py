"""Pictures that a person gives, by class or in a zip, as the folder that training reads: `[<split>/]<class>/*.jpg`."""

import unicodedata
from pathlib import Path
from typing import NamedTuple

from apps.image_classification.zips import MAX_BYTES, MAX_FILES, ZipError, read_zip
from apps.picture_files import ACCEPTED, SUFFIXES, PictureError, jpeg_or_png, suffix

LEAST = 3
"""Pictures a class needs where they are split: one each to train on, to choose by, and to measure with."""

_SPLITS = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}
_LONGEST_NAME = 60


class UploadError(ValueError):
    """Pictures that no model can be trained on. Its text is for the person who gave them."""


class Upload(NamedTuple):
    """What was given.

    Attributes:
        counts: Number of pictures to train on by class; where no split is given, some are kept for validation and test.
        left_out: Names of files in a zip that are no pictures.
    """

    counts: dict
    left_out: list


def save_classes(classes, folder):
    """Writes pictures that were given class by class.

    Args:
        classes: `[(name, [path, ...]), ...]`; an entry with neither name nor files is passed over.
        folder: Where `<class>/*.jpg` go.

    Returns:
        An `Upload`.

    Raises:
        UploadError: There are fewer than two classes, a name is missing, used twice or no name of a folder, a class has
            too few pictures, or a file is no picture.
    """
    classes = [(clean_name(name), files) for name, files in classes if (name or "").strip() or files]
    if len({name.casefold() for name, _ in classes}) < len(classes):
        twice = next(name for at, (name, _) in enumerate(classes) if name.casefold() in _folded(classes[:at]))
        raise UploadError(f"Each class must have a name of its own. Received: {twice} twice")
    _check_counts({"": {name: len(files) for name, files in classes}})
    _check_size([Path(file) for _, files in classes for file in files])
    writer = _Writer(folder)
    for name, files in classes:
        for file in files:
            writer.add("", name, Path(file).name, Path(file).read_bytes())
    return writer.finish()


def save_zip(path, folder, max_bytes=MAX_BYTES, max_files=MAX_FILES):
    """Writes the pictures of a zip: a picture's class is the folder that it lies in, whatever is above that.

    Args:
        path: The zip, with `<class>/*.jpg` or `train/<class>/*.jpg`, `val/...` and `test/...`.
        folder: Where they go.
        max_bytes: What its pictures may unpack to.
        max_files: How many they may be.

    Returns:
        An `Upload`.

    Raises:
        UploadError: It cannot be taken as a zip, or its pictures cannot be trained on.
    """
    writer = _Writer(folder)
    try:
        for name, data in read_zip(path, _is_wanted, max_bytes, max_files):
            if data is not None:
                split = _SPLITS.get(name.parts[-3].lower(), "") if len(name.parts) > 2 else ""
                writer.add(split, clean_name(name.parts[-2]), str(name), data)
            elif not _is_hidden(name):
                writer.left_out.append(str(name))
    except ZipError as error:
        raise UploadError(str(error)) from error
    return writer.finish()


def clean_name(name):
    """Returns a class's name without spaces around it, if it can be a folder's.

    Raises:
        UploadError: It cannot.
    """
    name = unicodedata.normalize("NFC", (name or "").strip())
    if not name:
        raise UploadError("Each class must have a name. Received: pictures without one")
    plain = all(sign.isprintable() and sign not in "/\\" for sign in name)
    if len(name) > _LONGEST_NAME or name.startswith(".") or not plain:
        raise UploadError(
            f"A class's name must be at most {_LONGEST_NAME} letters, without / or \\ and no dot in front. "
            f"Received: {name[:_LONGEST_NAME]!r}"
        )
    if name.lower() in _SPLITS:
        raise UploadError(f"A class must not be called {', '.join(_SPLITS)}, which are parts of a data set.")
    return name


def _folded(classes):
    return {name.casefold() for name, _ in classes}


def _is_hidden(name):
    # macOS puts its own files beside a person's: __MACOSX/..., ._1.jpg, .DS_Store.
    return any(part.startswith(".") or part == "__MACOSX" for part in name.parts)


def _is_wanted(name):
    in_class = len(name.parts) > 1 and name.parts[-2].lower() not in _SPLITS
    return in_class and name.suffix.lower() in SUFFIXES and not _is_hidden(name)


class _Writer:
    """Checks pictures one by one and writes them under numbers: their own names are of no use to training."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._counts = {}
        self._broken = []
        self.left_out = []

    def add(self, split, class_name, name, data):
        try:
            data = jpeg_or_png(data)
        except PictureError:
            self._broken.append(name)
            return
        counts = self._counts.setdefault(split, {})
        counts[class_name] = counts.get(class_name, 0) + 1
        path = self._folder / split / class_name / f"{counts[class_name]:05}{suffix(data)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def finish(self):
        if self._broken:
            more = f" and {len(self._broken) - 5} more" if len(self._broken) > 5 else ""
            raise UploadError(
                f"Files must be pictures: {ACCEPTED}. Received: {', '.join(self._broken[:5])}{more}, which cannot be "
                "opened as one"
            )
        return Upload(_check_counts(self._counts), self.left_out)


def _check_counts(tree):
    """Returns the numbers of training pictures by class, if they can be trained on."""
    if "train" in tree:
        tree = {split: counts for split, counts in tree.items() if split}
    train = tree.get("train") or tree.get("", {})
    if len(train) < 2:
        raise UploadError(f"A model needs pictures of at least two classes. Received: {', '.join(train) or 'none'}")
    least = LEAST - len({"validation", "test"} & set(tree))
    few = [f"{name} with {count}" for name, count in train.items() if count < least]
    if few:
        raise UploadError(f"A class needs at least {least} pictures; 10 or more are better. Received: {', '.join(few)}")
    unknown = sorted({name for counts in tree.values() for name in counts} - set(train))
    if unknown:
        raise UploadError(f"Every class must have pictures to train on. Received: none of {', '.join(unknown)}")
    return train


def _check_size(files):
    size = sum(file.stat().st_size for file in files)
    if len(files) > MAX_FILES or size > MAX_BYTES:
        raise UploadError(
            f"At most {MAX_FILES} pictures of {MAX_BYTES // 2**20} MB together are taken. "
            f"Received: {len(files)} of {size / 2**20:.0f} MB"
        )
