"""What the readers of annotated pictures share: the shape of their answer, and the checks of files and boxes."""

import difflib
import math
import re
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from dlkeras.data.decode import MAX_PIXELS
from dlkeras.data.location import DataError

PICTURES = (".jpg", ".jpeg", ".png")

_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_MOST_LISTED = 20
_MOST_OUTSIDE = 1  # pixel; tools that count from 1, or round, put boxes so far beyond the border


class Annotated(NamedTuple):
    """A picture and its boxes.

    Attributes:
        picture: `Path` of the JPEG or PNG.
        size: `(height, width)` in pixels, as the file says it; orientation tags (EXIF) are not followed.
        boxes: float32 `(boxes, 4)`, the edges left, top, right and bottom in pixels, inside of the picture.
        labels: The class name of each box.
        difficult: Bool `(boxes,)`: boxes that need not be found.
        split: `"train"`, `"validation"` or `"test"` where the data set says so, else `""`.
    """

    picture: Path
    size: tuple
    boxes: np.ndarray
    labels: list
    difficult: np.ndarray
    split: str = ""


class Problem(NamedTuple):
    """What is wrong with a file, in a sentence."""

    file: Path
    sentence: str


class Box(NamedTuple):
    """A box as a file has it: class name, edges (left, top, right, bottom) in pixels, difficult or not."""

    label: str
    edges: tuple
    difficult: bool = False


def list_files(folder, suffixes):
    """Returns the files straight below a folder that end so, sorted; hidden ones, as macOS leaves them, are not."""
    return [path for path in sorted(folder.iterdir()) if _is_named(path, suffixes)]


def list_all_files(folder, suffixes):
    """Returns the files at any depth below a folder that end so, sorted; hidden ones are not."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if _is_named(path, suffixes) and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def _is_named(path, suffixes):
    return path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()


def split_of(name):
    """Returns the split that a file or folder name tells of, such as `instances_val2017`; `""` where it tells none."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((_SPLITS[word] for word in words if word in _SPLITS), "")


def raise_if_strict(problems, strict):
    """Raises what a reader found to be wrong, where that is asked for.

    Args:
        problems: List of `Problem`.
        strict: Whether a problem is an error.

    Raises:
        DataError: `strict`, and there are problems; the first 20 are listed.
    """
    if strict and problems:
        raise DataError(f"{_count(problems, 'problem')} in the annotated pictures:\n{_listed(problems)}")


def refuse_texts(problems, what):
    """Raises a `DataError` that lists the first 20 of `Problem`s with texts, where there are any.

    Args:
        problems: List of `Problem`.
        what: What cannot be used, such as `"texts"`.
    """
    if problems:
        listed = "\n".join(f"{file}: {sentence}" for file, sentence in problems[:_MOST_LISTED])
        raise DataError(f"{len(problems)} of the {what} cannot be used:\n{listed}")


def _count(things, name):
    return f"{len(things)} {name}{'s' if len(things) > 1 else ''}"


def _listed(problems):
    lines = [f"  {file}: {sentence}" for file, sentence in problems[:_MOST_LISTED]]
    more = len(problems) - _MOST_LISTED
    return "\n".join([*lines, f"  ... and {more} more"] if more > 0 else lines)


class Collector:
    """Takes in what a reader reads, checks it, and gives the reader's answer."""

    def __init__(self):
        self.annotated = []
        self.problems = []
        self._seen = set()
        self._pictures_of = {}  # class name: annotation files, one a picture that has it

    def problem(self, file, sentence):
        """Notes what is wrong with a file."""
        self.problems.append(Problem(file, sentence))

    def open(self, picture, file, told=None):
        """Reads the size of a picture before its boxes are added.

        Args:
            picture: Its `Path`.
            file: The annotation file that names it.
            told: `(height, width)` as the annotation has it, where it has; numbers that are not above 0 tell nothing.

        Returns:
            `(height, width)`; None where the picture cannot be used, which is noted.
        """
        if picture in self._seen:
            self.problem(file, f"{picture.name} was annotated before; it counts once.")
            return None
        self._seen.add(picture)
        size = self._read_size(picture, file)
        if size and told and min(told) > 0 and tuple(told) != size:
            self.problem(
                file,
                f"the size of {picture.name} (height x width) is given as {told[0]:g} x {told[1]:g}; "
                f"it is {size[0]} x {size[1]}.",
            )
        return size

    def add(self, picture, size, file, entries, parse, split=""):
        """Adds a picture that was opened, with those of its boxes that are right; the others are noted.

        Args:
            picture: Its `Path`.
            size: `(height, width)` in pixels.
            file: The annotation file.
            entries: `(name, entry)` of each box; the name is what a problem is told of.
            parse: A function of an entry that gives a `Box`, or raises `ValueError` with the sentence of a problem.
            split: See `Annotated`.
        """
        kept = {}
        for name, entry in entries:
            try:
                label, edges, difficult = parse(entry)
                edges = _inside(edges, size)
                if (label, edges) in kept:
                    raise ValueError(f"is there twice ({label!r})")
            except ValueError as error:
                self.problem(file, f"{name} {error}.")
            else:
                kept[label, edges] = difficult
        labels = [label for label, _ in kept]
        for label in set(labels):
            self._pictures_of.setdefault(label, []).append(file)
        boxes = np.array([edges for _, edges in kept], "float32").reshape(-1, 4)
        self.annotated.append(Annotated(picture, size, boxes, labels, np.array(list(kept.values()), bool), split))

    def finish(self, source):
        """Returns `(annotated, problems)`, the pictures in the order of their names; see the readers.

        Raises:
            DataError: There is no picture to return.
        """
        self._leave_out_lonely_classes()
        if not self.annotated:
            listed = f":\n{_listed(self.problems)}" if self.problems else "."
            raise DataError(f"{source} holds no annotated picture that can be used{listed}")
        return sorted(self.annotated, key=lambda one: (one.picture.name, one.picture)), self.problems

    def _leave_out_lonely_classes(self):
        """Notes classes of a single picture where others have more: each is likely another one, misspelled."""
        lonely = set()
        common = [label for label, files in self._pictures_of.items() if len(files) > 1]
        for label, files in sorted(self._pictures_of.items()):
            if common and len(files) == 1:
                near = difflib.get_close_matches(label, common, 1)
                meant = f" Is it {near[0]!r}, misspelled?" if near else " Is it misspelled?"
                self.problem(files[0], f"the class {label!r} is in one picture of all alone.{meant}")
                lonely.add(label)
        self.annotated = [_without(one, lonely) for one in self.annotated]

    def _read_size(self, picture, file):
        try:
            with warnings.catch_warnings():
                # The size is refused below, at a limit of our own.
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                # Only the header is read: a data set must not be decoded to be listed.
                with Image.open(picture, formats=["JPEG", "PNG"]) as image:
                    width, height = image.size
        except FileNotFoundError:
            self.problem(file, f"the picture {picture.name} is not there.")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            self.problem(picture, f"is no JPEG or PNG that can be read ({type(error).__name__}).")
        else:
            if height * width <= MAX_PIXELS:
                return height, width
            self.problem(picture, f"has {height * width} pixels, more than {MAX_PIXELS}.")
        return None


def _without(annotated, labels):
    """Returns a picture without its boxes of some classes."""
    kept = [row for row, label in enumerate(annotated.labels) if label not in labels]
    return annotated._replace(
        boxes=annotated.boxes[kept],
        labels=[annotated.labels[row] for row in kept],
        difficult=annotated.difficult[kept],
    )


def _inside(edges, size):
    """Returns the edges as floats, clipped to the picture; raises `ValueError` where they are no box in it."""
    try:
        left, top, right, bottom = edges = tuple(float(edge) for edge in edges)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"is not four numbers: {_shown(edges)}") from None
    if not all(map(math.isfinite, edges)):
        raise ValueError(f"is not four numbers: {_shown(edges)}")
    if right <= left or bottom <= top:
        raise ValueError(f"has no area: {_shown(edges)}")
    height, width = size
    outside = max(-left, -top, right - width, bottom - height)
    clipped = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
    clipped = tuple(np.float32(clipped).tolist())
    if outside > _MOST_OUTSIDE or clipped[2] <= clipped[0] or clipped[3] <= clipped[1]:
        raise ValueError(f"lies outside of the picture of height {height} and width {width}: {_shown(edges)}")
    return clipped


def _shown(edges):
    if not isinstance(edges, tuple | list) or len(edges) != 4:
        return f"{edges!r:.80}"
    edges = [f"{edge:g}" if isinstance(edge, float) else repr(edge) for edge in edges]
    return "left {:.20}, top {:.20}, right {:.20}, bottom {:.20}".format(*edges)
