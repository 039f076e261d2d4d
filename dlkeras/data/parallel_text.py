"""Sentences and their translations as `Splits`: from two files that are parallel by line, or one with a tab between."""

import gzip
import itertools
import unicodedata
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlkeras.checks import check_rate
from dlkeras.data.annotations import Problem, refuse_texts
from dlkeras.data.location import DataError, find
from dlkeras.data.splits import Examples, Splits

_ACCEPTED = (
    "Accepted: two files that are parallel by line, such as train.en.gz:train.de.gz, or one of a sentence, a tab and "
    "its translation a line, plain or .gz; several with commas between."
)


class _Source(NamedTuple):
    """A sentence's file, and its translation's; `None` where both are in one."""

    path: Path
    other: Path | None

    @property
    def name(self):
        return self.path.name if self.other is None else f"{self.path.name}:{self.other.name}"


def load_parallel(
    sources,
    *,
    validation="",
    test="",
    validation_fraction=0.1,
    test_fraction=0.1,
    seed=0,
    reverse=False,
    strict=False,
):
    """Reads sentences and their translations.

    Texts are put into Unicode's form NFC, and any white space in them becomes single spaces. A sentence that has
    several translations is in one of the drawn parts with all of them.

    Args:
        sources: What to train on, with commas between: two files that are parallel by line with a colon between, such
            as `train.en.gz:train.de.gz`, or one file of a sentence, a tab and its translation a line, of which further
            fields are ignored. UTF-8, plain or `.gz`; each a path or a name in `DLKERAS_DATA`.
        validation: Files to choose by; empty for a part of the sources.
        test: Files to test on; empty for a part of the sources.
        validation_fraction: Share of the different sentences that are not tested on, drawn for validation where no
            file is named; 0 for none.
        test_fraction: Share of the different sentences drawn for test where no file is named; 0 for none.
        seed: Seed of both draws.
        reverse: Whether to translate from the second side to the first one.
        strict: Whether a line that cannot be used is an error. Else it is left out, and told.

    Returns:
        `(splits, problems)`: `Splits` with `str` `(sentences,)` in arrays of objects, `x` the sentences and `y` their
        translations; `info` has `data`. `problems` is a list of `dlkeras.data.annotations.Problem`, one a line.

    Raises:
        DataError: There is no such file, it holds no translations, there are too few to be split, or, with `strict`,
            a line cannot be used.
        ValueError: A fraction is out of its range.
    """
    check_rate("validation_fraction", validation_fraction)
    check_rate("test_fraction", test_fraction)
    problems = []
    named = {"train": sources, "validation": validation, "test": test}
    parts = {split: _examples(files, reverse, problems) for split, files in named.items() if files}
    if strict:
        refuse_texts(problems, "lines")
    for number, (split, fraction) in enumerate((("test", test_fraction), ("validation", validation_fraction))):
        if split not in parts:
            parts["train"], parts[split] = _split_off(parts["train"], fraction, seed + number, sources)
    return Splits(**parts, info={"data": ",".join(source.name for source in _sources(sources))}), problems


def load_test_parallel(sources, *, reverse=False):
    """Reads sentences and their translations to measure on, all of some files.

    Args:
        sources: As of `load_parallel`, like `reverse`.

    Returns:
        `(examples, problems)`.

    Raises:
        DataError: There is no such file, or it holds no translations.
    """
    problems = []
    return _examples(sources, reverse, problems), problems


def _sources(text):
    """Returns the `_Source`s that `a.en:a.de,b.tsv` names."""
    sources = []
    for names in str(text).split(","):
        path, *others = map(_file, names.split(":"))
        if len(others) > 1:
            raise DataError(f"{names}: a sentence has one translation. {_ACCEPTED}")
        sources.append(_Source(path, *(others or [None])))
    return sources


def _file(name):
    name = name.strip()
    path = Path(name).expanduser()
    path = path if path.is_file() else find(name) or path
    if not path.is_file():
        raise DataError(f"{name}: there is no such file. {_ACCEPTED}")
    return path


def _examples(files, reverse, problems):
    pairs = []
    for source in _sources(files):
        known = len(problems)
        found = _tabbed(source.path, problems) if source.other is None else _side_by_side(*source, problems)
        if not found:
            first = f" {problems[known].sentence}" if problems[known:] else ""
            raise DataError(f"{source.name} holds no sentence with its translation.{first}")
        pairs += found
    x, y = (np.array(side, object) for side in zip(*pairs, strict=True))
    return Examples(y, x) if reverse else Examples(x, y)


def _side_by_side(path, other, problems):
    """Reads two files: a list of `(sentence, translation)`."""
    sides = _lines(path, _normalized, problems), _lines(other, _normalized, problems)
    shorter, longer = sorted(zip(map(len, sides), (path, other), strict=True))
    for number in range(shorter[0] + 1, longer[0] + 1):
        sentence = f"line {number} has no translation: {shorter[1].name} ends with line {shorter[0]}."
        problems.append(Problem(longer[1], sentence))
    pairs = []
    for number, pair in enumerate(zip(*sides, strict=False), 1):
        if all(pair):
            pairs.append(pair)
        elif any(pair) and None not in pair:
            empty, full = (other, path) if pair[0] else (path, other)
            problems.append(Problem(empty, f"line {number} is empty, unlike that of {full.name}."))
    return pairs


def _tabbed(path, problems):
    """Reads one file: a list of `(sentence, translation)`."""
    pairs = []
    for number, line in enumerate(_lines(path, _fields, problems), 1):
        if not line or not any(line):
            continue
        if len(line) < 2:
            problems.append(Problem(path, f"line {number} must be a sentence, a tab and its translation."))
        elif not all(line[:2]):
            problems.append(Problem(path, f"line {number} has no {'translation' if line[0] else 'sentence'}."))
        else:
            pairs.append(tuple(line[:2]))
    return pairs


def _lines(path, read, problems):
    """Reads the lines of a file, each by `read`; `None` for one that is not UTF-8, which is told."""
    lines = []
    for number, line in enumerate(_content(path).split(b"\n"), 1):
        try:
            lines.append(read(line.decode("utf-8").removeprefix("\ufeff" if number == 1 else "")))
        except UnicodeDecodeError as error:
            wrong = f"line {number} is not UTF-8: byte {line[error.start]:#04x} at place {error.start + 1}."
            problems.append(Problem(path, wrong))
            lines.append(None)
    return lines


def _content(path):
    """Returns a file's bytes, unpacked, without its last end of line, after which there is no line any more."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} is no .gz file that can be unpacked ({error}).") from error
    return content.removesuffix(b"\n")


def _fields(line):
    return [_normalized(field) for field in itertools.islice(line.split("\t"), 2)]


def _normalized(text):
    return unicodedata.normalize("NFC", " ".join(text.split()))


def _split_off(examples, fraction, seed, sources):
    """Parts examples in two, `fraction` of the different sentences in the second part."""
    different, numbers = np.unique(examples.x, return_inverse=True)
    chosen = np.zeros(len(different), bool)
    if fraction:
        if len(different) < 2:
            raise DataError(f"{sources}: to be split, 2 different sentences are needed. Received: {len(different)}")
        count = min(max(1, round(fraction * len(different))), len(different) - 1)
        chosen[np.random.default_rng(seed).choice(len(different), count, replace=False)] = True
    drawn = chosen[numbers]
    return Examples(examples.x[~drawn], examples.y[~drawn]), Examples(examples.x[drawn], examples.y[drawn])
