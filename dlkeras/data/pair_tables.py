"""The tables that labelled pairs of texts come in, each read to rows of premise, hypothesis and label."""

import csv
import io
import itertools
import re
from typing import NamedTuple

from dlkeras.data.annotations import Problem
from dlkeras.data.location import DataError
from dlkeras.data.text_lines import decoded_lines

UNDECIDED = "-"
"""The label of pairs on which SNLI's annotators did not agree."""

_LABELS = ("gold_label", "label", "entailment_judgment")
_FOUR = ("premise1", "premise2", "premise3", "premise4")
_TEXTS = (
    (_FOUR, "hypothesis"),
    (("premise",), "hypothesis"),
    (("sentence1",), "sentence2"),
    (("sentence_A",), "sentence_B"),
)
_IMAGE = re.compile(r"^[^\s/]+#\d+/")  # MPE has the picture's name before each caption
_KNOWN = (
    "Accepted: premise (or premise1 to premise4) and hypothesis, sentence1 and sentence2, or sentence_A and "
    f"sentence_B, beside {', '.join(_LABELS)}; or `columns`"
)


class Pair(NamedTuple):
    """A premise, a hypothesis and a label, as a file has them."""

    premise: str
    hypothesis: str
    label: str


def read_pairs(path, columns, encoding, problems):
    """Reads a table of pairs: the first line names the columns, tabs or commas stand between the fields.

    Known are the columns of SNLI and MultiNLI (sentence1, sentence2, gold_label), LingNLI (premise, hypothesis,
    gold_label), SICK (sentence_A, sentence_B, entailment_judgment) and MPE (premise1 to premise4, hypothesis,
    gold_label), whose four captions become one premise. Between tabs a field holds no end of line, and quotation marks
    need not be doubled.

    Args:
        path: The file.
        columns: Names of the columns `(premise, hypothesis, label)`; `None` to find out.
        encoding: Of the file; `None` for UTF-8, or where it is none for cp1252 or ISO-8859-1.
        problems: List that `dlkeras.data.annotations.Problem`s are added to, for rows that are left out.

    Returns:
        `(rows, undecided)`: a list of `Pair`, and the number of rows that were left out since their label is `-`.

    Raises:
        DataError: The columns are not there.
    """
    lines = _fields(path, encoding, problems)
    _, header = next(lines, (0, []))
    places = _places(path, header, columns)
    rows, undecided = [], 0
    for number, fields in lines:
        row = _row(path, number, fields, len(header), places, problems) if fields else None
        undecided += row is not None and row.label == UNDECIDED
        if row is not None and row.label != UNDECIDED:
            rows.append(row)
    return rows, undecided


def _fields(path, encoding, problems):
    """Yields the number and the fields of lines."""
    lines = decoded_lines(path, encoding, problems, every=True)
    first = next(lines, (0, ""))
    lines = itertools.chain([first], lines)
    if "\t" in first[1]:
        yield from ((number, [_plain(field) for field in line.split("\t")] if line else []) for number, line in lines)
        return
    reader = csv.reader(io.StringIO("\n".join(line for _, line in lines), newline=""))
    try:
        yield from ((reader.line_num, fields) for fields in reader)
    except csv.Error as error:
        problems.append(Problem(path, f"line {reader.line_num} cannot be read, nor what follows: {error}."))


def _plain(field):
    """Takes the quotation marks off a field that a writer of tables has put there."""
    inner = field[1:-1]
    quoted = len(field) > 1 and field[0] == field[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else field


def _places(path, header, columns):
    """Returns the places of the columns: `(those of the premise, that of the hypothesis, that of the label)`."""
    if columns:
        premise, hypothesis, label = columns
        kinds, wanted = [((premise,), hypothesis, label)], f"the columns {', '.join(columns)}"
    else:
        kinds, wanted = [(*texts, label) for texts in _TEXTS for label in _LABELS], f"columns that are known. {_KNOWN}"
    for premises, hypothesis, label in kinds:
        if {*premises, hypothesis, label} <= {*header}:
            return tuple(map(header.index, premises)), header.index(hypothesis), header.index(label)
    raise DataError(f"{path}: the first line must name {wanted}. Received: {', '.join(header)[:200] or 'nothing'}")


def _row(path, number, fields, width, places, problems):
    """Returns a `Pair`, or `None` with a problem told."""
    if len(fields) != width:
        problems.append(Problem(path, f"line {number} must have {width} fields. Received: {len(fields)}"))
        return None
    premises, hypothesis, label = places
    captions = [_IMAGE.sub("", fields[place].strip()) for place in premises] if len(premises) > 1 else []
    premise = " ".join(captions) or fields[premises[0]].strip()
    row = Pair(premise, fields[hypothesis].strip(), fields[label].strip())
    missing = next((name for name, value in row._asdict().items() if not value), None)
    if missing:
        problems.append(Problem(path, f"line {number} has no {missing}."))
    return None if missing else row
