"""Pictures annotated in YOLO's text files, one file a picture and one line a box."""

from pathlib import Path

import yaml

from dlkeras.data.annotations import PICTURES, Box, Collector, list_all_files, list_files, split_of
from dlkeras.data.location import DataError, as_folder

_NAME_FILES = ("classes.txt", "obj.names")


def load_yolo(directory):
    """Reads pictures and their boxes from the text files of YOLO.

    A line is `class x y width height`, the centre and the sides relative to the picture. A picture without a text file,
    or with an empty one, is a picture of background. The split of a picture is that of its folders.

    Args:
        directory: A folder with `images/` and `labels/`, each with `train/`, `val/` and `test/` below it where the data
            are split, or with folders `train`, `valid` and `test` that each hold `images/` and `labels/`. The class
            names are the `names` of `data.yaml` (or another `.yaml` in it), or the lines of `classes.txt` or
            `obj.names`, in the folder or in `labels/`.

    Returns:
        `(annotated, problems)`: a list of `Annotated`, in the order of the pictures' names, and a list of `Problem`.
        Boxes with a problem are left out, and so are pictures that cannot be read.

    Raises:
        DataError: The folder is laid out otherwise, has no class names, or holds no picture that can be used.

    Source: Redmon et al. 2016, "You Only Look Once", and the layout of Ultralytics.
    """
    directory = as_folder(directory)
    labels = {
        path.relative_to(directory).with_suffix(""): path
        for path in list_all_files(directory, (".txt",))
        if "labels" in path.relative_to(directory).parts[:-1] and path.name not in _NAME_FILES
    }
    pictures = [
        path for path in list_all_files(directory, PICTURES) if "images" in path.relative_to(directory).parts[:-1]
    ]
    if not labels or not pictures:
        raise DataError(
            f"{directory} holds no YOLO annotations. Accepted: images/ and labels/ side by side, in it or in its "
            "folders train/, valid/ and test/."
        )
    names = _class_names(directory)
    collector = Collector()
    unused = dict(labels)
    for picture in pictures:
        inside = picture.relative_to(directory)
        key = _label_of(inside)
        file = labels.get(key)
        unused.pop(key, None)
        size = collector.open(picture, file or picture)
        if size:
            split = next(filter(None, map(split_of, inside.parts[:-1])), "")
            lines = _lines(file, collector) if file else []
            collector.add(picture, size, file, lines, lambda line, size=size: _box(line, names, size), split)
    for file in unused.values():
        collector.problem(file, "there is no picture of this name in images.")
    return collector.finish(directory)


def _label_of(picture):
    """Returns where a picture's text file is, without suffix: the last `images` of its folders is `labels` there."""
    folders = list(picture.parts[:-1])
    folders[len(folders) - 1 - folders[::-1].index("images")] = "labels"
    return Path(*folders, picture.stem)


def _class_names(directory):
    """Returns the class names by number, from the first file that has them."""
    for path in list_files(directory, (".yaml", ".yml")):
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
            names = content.get("names") if isinstance(content, dict) else None
            if isinstance(names, list | dict):
                pairs = names.items() if isinstance(names, dict) else enumerate(names)
                return {int(number): str(name) for number, name in pairs}
        except (yaml.YAMLError, ValueError, TypeError) as error:
            raise DataError(f"{path} has no class names that can be read ({error}).") from error
    for path in [folder / name for folder in (directory, directory / "labels") for name in _NAME_FILES]:
        if path.is_file():
            lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
            return dict(enumerate(map(str.strip, lines)))
    raise DataError(f"{directory} has no class names. Accepted: `names` in data.yaml, classes.txt, or obj.names.")


def _lines(file, collector):
    """Returns `(name, words)` of each line that is not empty."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        collector.problem(file, "is no text.")
        return []
    return [(f"line {number}", line.split()) for number, line in enumerate(lines, 1) if line.strip()]


def _box(words, names, size):
    if len(words) != 5:
        raise ValueError(f"must be a class and four numbers, not {len(words)} words")
    try:
        x, y, width, height = map(float, words[1:])
    except ValueError:
        raise ValueError(f"is not four numbers: {' '.join(words[1:])!r:.80}") from None
    if not words[0].isdecimal() or int(words[0]) not in names:
        raise ValueError(f"has an unknown class: {words[0]!r:.80}; there are {len(names)}")
    edges = (x - width / 2) * size[1], (y - height / 2) * size[0], (x + width / 2) * size[1], (y + height / 2) * size[0]
    return Box(names[int(words[0])], edges)
