"""Text to learn to write from, as it is: one `str` a part. Made-up text too, for use without a data set."""

import gzip
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlkeras.checks import check_positive, check_rate
from dlkeras.data.location import DataError, find
from dlkeras.data.made_documents import make_documents
from dlkeras.data.text_lines import check_encoding

_SUFFIXES = (".txt", ".gz")
_ENCODINGS = ("utf-8", "cp1252", "iso-8859-1")  # the last one reads anything
_FEWEST = 2  # characters, of which one is predicted
_SPEAKERS = ("ANNA", "BRUNO", "CLARA", "DAVID", "EMMA", "FELIX", "GRETA", "HUGO")
_SCENES = 50


class RunningText(NamedTuple):
    """A text, parted.

    Attributes:
        train: To learn from.
        validation: Held out: the end of each file.
    """

    train: str
    validation: str


def load_running_text(data, validation_fraction=0.1, encoding=None):
    """Reads text files; of each one the end is held out.

    Lines end in a line feed whatever they end in in the file; a byte order mark is left out, nothing else is.

    Args:
        data: Files, plain or `.gz`, or folders of such files (`.txt`, `.gz`) with commas between, each a path or a name
            in `DLKERAS_DATA`. Between the texts of two files there is a line feed.
        validation_fraction: Share of each file's characters, its end, in [0, 1).
        encoding: Of the files; `None` for UTF-8, or where it is none for cp1252 or ISO-8859-1.

    Returns:
        A `RunningText`.

    Raises:
        DataError: A file or folder is not there, is empty, too short or no text, or there is no such encoding.
        ValueError: `validation_fraction` is out of its range.
    """
    check_rate("validation_fraction", validation_fraction)
    parts = []
    for path in _files(data):
        text = _read(path, encoding)
        begin = int(len(text) * (1 - validation_fraction))
        parts.append(RunningText(text[:begin], text[begin:]))
        if begin < _FEWEST or (validation_fraction and len(text) - begin < _FEWEST):
            raise DataError(
                f"{path} must have at least {_FEWEST} characters to train on and to hold out. "
                f"Received: {begin} and {len(text) - begin}"
            )
    return RunningText(*("\n".join(texts) for texts in zip(*parts, strict=True)))


def load_test_running_text(data, encoding=None):
    """Reads text files to measure on: one `str`. Arguments and errors as of `load_running_text`."""
    return load_running_text(data, 0.0, encoding).train


def make_text(characters, seed):
    """Makes scenes of a play in which people talk about a film.

    Args:
        characters: Length of the text.
        seed: Seed of all draws; whatever `numpy.random.default_rng` takes.

    Returns:
        A `str` of lines: the speaker's name and a colon, what is said, an empty line.

    Raises:
        ValueError: `characters` is not above 0.
    """
    check_positive("characters", characters)
    random = np.random.default_rng(seed)
    text = ""
    while len(text) < characters:
        text += "".join(_scene(document, random) for document in make_documents(_SCENES, random))
    return text[:characters]


def _scene(document, random):
    speakers = random.choice(_SPEAKERS, 2, replace=False)
    return "".join(f"{speakers[number % 2]}:\n{said}\n\n" for number, said in enumerate(document))


def _files(data):
    for name in str(data).split(","):
        path = Path(name).expanduser()
        path = path if path.exists() else find(name)
        if path is None:
            raise DataError(f"`data` must be text files or folders of them. Received one that is not there: {name}")
        found = sorted(one for one in path.rglob("*") if one.suffix in _SUFFIXES) if path.is_dir() else [path]
        if not found:
            raise DataError(f"{path} must hold files ending in {', '.join(_SUFFIXES)}. Received none.")
        yield from found


def _read(path, encoding):
    check_encoding(encoding)
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    text = _decode(path, data, [encoding] if encoding else _ENCODINGS).removeprefix("\ufeff")
    if not text.strip():
        raise DataError(f"{path} must hold text. Received an empty file.")
    if "\0" in text:
        raise DataError(f"{path} must be text. Received characters of code 0: no text, or one of another `encoding`.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decode(path, data, encodings):
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            wrong = f"byte {data[error.start]:#04x} at place {error.start + 1}"
    raise DataError(f"{path} is no {encodings[-1]}: {wrong}. Accepted: another `encoding`.")
