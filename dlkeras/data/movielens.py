"""MovieLens (Harper and Konstan 2015): ratings of films with titles and genres, in each form that it comes in."""

import csv
import io
from typing import NamedTuple

import numpy as np

from dlkeras.data.location import DataError, find_folder
from dlkeras.data.rating_files import read_text
from dlkeras.data.ratings import Ratings, read_ratings, renamed

LIMITS = (0.5, 5.0)
"""The lowest and the highest rating; of 100K and 1M the lowest is 1."""

_NO_GENRES = ("unknown", "(no genres listed)")
_ACCEPTED = (
    "Accepted: a folder with u.data (100K), ratings.dat (1M, 10M) or ratings.csv (the newer ones), as "
    "https://grouplens.org/datasets/movielens has them."
)


class MovieLens(NamedTuple):
    """Ratings of films.

    Attributes:
        ratings: `dlkeras.data.ratings.Ratings`.
        titles: Tuple of `str`, by item; an item that the list of films lacks has its id.
        genres: Tuple of tuples of `str`, by item.
    """

    ratings: Ratings
    titles: tuple
    genres: tuple


def load_movielens(source="movielens/ml-100k"):
    """Reads MovieLens 100K, 1M, 10M or one of those in CSV.

    Args:
        source: The folder, also one in `DLKERAS_DATA`.

    Returns:
        `MovieLens`.

    Raises:
        DataError: There is no such folder, it holds no ratings, or a line of them is none.

    Source: Harper and Konstan 2015, "The MovieLens Datasets: History and Context".
    """
    folder = _folder(source)
    name = next((name for name in _FORMS if (folder / name).is_file()), None)
    if name is None:
        raise DataError(f"{folder} holds no ratings of MovieLens. {_ACCEPTED}")
    ratings = read_ratings(folder / name, limits=LIMITS)
    films = _FORMS[name](folder)
    known = [films.get(item, (item, ())) for item in ratings.item_names]
    return MovieLens(ratings, tuple(title for title, _ in known), tuple(genres for _, genres in known))


def load_movielens_split(name, ratings, source="movielens/ml-100k"):
    """Reads one of the splits that MovieLens 100K comes with.

    Args:
        name: `"u1"` to `"u5"` (five folds), `"ua"` or `"ub"` (ten ratings of each user are the test).
        ratings: `dlkeras.data.ratings.Ratings` of the whole, whose names the parts are given.
        source: The folder, also one in `DLKERAS_DATA`.

    Returns:
        `(train, test)`, both `Ratings`.

    Raises:
        DataError: There are no such files, or they are of other users or items.
    """
    folder = _folder(source)
    files = [folder / f"{name}.{end}" for end in ("base", "test")]
    for file in files:
        if not file.is_file():
            there = ", ".join(sorted(path.stem for path in folder.glob("*.base"))) or "none"
            raise DataError(f"{file} is not there. Accepted: a split of this folder, of which there are: {there}.")
    parts = [read_ratings(file, limits=LIMITS) for file in files]
    return tuple(renamed(part, ratings.user_names, ratings.item_names) for part in parts)


def genre_matrix(genres):
    """Makes a table of which item has which genre.

    Args:
        genres: Tuple of tuples of `str`, as of `MovieLens`.

    Returns:
        `(names, table)`: sorted tuple of `str`, and bool `(items, names)`.
    """
    names = tuple(sorted({name for some in genres for name in some}))
    table = np.array([[name in some for name in names] for some in genres], bool)
    return names, table.reshape(len(genres), len(names))


def _folder(source):
    try:
        return find_folder(source)
    except DataError as error:
        raise DataError(f"{error} {_ACCEPTED} Name its path, or put it in DLKERAS_DATA.") from None


def _films_100k(folder):
    """Returns `{item: (title, genres)}`, like the others."""
    genres = [fields[0] for fields in _fields(folder / "u.genre", "|") if len(fields) == 2]
    films = {}
    for fields in _fields(folder / "u.item", "|"):
        # After id, title, two dates and an address stands a 0 or 1 for each genre.
        marks = fields[5:]
        names = [name for name, mark in zip(genres, marks, strict=False) if mark == "1"]
        films[fields[0]] = (fields[1] if len(fields) > 1 else fields[0], _without_none(names))
    return films


def _films_dat(folder):
    text = read_text(folder / "movies.dat") if (folder / "movies.dat").is_file() else ""
    films = (line.rstrip("\r").split("::") for line in text.split("\n"))
    return {film[0]: (film[1], _without_none(film[2].split("|"))) for film in films if len(film) == 3}


def _films_csv(folder):
    films = (fields for fields in _fields(folder / "movies.csv", ",", csv.QUOTE_MINIMAL) if len(fields) == 3)
    return {item: (title, _without_none(genres.split("|"))) for item, title, genres in films}


def _fields(path, separator, quoting=csv.QUOTE_NONE):
    """Returns the fields of the lines of a file; of one that is not there none: films can do without titles."""
    text = read_text(path) if path.is_file() else ""
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting) if row]


def _without_none(genres):
    return tuple(name for name in genres if name and name not in _NO_GENRES)


_FORMS = {"u.data": _films_100k, "ratings.dat": _films_dat, "ratings.csv": _films_csv}
