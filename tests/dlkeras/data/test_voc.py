import numpy as np
import pytest

from dlkeras.data import DataError
from dlkeras.data.voc import load_voc

OBJECT = "<object><name>{}</name>{}<bndbox>{}</bndbox></object>"


def xml(*boxes, size=(8, 10), filename="a.png", extra=""):
    """The XML of boxes `(label, left, top, right, bottom)`."""
    objects = "".join(
        OBJECT.format(
            label,
            extra,
            "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True)),
        )
        for label, *edges in boxes
    )
    height, width = size
    return (
        f"<annotation><filename>{filename}</filename><size><width>{width}</width><height>{height}</height></size>"
        f"{objects}</annotation>"
    )


@pytest.fixture
def write(tmp_path, encode, noise):
    """A function of a path and, for XML, its text; a picture of height 8 and width 10 otherwise."""

    def write(path, text=None):
        path = tmp_path / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(noise(8, 10, 3)) if text is None else text.encode())

    return write


@pytest.mark.parametrize(
    ("pictures", "annotations"),
    [("images", "annots"), ("JPEGImages", "Annotations"), ("images", "annotations"), (".", ".")],
)
def test_layouts(tmp_path, write, pictures, annotations):
    write(f"{pictures}/b.png")
    write(f"{pictures}/a.png")
    write(f"{annotations}/b.xml", xml(("cat", 0, 1, 2, 3), ("dog", 1, 1, 10, 8)))
    write(f"{annotations}/a.xml", xml(("cat", "4", "5.5", "6", "7"), ("dog", 0, 0, 1, 1)))
    annotated, problems = load_voc(tmp_path)
    assert problems == []
    assert [one.picture for one in annotated] == [tmp_path / pictures / name for name in ("a.png", "b.png")]
    assert [one.labels for one in annotated] == [["cat", "dog"]] * 2
    np.testing.assert_array_equal(annotated[0].boxes, [[4, 5.5, 6, 7], [0, 0, 1, 1]])
    assert annotated[1].size == (8, 10) and annotated[1].split == ""


@pytest.mark.parametrize("below", [("", ""), ("images/", "annots/")])
def test_a_folder_for_each_split(tmp_path, write, below):
    for folder in ("train", "valid", "test"):
        write(f"{folder}/{below[0]}{folder}.png")
        write(f"{folder}/{below[1]}{folder}.xml", xml(("cat", 0, 1, 2, 3)))
    annotated, problems = load_voc(tmp_path)
    assert problems == []
    assert [(one.picture.stem, one.split) for one in annotated] == [
        ("test", "test"), ("train", "train"), ("valid", "validation")
    ]  # fmt: skip


def test_lists_of_splits(tmp_path, write):
    for name in "abcd":
        write(f"JPEGImages/{name}.png")
        write(f"Annotations/{name}.xml", xml(("cat", 0, 1, 2, 3)))
    for name, lines in {
        "train": "a\nb\n",
        "val": "c\n",
        "test": "b\ne\n",
        "trainval": "d\n",
        "cat_train": "d 1",
    }.items():
        write(f"ImageSets/Main/{name}.txt", lines)
    annotated, problems = load_voc(tmp_path)
    assert [one.split for one in annotated] == ["train", "test", "validation", ""]
    assert problems == [
        (tmp_path / "ImageSets/Main/train.txt", "b is in the split 'test' too; it is left there."),
        (tmp_path / "ImageSets", "1 of the pictures in its lists were not read, such as e."),
    ]


def test_difficult_boxes_and_parts(tmp_path, write):
    # A part has a box of its own, which is not the object's.
    part = "<part><name>head</name><bndbox><xmin>0</xmin></bndbox></part>"
    write("a.png")
    write("a.xml", xml(("cat", 0, 1, 2, 3), extra=f"{part}<difficult>1</difficult>"))
    write("b.png")
    write("b.xml", xml(("cat", 0, 1, 2, 3), extra="<difficult>0</difficult>"))
    annotated, problems = load_voc(tmp_path)
    assert problems == [] and [one.difficult.tolist() for one in annotated] == [[True], [False]]


def test_a_picture_found_by_its_filename(tmp_path, write):
    write("images/photo.png")
    write("annots/1.xml", xml(("cat", 0, 1, 2, 3), filename="photo.png"))
    annotated, problems = load_voc(tmp_path)
    assert problems == [] and annotated[0].picture == tmp_path / "images/photo.png"


def test_problems(tmp_path, write):
    for name in "abcd":
        write(f"images/{name}.png")
    write("annots/a.xml", xml(("cat", 0, 1, 2, 3), ("cat", 3, 3, 3, 4), ("", 0, 0, 1, 1), size=(10, 8)))
    write("annots/b.xml", "<annotation><object>")
    write("annots/c.xml", "<annotation><object><name>cat</name></object></annotation>")
    write("annots/e.xml", xml(filename="../../e.png"))
    annotated, problems = load_voc(tmp_path)
    assert [one.labels for one in annotated] == [["cat"], []]
    assert [(file.relative_to(tmp_path).as_posix(), sentence) for file, sentence in problems] == [
        ("annots/a.xml", "the size of a.png (height x width) is given as 10 x 8; it is 8 x 10."),
        ("annots/a.xml", "box 2 has no area: left 3, top 3, right 3, bottom 4."),
        ("annots/a.xml", "box 3 has no class name."),
        ("annots/b.xml", "is no XML that can be read (no element found: line 1, column 20)."),
        ("annots/c.xml", "box 1 is not four numbers: left '', top '', right '', bottom ''."),
        ("annots/e.xml", "the picture e.png is not there."),
        ("images/d.png", "has no XML in annots; it is left out."),
    ]


@pytest.mark.parametrize(
    ("declaration", "encoding"),
    [('<!ENTITY cat "cat">', "utf-8"), ('<!ENTITY % c "c">', "utf-8"), ('<!ENTITY cat SYSTEM "a.txt">', "utf-16")],
)
def test_entities_are_refused(tmp_path, write, declaration, encoding):
    write("a.png")
    write("b.png")
    write("b.xml", xml(("cat", 0, 1, 2, 3)))
    text = f"<!DOCTYPE annotation [{declaration}]>{xml(('cat', 0, 1, 2, 3))}"
    (tmp_path / "a.xml").write_bytes(text.encode(encoding))
    annotated, problems = load_voc(tmp_path)
    assert len(annotated) == 1
    (problem,) = problems
    assert problem.file == tmp_path / "a.xml" and "it declares the entity 'c" in problem.sentence


@pytest.mark.parametrize(
    "data", [b"", b"\x00\xff", b'<?xml version="1.0" encoding="gb2312"?><a>\xb0\xa1</a>', b"<a>&b;</a>"]
)
def test_what_is_no_xml(tmp_path, write, data):
    write("a.png")
    (tmp_path / "a.xml").write_bytes(data)
    with pytest.raises(DataError, match=r"no annotated picture .*:\n.*a.xml: is no XML that can be read"):
        load_voc(tmp_path)


def test_refuses_other_folders(tmp_path, write):
    with pytest.raises(DataError, match="none is not a folder"):
        load_voc(tmp_path / "none")
    write("train/cat/a.png")
    with pytest.raises(DataError, match=r"holds no XML files beside pictures. Accepted: JPEGImages/"):
        load_voc(tmp_path)


def test_the_kangaroos(real_data):
    if not (real_data / "kangaroo").is_dir():
        pytest.skip("DLKERAS_DATA has no kangaroo")
    annotated, problems = load_voc(real_data / "kangaroo")
    assert problems == []
    assert len(annotated) == 164 and sum(len(one.boxes) for one in annotated) == 266
    assert {label for one in annotated for label in one.labels} == {"kangaroo"}
    np.testing.assert_array_equal(annotated[0].boxes, [[233, 89, 386, 262], [134, 105, 341, 253]])
