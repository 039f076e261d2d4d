"""The files that texts with labels come in, each read to rows of label, text and line."""

import codecs
import csv
import io
from typing import NamedTuple

from dlkeras.data.annotations import Problem
from dlkeras.data.location import DataError

# Both are read without complaint whatever the bytes; cp1252 has quotes and dashes where the other has controls.
_FALLBACKS = ("cp1252", "iso-8859-1")


class Row(NamedTuple):
    """A text and its label, as a file has them."""

    label: str
    text: str


def check_encoding(encoding):
    """Refuses a name that Python knows no encoding by; `None` is one that is to be found out."""
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError:
        raise DataError(f"`encoding` must be one that Python knows, such as utf-8. Received: {encoding!r}") from None


def read_lines(path, separator, encoding, problems):
    """Reads a file of a label, a separator and a text a line.

    Args:
        path: The file.
        separator: Between label and text; `None` for a tab where the first line has one, else a space.
        encoding: Of the file; `None` for UTF-8, or where it is none for cp1252 or ISO-8859-1.
        problems: List that `Problem`s are added to, for lines that are left out.

    Returns:
        List of `Row`.
    """
    rows = []
    for number, line in decoded_lines(path, encoding, problems):
        if separator is None:
            separator = "\t" if "\t" in line else " "
        label, found, text = line.partition(separator)
        if not found:
            problems.append(Problem(path, f"line {number} must be a label, {_named(separator)} and a text."))
        elif _is_complete(path, number, label, text, problems):
            rows.append(Row(label.strip(), text.strip()))
    return rows


def read_class_lines(path, label, encoding, problems):
    """Reads a file of one class, a text a line; arguments and answer as of `read_lines`."""
    return [Row(label, line.strip()) for _, line in decoded_lines(path, encoding, problems) if line.strip()]


def read_csv(path, columns, encoding, problems):
    """Reads a file with a header and fields in quotes where they need them.

    Args:
        path: The file; its fields have tabs between them where its name ends in `.tsv`, else commas.
        columns: Names of the columns `(text, label)`.
        encoding: As of `read_lines`, like `problems`.

    Returns:
        List of `Row`.

    Raises:
        DataError: A column is not there.
    """
    text = "\n".join(line for _, line in decoded_lines(path, encoding, problems, every=True))
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if path.suffix == ".tsv" else ",")
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        received = ", ".join(map(str, reader.fieldnames or ())) or "nothing"
        raise DataError(f"{path}: the first line must name the columns {' and '.join(columns)}. Received: {received}")
    rows = []
    try:
        for fields in reader:
            text, label = (fields[name] or "" for name in columns)
            if _is_complete(path, reader.line_num, label, text, problems):
                rows.append(Row(label.strip(), text.strip()))
    except csv.Error as error:
        problems.append(Problem(path, f"line {reader.line_num} cannot be read, nor what follows: {error}."))
    return rows


def read_whole(path, label, encoding, problems):
    """Reads a file that is one text; arguments and answer as of `read_class_lines`."""
    text, wrong = _decode(path.read_bytes(), encoding)
    if wrong:
        problems.append(Problem(path, wrong))
    elif not text.strip():
        problems.append(Problem(path, "has no text."))
    else:
        return [Row(label, text.strip())]
    return []


def decoded_lines(path, encoding, problems, every=False):
    """Yields the number and the text of lines; empty ones only if `every` one is wanted."""
    data = path.read_bytes()
    encoding = encoding or _found(data)
    # Texts may hold other signs that Python takes for an end of line. Of two-byte encodings not even this byte is one.
    if len("\n".encode(encoding)) > 1:
        lines = [line.encode(encoding) for line in data.decode(encoding, "replace").split("\n")]
    else:
        lines = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        text, wrong = _decode(line, encoding)
        if wrong:
            problems.append(Problem(path, f"line {number} {wrong}"))
        elif every or text.strip():
            yield number, text.removesuffix("\r").removeprefix("\ufeff" if number == 1 else "")


def _found(data):
    return next(encoding for encoding in ("utf-8", *_FALLBACKS) if _decode(data, encoding)[1] is None)


def _decode(data, encoding):
    """Returns `(text, None)`, or `(None, a sentence)`."""
    encoding = encoding or _found(data)
    try:
        return data.decode(encoding), None
    except UnicodeDecodeError as error:
        byte = data[error.start]
        return None, f"is no {encoding}: byte {byte:#04x} at place {error.start + 1}. Accepted: another `encoding`."


def _is_complete(path, number, label, text, problems):
    missing = next((name for name, value in (("label", label), ("text", text)) if not value.strip()), None)
    if missing:
        problems.append(Problem(path, f"line {number} has no {missing}."))
    return not missing


def _named(separator):
    return {"\t": "a tab", " ": "a space"}.get(separator, repr(separator))
