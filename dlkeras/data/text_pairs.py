"""Labelled pairs of texts, a premise and a hypothesis, as `Splits`: from tables with known names of columns."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlkeras.data.annotations import refuse_texts
from dlkeras.data.location import DataError, find
from dlkeras.data.pair_tables import Pair, read_pairs
from dlkeras.data.splits import Examples, Splits, split_off
from dlkeras.data.text_lines import check_encoding

CLASS_NAMES = ["entailment", "neutral", "contradiction"]
"""The order of the classes, where these are the labels."""


class _Source(NamedTuple):
    path: Path
    times: int  # that each of its pairs counts


def load_pairs(
    sources,
    *,
    validation="",
    test="",
    columns=None,
    names=None,
    encoding=None,
    validation_fraction=0.1,
    test_fraction=0.1,
    seed=0,
    strict=False,
):
    """Reads pairs of texts and their labels.

    Args:
        sources: Files to train on with commas between, each a path, also one in `DLKERAS_DATA`. `FILE*3` has each of
            its pairs three times among the training pairs. For the kinds of tables see
            `dlkeras.data.pair_tables.read_pairs`.
        validation: Files to choose by; empty for a part of the sources.
        test: Files to test on; empty for a part of the sources.
        columns: Names of the columns `(premise, hypothesis, label)`; `None` to find out.
        names: `{label: class name}`, for labels such as 0 and 1; `None` for the labels themselves, in small letters.
        encoding: Of the files; `None` for UTF-8, or where it is none for cp1252 or ISO-8859-1.
        validation_fraction: Share of the pairs that are not tested on, drawn from each file for validation where no
            file is named.
        test_fraction: Share of the pairs drawn from each file for test where no file is named; 0 for none.
        seed: Seed of both draws.
        strict: Whether anything wrong with the files is an error. Else it is left out, and told.

    Returns:
        `(splits, problems)`: `Splits` with `str` `(pairs, 2)` in arrays of objects, premise and hypothesis, and classes
        int32 `(pairs,)`; `info` has `class_names`, `data`, and `undecided`, the number of pairs that were left out
        since their label is `-`. `problems` is a list of `dlkeras.data.annotations.Problem`.

    Raises:
        DataError: There is no such file, its columns are not known, there are too few pairs to be split, or, with
            `strict`, something is wrong.
    """
    check_encoding(encoding)
    files, reading = _sources(sources), _Reading(columns, names, encoding)
    found = [reading.rows(source.path) for source in files]
    held_out = {split: _rows(reading, given) for split, given in (("validation", validation), ("test", test)) if given}
    if strict:
        refuse_texts(reading.problems, "pairs")
    class_names = _class_names(found, sources)
    parts = {split: _examples(rows, class_names, split) for split, rows in held_out.items()}
    drawn = {"test": test_fraction, "validation": validation_fraction}
    drawn = {split: fraction for split, fraction in drawn.items() if split not in parts and fraction}
    train, drawn_parts = [], {split: [] for split in drawn}
    for source, rows in zip(files, found, strict=True):
        rest = _examples(rows, class_names, source.path)
        for number, (split, fraction) in enumerate(drawn.items()):
            rest, part = _drawn(rest, fraction, seed + number, source.path)
            drawn_parts[split].append(part)
        # Repeated after the draws: else a pair would be on both sides.
        train += [rest] * source.times
    parts |= {split: _together(found) for split, found in drawn_parts.items()}
    none = Examples(np.empty((0, 2), object), np.empty(0, "int32"))
    info = {
        "class_names": class_names,
        "data": ",".join(source.path.name for source in files),
        "undecided": reading.undecided,
    }
    return Splits(_together(train), parts.get("validation", none), parts.get("test", none), info), reading.problems


def load_test_pairs(sources, class_names, *, columns=None, names=None, encoding=None):
    """Reads pairs to test on, all of some files.

    Args:
        sources: As of `load_pairs`, like `columns`, `names` and `encoding`.
        class_names: The classes that a model knows; labels are numbered by them.

    Returns:
        `(examples, problems)`.

    Raises:
        DataError: There is no such file, its columns are not known, or a label is not among `class_names`.
    """
    check_encoding(encoding)
    reading = _Reading(columns, names, encoding)
    return _examples(_rows(reading, sources), class_names, sources), reading.problems


class _Reading:
    """Reads files, and gathers what is wrong with them."""

    def __init__(self, columns, names, encoding):
        self._columns, self._names, self._encoding = columns, names, encoding
        self.problems, self.undecided = [], 0

    def rows(self, path):
        rows, undecided = read_pairs(path, self._columns, self._encoding, self.problems)
        self.undecided += undecided
        if not rows:
            first = f" {self.problems[0].sentence}" if self.problems else ""
            raise DataError(f"{path} holds no pairs with labels.{first}")
        return [row._replace(label=self._name(row.label, path)) for row in rows]

    def _name(self, label, path):
        if self._names is None:
            return label.lower()
        if label not in self._names:
            raise DataError(f"{path}: a label must be one of {', '.join(self._names)}. Received: {label}")
        return self._names[label]


def _sources(text):
    """Returns the `_Source`s that `a.tsv,b.tsv*3` names."""
    sources = []
    for name in str(text).split(","):
        file, star, times = name.strip().rpartition("*")
        if not (star and times.isdecimal() and int(times)):
            file, times = name.strip(), 1
        path = Path(file).expanduser()
        path = path if path.is_file() else find(file) or path
        if not path.is_file():
            raise DataError(f"{file}: there is no such file. Accepted: tables of pairs, with commas between them.")
        sources.append(_Source(path, int(times)))
    return sources


def _rows(reading, text):
    return [row for source in _sources(text) for row in reading.rows(source.path)]


def _class_names(found, sources):
    labels = {row.label for rows in found for row in rows}
    if len(labels) < 2:
        raise DataError(f"{sources}: a classifier needs at least 2 classes. Received: {', '.join(labels)}")
    return [*CLASS_NAMES] if labels <= set(CLASS_NAMES) else sorted(labels)


def _examples(rows: list[Pair], class_names, source):
    numbers = {name: number for number, name in enumerate(class_names)}
    unknown = sorted({row.label for row in rows} - set(numbers))
    if unknown:
        raise DataError(f"{source}: a label must be one of {', '.join(class_names)}. Received: {', '.join(unknown)}")
    texts = np.empty((len(rows), 2), object)
    for index, row in enumerate(rows):
        texts[index] = row.premise, row.hypothesis
    return Examples(texts, np.array([numbers[row.label] for row in rows], "int32"))


def _drawn(examples, fraction, seed, path):
    try:
        return split_off(examples, fraction, seed)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def _together(parts):
    return Examples(np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts]))
