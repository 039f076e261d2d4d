"""Pictures annotated in COCO's JSON, one file a data set or split."""

import json
from pathlib import PurePosixPath

from dlkeras.data.annotations import PICTURES, Box, Collector, list_all_files, list_files, split_of
from dlkeras.data.location import DataError, as_folder


def load_coco(directory):
    """Reads pictures and their boxes from COCO's JSON.

    A picture without boxes is a picture of background. Crowds (`iscrowd`) are difficult boxes. The split of a picture
    is that in the JSON's name (`instances_val2017.json`), else that of its folder.

    Args:
        directory: A folder with `annotations/*.json`, or with JSON files, or with folders named `train`, `valid` (or
            `val`) and `test` that each hold one, such as `_annotations.coco.json`. Pictures may lie anywhere below it.
            Where there are files `instances_*.json`, others beside them are not read: they are COCO's other tasks.

    Returns:
        `(annotated, problems)`: a list of `Annotated`, in the order of the pictures' names, and a list of `Problem`.
        Boxes with a problem are left out, and so are pictures that cannot be read or that no JSON names.

    Raises:
        DataError: The folder is laid out otherwise, or holds no picture that can be used.

    Source: Lin et al. 2014, "Microsoft COCO", and cocodataset.org/#format-data.
    """
    directory = as_folder(directory)
    files = _json_files(directory)
    if not files:
        raise DataError(
            f"{directory} holds no COCO annotations. Accepted: annotations/*.json, *.json, or train/*.json, "
            "valid/*.json and test/*.json."
        )
    collector, pictures = Collector(), {}
    for path in list_all_files(directory, PICTURES):
        pictures.setdefault(path.name, []).append(path)
    named = set()
    for file in files:
        named |= _read_file(file, directory, pictures, collector)
    unnamed = sorted(set(pictures) - named)
    if unnamed:
        collector.problem(directory, f"no JSON names {len(unnamed)} of the pictures, such as {unnamed[0]}.")
    return collector.finish(directory)


def _json_files(directory):
    if (directory / "annotations").is_dir():
        files = list_files(directory / "annotations", (".json",))
    else:
        parts = [path for path in sorted(directory.iterdir()) if path.is_dir() and split_of(path.name)]
        files = [file for folder in (directory, *parts) for file in list_files(folder, (".json",))]
    instances = [file for file in files if file.name.startswith("instances_")]
    return instances or files


def _read_file(file, directory, pictures, collector):
    """Reads one JSON; returns the names of the pictures that it speaks of."""
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
        images, categories = (_by_id(content[name]) for name in ("images", "categories"))
        boxes = {image_id: [] for image_id in images}
        for number, annotation in enumerate(content["annotations"], 1):
            name = f"annotation {annotation.get('id', number)}"
            if annotation["image_id"] in boxes:
                boxes[annotation["image_id"]].append((name, annotation))
            else:
                collector.problem(file, f"{name} is of a picture that is not listed.")
        names = {image_id: PurePosixPath(image["file_name"].replace("\\", "/")) for image_id, image in images.items()}
        labels = {category_id: str(category["name"]) for category_id, category in categories.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
        collector.problem(file, f"is no JSON with COCO's images, annotations and categories ({reason:.200}).")
        return set()
    split = split_of(file.stem) or split_of(file.parent.name if file.parent != directory else "")
    for image_id, name in names.items():
        picture = _find(name, pictures, file, split)
        if picture is None:
            among = "is not there" if name.name not in pictures else "is in several folders, of which none fits"
            collector.problem(file, f"the picture {name} {among}.")
            continue
        size = collector.open(picture, file, _told_size(images[image_id]))
        if size:
            entries = ((f"{name} of {picture.name}", annotation) for name, annotation in boxes[image_id])
            collector.add(picture, size, file, entries, lambda annotation: _box(annotation, labels), split)
    return {name.name for name in names.values()}


def _by_id(rows):
    """Maps the rows' ids to them; raises `ValueError` where an id is there twice."""
    by_id = {row["id"]: row for row in rows}
    if len(by_id) < len(rows):
        raise ValueError(f"{len(rows)} entries with {len(by_id)} ids")
    return by_id


def _find(name, pictures, file, split):
    """Finds a picture by its name, among those below the folder only; None where there is none or no telling which."""
    found = pictures.get(name.name, [])
    # The nearest first: as the name says, beside the JSON, in a folder of the split.
    choices = (
        [path for path in found if path.parts[-len(name.parts) :] == name.parts] if len(name.parts) > 1 else [],
        [path for path in found if path.parent == file.parent],
        [path for path in found if split and split_of(path.parent.name) == split],
        found,
    )
    return next((paths[0] for paths in choices if len(paths) == 1), None)


def _told_size(image):
    try:
        return float(image["height"]), float(image["width"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _box(annotation, labels):
    category = annotation.get("category_id")
    if not isinstance(category, int | str) or category not in labels:
        raise ValueError(f"has an unknown category_id: {category!r:.80}")
    try:
        left, top, width, height = map(float, annotation["bbox"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ValueError(f"has a bbox that is not four numbers: {annotation.get('bbox')!r:.80}") from None
    edges = (left, top, left + width, top + height)
    return Box(labels[category], edges, annotation.get("iscrowd") in (1, True))
