"""The files that ratings come in, each read to columns of users, items, ratings and times."""

import csv
import gzip
import io
import math
import zlib

import numpy as np

from dlkeras.data.location import DataError

_SEPARATORS = ("::", "\t", ";", ",")
# As `dlkeras.data.text_lines` has them, which needs TensorFlow: bytes that are no UTF-8 are cp1252, else ISO-8859-1.
_ENCODINGS = ("utf-8", "cp1252", "iso-8859-1")
_COLUMNS = {
    "user": ("user", "userid", "uid"),
    "item": ("item", "itemid", "iid", "movie", "movieid"),
    "rating": ("rating", "score", "stars"),
    "time": ("time", "timestamp"),
}
_KNOWN = "Accepted: " + "; ".join(f"{', '.join(names)} for the {column}" for column, names in _COLUMNS.items()) + "."
_LONGEST_SHOWN = 80


def read_columns(path, limits=None, encoding=None):
    """Reads a file of ratings; arguments and errors as of `dlkeras.data.ratings.read_ratings`.

    Returns:
        `(users, items, ratings, times)`: two lists of `str`, float64 `(ratings,)`, and int64 `(ratings,)` or `None`.
    """
    text = read_text(path, encoding)
    first = next((line for line in io.StringIO(text) if line.strip()), "")
    separator = next((one for one in _SEPARATORS if first.count(one) >= 2), None)
    if separator is None:
        raise DataError(
            f"{path}: the first line must be a user, an item and a rating, with a tab, ::, a semicolon or a comma "
            f"between them. Received: {_shown(first.strip())}"
        )
    header = _split(first, separator)
    places = _places_in_header(path, header) if _is_header(header) else _places_by_order(path, header)
    skip = 1 if _is_header(header) else 0
    try:
        rows = [row for row in _rows(text, separator) if row][skip:]
        if not rows:
            raise DataError(f"{path} holds no ratings.")
        columns = _columns(rows, len(header), places, limits)
    except csv.Error as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    return columns or _refuse_line(path, text, separator, len(header), places, limits, skip)


def read_text(path, encoding=None):
    """Returns what a file holds, packed or not, as text; `encoding` as of `dlkeras.data.ratings.read_ratings`."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    for name in [encoding] if encoding else _ENCODINGS:
        try:
            return data.decode(name).removeprefix("\ufeff")
        except LookupError:
            raise DataError(f"`encoding` must be one that Python knows. Received: {name!r}") from None
        except UnicodeDecodeError as error:
            wrong = error
    line = data.count(b"\n", 0, wrong.start) + 1
    raise DataError(f"{path}: line {line} is no {wrong.encoding}. Accepted: another `encoding`.")


def _rows(text, separator):
    """Returns a reader of the fields of lines; `line_num` is the line it is at."""
    if separator == "::":
        text, separator = text.replace("::", "\t"), "\t"
    quoting = csv.QUOTE_NONE if separator == "\t" else csv.QUOTE_MINIMAL
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting)


def _split(line, separator):
    return [field.strip() for field in next(_rows(line, separator))]


def _is_header(fields):
    known = {name for names in _COLUMNS.values() for name in names}
    # An item may be called "movie": a line of ratings has a number somewhere.
    return bool(known & {*map(_plain, fields)}) and not any(_number(field) is not None for field in fields)


def _plain(name):
    return name.lower().replace("_", "").replace(" ", "").replace("-", "")


def _places_in_header(path, header):
    """Returns the places of user, item, rating and time, the last `None` where there is none."""
    plain = [*map(_plain, header)]
    places = [next((plain.index(name) for name in names if name in plain), None) for names in _COLUMNS.values()]
    if None in places[:3]:
        received = _shown(", ".join(header))
        raise DataError(f"{path}: a header must name a user, an item and a rating. {_KNOWN} Received: {received}")
    return places


def _places_by_order(path, fields):
    if len(fields) > 4:
        raise DataError(
            f"{path}: without a header a line must be a user, an item, a rating and maybe a time. "
            f"Received: {len(fields)} fields"
        )
    return [0, 1, 2, 3 if len(fields) == 4 else None]


def _columns(rows, width, places, limits):
    """Returns the columns, all rows at once; `None` where one of them is wrong."""
    if {*map(len, rows)} != {width}:
        return None
    users, items = ([row[place].strip() for row in rows] for place in places[:2])
    try:
        numbers = [
            None if place is None else np.fromiter((float(row[place]) for row in rows), "float64", len(rows))
            for place in places[2:]
        ]
    except ValueError:
        return None
    ratings, times = numbers
    right = all(users) and all(items) and all(part is None or np.isfinite(part).all() for part in numbers)
    if not right or (limits and not ((limits[0] <= ratings) & (ratings <= limits[1])).all()):
        return None
    return users, items, ratings, None if times is None else times.astype("int64")


def _refuse_line(path, text, separator, width, places, limits, skip):
    """Raises an error of the first line that is wrong. Line by line: only once a file is known to be wrong."""
    reader = _rows(text, separator)
    lines = [(reader.line_num, row) for row in reader if row]
    for number, row in lines[skip:]:
        wrong = _what_is_wrong(row, width, places, limits)
        if wrong:
            raise DataError(f"{path}: line {number} {wrong} Received: {_shown(separator.join(row))}")


def _what_is_wrong(row, width, places, limits):
    if len(row) != width:
        return f"must have {width} fields, as the first line has."
    for what, place in zip(_COLUMNS, places, strict=True):
        if place is None:
            continue
        if what in ("user", "item"):
            if not row[place].strip():
                return f"must have the id of a{'n' if what == 'item' else ''} {what}."
        elif _number(row[place]) is None:
            return f"must have a finite number as its {what}."
    if limits and not limits[0] <= float(row[places[2]]) <= limits[1]:
        return f"must have a rating from {limits[0]:g} to {limits[1]:g}."
    return None


def _number(text):
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _shown(text):
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}...") if text else "nothing"
