"""Pictures annotated in Pascal VOC's XML, one file a picture."""

from pathlib import Path
from xml.etree.ElementTree import TreeBuilder
from xml.parsers import expat

from dlkeras.data.annotations import PICTURES, Box, Collector, list_files, split_of
from dlkeras.data.location import DataError, as_folder

_PICTURE_FOLDERS = ("jpegimages", "images")
_XML_FOLDERS = ("annotations", "annots")
_LAYOUTS = (
    "Accepted: JPEGImages/ or images/ beside Annotations/ or annots/, pictures and .xml files in one folder, "
    "or train/, valid/ and test/ folders of either."
)


def load_voc(directory):
    """Reads pictures and their boxes from Pascal VOC's XML.

    A picture belongs to the XML of the same name, else to the one that has it as its `filename`. Boxes are taken as
    edges in pixels, as most tools write them; in PASCAL's own files, which count pixels from 1, that is off by one at
    the left and the top. Splits are those of the folders, or of `ImageSets/Main/{train,val,test}.txt`.

    Args:
        directory: A folder with `JPEGImages/` or `images/` beside `Annotations/` or `annots/`, or with pictures and
            XML files side by side, or with such folders named `train`, `valid` (or `val`) and `test`.

    Returns:
        `(annotated, problems)`: a list of `Annotated`, in the order of the pictures' names, and a list of `Problem`.
        Boxes with a problem are left out, and so are pictures that cannot be read or have no XML.

    Raises:
        DataError: The folder is laid out otherwise, or holds no picture that can be used.

    Source: Everingham et al. 2010, "The PASCAL Visual Object Classes (VOC) Challenge".
    """
    directory = as_folder(directory)
    folders = list(_folders(directory))
    if not folders:
        raise DataError(f"{directory} holds no XML files beside pictures. {_LAYOUTS}")
    collector = Collector()
    splits = _image_sets(directory / "ImageSets" / "Main", collector)
    for pictures, annotations, split in folders:
        _read_folder(pictures, annotations, split, splits, collector)
    unread = sorted(set(splits) - {one.picture.stem for one in collector.annotated})
    if unread:
        collector.problem(
            directory / "ImageSets", f"{len(unread)} of the pictures in its lists were not read, such as {unread[0]}."
        )
    return collector.finish(directory)


def _folders(directory, split=""):
    """Yields the folder of pictures, the folder of XML files, and the split that they are of."""
    below = {path.name.lower(): path for path in sorted(directory.iterdir()) if path.is_dir()}
    pictures = next((below[name] for name in _PICTURE_FOLDERS if name in below), None)
    annotations = next((below[name] for name in _XML_FOLDERS if name in below), None)
    if pictures and annotations:
        yield pictures, annotations, split
    elif list_files(directory, (".xml",)):
        yield directory, directory, split
    elif not split:
        for name, folder in below.items():
            if split_of(name):
                yield from _folders(folder, split_of(name))


def _image_sets(folder, collector):
    """Returns the split of each picture that a list names, by its name without suffix."""
    splits = {}
    for path in list_files(folder, (".txt",)) if folder.is_dir() else []:
        if path.stem not in ("train", "val", "test"):
            continue  # trainval.txt, and a list for each class
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        for name in filter(None, map(str.strip, lines)):
            split = splits.setdefault(name, split_of(path.stem))
            if split != split_of(path.stem):
                collector.problem(path, f"{name} is in the split {split!r} too; it is left there.")
    return splits


def _read_folder(folder, annotations, split, splits, collector):
    pictures = {path.name: path for path in list_files(folder, PICTURES)}
    stems = {path.stem: path for path in pictures.values()}
    annotated = set()
    for file in list_files(annotations, (".xml",)):
        try:
            root = _parse(file.read_bytes())
        except (expat.ExpatError, ValueError, LookupError) as error:
            collector.problem(file, f"is no XML that can be read ({error}).")
            annotated.add(stems.get(file.stem))  # one problem is enough
            continue
        name = Path(_text(root, "filename")).name
        picture = stems.get(file.stem) or pictures.get(name) or folder / (name or f"{file.stem}.jpg")
        annotated.add(picture)
        size = collector.open(picture, file, _told_size(root))
        if size:
            objects = enumerate(root.findall("object"), 1)
            entries = ((f"box {number}", element) for number, element in objects)
            collector.add(picture, size, file, entries, _box, split or splits.get(picture.stem, ""))
    for picture in pictures.values():
        if picture not in annotated:
            collector.problem(picture, f"has no XML in {annotations.name}; it is left out.")


def _parse(data):
    """Parses XML that declares no entities: with them, a file of some bytes can grow to gigabytes, or read others."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = _refuse_entity
    parser.Parse(data, True)
    return builder.close()


def _refuse_entity(name, *_):
    raise ValueError(f"it declares the entity {name!r}")


def _text(element, path):
    return (element.findtext(path) or "").strip()


def _told_size(root):
    try:
        return float(_text(root, "size/height")), float(_text(root, "size/width"))
    except ValueError:
        return None


def _box(element):
    label = _text(element, "name")
    if not label:
        raise ValueError("has no class name")
    edges = tuple(_text(element, f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax"))
    return Box(label, edges, _text(element, "difficult") == "1")
