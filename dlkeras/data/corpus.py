"""Running text to learn language from: files to documents, and documents to sentences."""

import gzip
import itertools
import re
from pathlib import Path
from typing import NamedTuple

from dlkeras.checks import check_fraction
from dlkeras.data.location import DataError, find

_SUFFIXES = (".txt", ".tsv", ".gz")
# A stop, whatever closes after it, and a space before what may begin a sentence. Abbreviations end sentences too.
_END = re.compile(r"""(?<=[.!?])(["')\]”’_]*)\s+(?=["'(\[“‘_]*[A-Z0-9])""")
_EMPTY_LINE = re.compile(r"\n\s*\n")
_FEWEST_WORDS = 3
# Captions of Flickr30k are told by the picture that they belong to.
_PICTURE = re.compile(r"^\S+\.jpg#\d+/")


class Corpus(NamedTuple):
    """Documents, each a list of sentences in their order.

    Attributes:
        train: To learn from.
        validation: Held out: the end of each file.
        test: Held out likewise, after `validation`.
    """

    train: list
    validation: list
    test: list


def load_corpus(data, fraction=0.02):
    """Reads text files.

    A file with empty lines is prose: one document, its paragraphs split into sentences. In any other file each line is
    a document of its own; of a table, whose fields have tabs between them, each field of three words or more is a
    sentence of its line.

    Args:
        data: Files (`.txt`, `.tsv`, or `.gz` of such) or folders of them with commas between, each a path or a name in
            `DLKERAS_DATA`. UTF-8; bytes that are none are read as U+FFFD.
        fraction: Share of each file, its end, that each of validation and test gets; a sentence at least, a third at
            most. 0 for none.

    Returns:
        A `Corpus`.

    Raises:
        DataError: A file or folder is not there, or has no text or too little of it.
        ValueError: `fraction` is out of its range.
    """
    check_fraction("fraction", fraction)
    parts = [], [], []
    for path in _files(data):
        documents = read_documents(path)
        for part, found in zip(parts, _cut(documents, fraction), strict=True):
            part.extend(found)
    if not parts[0]:
        raise DataError(f"`data` must hold text. Received none in {data}")
    if fraction and not (parts[1] and parts[2]):
        raise DataError(f"`data` must hold three sentences at least, two of them to test on. Received fewer in {data}")
    return Corpus(*parts)


def load_test_documents(data):
    """Reads text files to measure on: a list of documents. Arguments and errors as of `load_corpus`."""
    return load_corpus(data, 0.0).train


def read_documents(path):
    """Reads one file: a list of documents, each a list of sentences. What counts as one: see `load_corpus`."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", errors="replace") as file:
        text = file.read()
    if _EMPTY_LINE.search(text.strip()):
        return [_sentences(paragraph for paragraph in _EMPTY_LINE.split(text))]
    documents = [_fields(line) if "\t" in line else _sentences([line]) for line in text.splitlines()]
    return [document for document in documents if document]


def _sentences(paragraphs):
    joined = (" ".join(paragraph.split()) for paragraph in paragraphs)
    marked = (_END.sub(r"\1\n", paragraph) for paragraph in joined)
    return [sentence for paragraph in marked for sentence in paragraph.split("\n") if sentence]


def _fields(line):
    fields = (_PICTURE.sub("", field).strip() for field in line.split("\t"))
    return [field for field in fields if len(field.split()) >= _FEWEST_WORDS]


def _cut(documents, fraction):
    """Cuts documents in three by their sentences: a list of documents each, the last two of a `fraction`."""
    total = sum(map(len, documents))
    held = min(max(1, round(fraction * total)), total // 3) if fraction else 0
    borders = [0, total - 2 * held, total - held, total]
    for begin, end in itertools.pairwise(borders):
        yield [part for part in _between(documents, begin, end) if part]


def _between(documents, begin, end):
    """Yields what documents have from one sentence to another, counted through all of them."""
    for document in documents:
        yield document[max(begin, 0) : max(end, 0)]
        begin, end = begin - len(document), end - len(document)


def _files(data):
    for name in data.split(","):
        path = Path(name).expanduser()
        path = path if path.exists() else find(name)
        if path is None:
            raise DataError(f"`data` must be text files or folders of them. Received one that is not there: {name}")
        found = sorted(one for one in path.rglob("*") if one.suffix in _SUFFIXES) if path.is_dir() else [path]
        if not found:
            raise DataError(f"{path} must hold files ending in {', '.join(_SUFFIXES)}. Received none.")
        yield from found
