"""Texts with labels as `Splits`: from lines, tables, or folders of files."""

from pathlib import Path

import numpy as np

from dlkeras.checks import check_choice
from dlkeras.data.annotations import list_files, refuse_texts, split_of
from dlkeras.data.location import DataError, find
from dlkeras.data.splits import Examples, Splits, split_off
from dlkeras.data.text_lines import check_encoding, read_class_lines, read_csv, read_lines, read_whole

FORMS = ("tab", "space", "csv", "classes")
_NO_CLASS = ("unsup",)  # IMDb's reviews without a label
_LAYOUTS = (
    "Accepted: a file of `label<TAB>text` or `label text` a line; .csv or .tsv with `columns`; the beginning of the "
    "names of such files, one a split, or of files of one class each, such as name.pos and name.neg; a folder of "
    "folders, one a class, with a .txt file a text, or of train/ and test/ with such folders."
)


def load_texts(
    source,
    *,
    form=None,
    columns=("text", "label"),
    names=None,
    encoding=None,
    validation_fraction=0.1,
    test_fraction=0.1,
    seed=0,
    strict=False,
):
    """Reads texts and their labels, parted as the data set says, else by a draw, each class in the same share.

    Args:
        source: Path, also one in `DLKERAS_DATA`, of a file, of a folder, or of the beginning of the names of files: of
            `sst` the files `sst.train`, `sst.dev` and `sst.test`, or `mr` for `mr.pos` and `mr.neg`.
        form: Of files: `"tab"` (`label<TAB>text` a line), `"space"` (`label text` a line), `"csv"` or `"classes"` (a
            file a class, a text a line); `None` to find out. In a folder each text is a file, as IMDb has them.
        columns: Names of the columns `(text, label)` of a table.
        names: `{label: class name}`, for labels such as 0 and 1; `None` for the labels themselves.
        encoding: Of the files; `None` for UTF-8, or where it is none for cp1252 or ISO-8859-1.
        validation_fraction: Share of the texts that are not tested on, drawn for validation where none are named.
        test_fraction: Share of the texts drawn for test where none are named; 0 for none.
        seed: Seed of both draws.
        strict: Whether anything wrong with the files is an error. Else it is left out, and told.

    Returns:
        `(splits, problems)`: `Splits` with `str` `(texts,)` in arrays of objects and classes int32 `(texts,)`; `info`
        has `class_names` and `data`. `problems` is a list of `dlkeras.data.annotations.Problem`.

    Raises:
        DataError: There are no such files, or too few texts to be split, or, with `strict`, something is wrong.
    """
    parts, problems = _read(source, form, columns, names, encoding, strict)
    rest = parts.get("train") or parts.get("")
    if not rest:
        raise DataError(f"{source} has no texts to train on beside {', '.join(sorted(parts))}.")
    class_names = sorted({row.label for row in rest}, key=_by_number)
    if len(class_names) < 2:
        raise DataError(f"{source}: a classifier needs at least 2 classes. Received: {', '.join(class_names)}")
    parts = {split: _examples(rows, class_names, source) for split, rows in parts.items()}
    rest = parts.get("train") or parts[""]
    try:
        if "test" not in parts and test_fraction:
            rest, parts["test"] = split_off(rest, test_fraction, seed)
        if "validation" not in parts:
            rest, parts["validation"] = split_off(rest, validation_fraction, seed + 1)
    except ValueError as error:
        raise DataError(f"{source}: {error}") from error
    test = parts.get("test") or _examples([], class_names, source)
    info = {"class_names": class_names, "data": Path(source).resolve().name}
    return Splits(rest, parts["validation"], test, info), problems


def load_test_texts(source, class_names, *, form=None, columns=("text", "label"), names=None, encoding=None):
    """Reads texts to test on: those of the test split, or all where the data set names no splits.

    Args:
        source: As of `load_texts`, like `form`, `columns`, `names` and `encoding`.
        class_names: The classes that a model knows; labels are numbered by them.

    Returns:
        `(examples, problems)`.

    Raises:
        DataError: There are no such files, or a label is not among `class_names`.
    """
    parts, problems = _read(source, form, columns, names, encoding, strict=False)
    rows = parts.get("test") or [row for part in parts.values() for row in part]
    return _examples(rows, class_names, source), problems


def _read(source, form, columns, names, encoding, strict):
    """Returns `{split: rows}`, `""` where no split is named, and a list of problems."""
    if form is not None:
        check_choice("form", form, FORMS)
    check_encoding(encoding)
    path, problems, parts = _find(source), [], {}
    for split, rows in _parts(path, form, columns, encoding, problems):
        parts.setdefault(split, []).extend(rows)
    if strict:
        refuse_texts(problems, "texts")
    if not any(parts.values()):
        raise DataError(f"{source} holds no texts with labels. {_LAYOUTS}" + _first(problems))
    if names is not None:
        parts = {split: [_rename(row, names, source) for row in rows] for split, rows in parts.items()}
    return {split: rows for split, rows in parts.items() if rows}, problems


def _find(source):
    path = Path(source).expanduser()
    for candidate in (path, find(str(source)), _in_data(path)):
        if candidate is not None and (candidate.exists() or _beginning_so(candidate)):
            return candidate
    raise DataError(f"{source}: there is no such file or folder, and no file whose name begins so. {_LAYOUTS}")


def _in_data(path):
    """Returns where in `DLKERAS_DATA` the beginning of names would be."""
    folder = None if path.is_absolute() else find(str(path.parent))
    return folder and folder / path.name


def _beginning_so(path):
    """Returns the files whose names are a path's and more after a point, sorted."""
    files = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    return [file for file in files if file.is_file() and file.name.startswith(f"{path.name}.")]


def _parts(path, form, columns, encoding, problems):
    """Yields a split and its rows, in turn."""
    if path.is_dir():
        yield from _folders(path, encoding, problems)
        return
    files = [path] if path.is_file() else _beginning_so(path)
    for file in files:
        # Of a name such as `mr.pos` the end is a class where it is no split.
        split = _split_of(file.name)
        label = file.name.removeprefix(f"{path.name}.").split(".")[0]
        if form == "classes" or (form is None and len(files) > 1 and not split and file.suffix not in (".csv", ".tsv")):
            yield split, read_class_lines(file, label, encoding, problems)
        elif form == "csv" or (form is None and file.suffix in (".csv", ".tsv")):
            yield split, read_csv(file, columns, encoding, problems)
        else:
            separator = {"tab": "\t", "space": " "}.get(form)
            yield split, read_lines(file, separator, encoding, problems)


def _folders(folder, encoding, problems, split=""):
    for below in sorted(path for path in folder.iterdir() if path.is_dir()):
        named = "" if split else _split_of(below.name)
        if named:
            yield from _folders(below, encoding, problems, named)
        elif below.name not in _NO_CLASS:
            for file in list_files(below, (".txt",)):
                yield split, read_whole(file, below.name, encoding, problems)


def _split_of(name):
    return split_of(name) or ("validation" if "dev" in name.lower().split(".") or name.lower() == "dev" else "")


def _rename(row, names, source):
    if row.label not in names:
        raise DataError(f"{source}: a label must be one of {', '.join(names)}. Received: {row.label}")
    return row._replace(label=names[row.label])


def _examples(rows, class_names, source):
    numbers = {name: number for number, name in enumerate(class_names)}
    unknown = sorted({row.label for row in rows} - set(numbers))
    if unknown:
        raise DataError(f"{source}: a label must be one of {', '.join(class_names)}. Received: {', '.join(unknown)}")
    texts = np.empty(len(rows), object)
    texts[:] = [row.text for row in rows]
    return Examples(texts, np.array([numbers[row.label] for row in rows], "int32"))


def _by_number(label):
    return (0, int(label), label) if label.isdecimal() and label.isascii() else (1, 0, label)


def _first(problems):
    return f" {problems[0].file}: {problems[0].sentence}" if problems else ""
