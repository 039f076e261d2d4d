import numpy as np
import pytest

from dlkeras.data import DataError
from dlkeras.data.yolo import load_yolo


@pytest.fixture
def write(tmp_path, encode, noise):
    """A function of `{path: text}`; pictures have no text, and are of height 8 and width 10."""

    def write(files):
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(encode(noise(8, 10, 3)) if text is None else text.encode())

    return write


def test_boxes(tmp_path, write):
    write({"images/b.png": None, "images/a.png": None, "images/c.jpg": None, "images/d.png": None})
    write({"labels/a.txt": "1 0.5 0.5 1 1\n\n 0 0.25  0.5 0.1 0.25\n", "labels/b.txt": "0 .5 .5 .2 .5\n1 .5 .5 .2 .5"})
    write({"labels/c.txt": "", "data.yaml": "train: images\nnames: [cat, dog]"})
    annotated, problems = load_yolo(tmp_path)
    assert problems == []
    assert [one.picture.name for one in annotated] == ["a.png", "b.png", "c.jpg", "d.png"]
    assert [one.labels for one in annotated] == [["dog", "cat"], ["cat", "dog"], [], []]
    np.testing.assert_allclose(annotated[0].boxes, [[0, 0, 10, 8], [2, 3, 3, 5]], rtol=1e-6)
    assert annotated[0].size == (8, 10) and not annotated[0].difficult.any() and annotated[0].split == ""


@pytest.mark.parametrize(
    "names",
    [
        {"data.yaml": "names:\n  0: cat\n  2: dog\n"},
        {"coco.yml": "names:\n- cat\n- cow\n- dog"},
        {"data.yaml": "\ufeffnames: ['cat', \"cow\", dog]"},
        {"classes.txt": "\ufeffcat\ncow \ndog\n"},
        {"obj.names": "cat\ncow\ndog"},
        {"labels/classes.txt": "cat\ncow\ndog\n"},
        {"data.yaml": "nc: 3", "classes.txt": "cat\ncow\ndog\n"},
    ],
)
def test_class_names(tmp_path, write, names):
    write({"images/a.png": None, "labels/a.txt": "2 .5 .5 .2 .5\n0 .5 .5 .2 .5", **names})
    annotated, problems = load_yolo(tmp_path)
    assert problems == [] and annotated[0].labels == ["dog", "cat"]


@pytest.mark.parametrize("layout", ["{kind}/{split}", "{split}/{kind}", "images/{kind}/{split}", "{kind}/{split}/2024"])
def test_splits(tmp_path, write, layout):
    write({"classes.txt": "cat"})
    for split in ("train", "val2017", "test"):
        images, labels = (layout.format(kind=kind, split=split) for kind in ("images", "labels"))
        write({f"{images}/1.png": None, f"{labels}/1.txt": "0 .5 .5 1 1"})
    annotated, problems = load_yolo(tmp_path)
    assert problems == []
    assert sorted((one.split, len(one.boxes)) for one in annotated) == [("test", 1), ("train", 1), ("validation", 1)]
    assert all(f"/{one.split[:3]}" in one.picture.as_posix() for one in annotated)


def test_problems(tmp_path, write):
    lines = ["0 .5 .5 .2 .5", "0 .5 .5 0 .5", "0 .5 .5 .2", "0 .1 .1 .2 .1 .2 .2", "0 .5 x .2 .5", "0 .5 nan .2 .5"]
    lines += ["", "2 .5 .5 .2 .5", "-1 .5 .5 .2 .5", "cat .5 .5 .2 .5", "0 5 4 2 4", "0 .5 .5 .2 .5"]
    write({"images/a.png": None, "labels/a.txt": "\n".join(lines), "labels/b.txt": "", "classes.txt": "cat\ndog"})
    write({"images/c.png": None, "images/d.png": "no picture"})
    (tmp_path / "labels/c.txt").write_bytes(b"\xff\xfe0 .5")
    annotated, problems = load_yolo(tmp_path)
    assert [one.labels for one in annotated] == [["cat"], []]
    assert [(file.name, sentence) for file, sentence in problems] == [
        ("a.txt", "line 2 has no area: left 5, top 2, right 5, bottom 6."),
        ("a.txt", "line 3 must be a class and four numbers, not 4 words."),
        ("a.txt", "line 4 must be a class and four numbers, not 7 words."),
        ("a.txt", "line 5 is not four numbers: '.5 x .2 .5'."),
        ("a.txt", "line 6 is not four numbers: left 4, top nan, right 6, bottom nan."),
        ("a.txt", "line 8 has an unknown class: '2'; there are 2."),
        ("a.txt", "line 9 has an unknown class: '-1'; there are 2."),
        ("a.txt", "line 10 has an unknown class: 'cat'; there are 2."),
        (
            "a.txt",
            "line 11 lies outside of the picture of height 8 and width 10: left 40, top 16, right 60, bottom 48.",
        ),
        ("a.txt", "line 12 is there twice ('cat')."),
        ("c.txt", "is no text."),
        ("d.png", "is no JPEG or PNG that can be read (UnidentifiedImageError)."),
        ("b.txt", "there is no picture of this name in images."),
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"train/cat/a.png": None, "classes.txt": "cat"}, "holds no YOLO annotations. Accepted: images/ and labels/"),
        ({"images/a.png": None, "classes.txt": "cat"}, "holds no YOLO annotations"),
        ({"images/a.png": None, "labels/a.txt": ""}, "has no class names. Accepted: `names` in data.yaml"),
        ({"images/a.png": None, "labels/a.txt": "", "data.yaml": "names: ["}, "data.yaml has no class names that can"),
        ({"images/a.png": None, "labels/a.txt": "", "data.yaml": "names: {a: 0}"}, "data.yaml has no class names that"),
        ({"images/a.png": "", "labels/a.txt": "", "classes.txt": "cat"}, "no annotated picture that can be used"),
    ],
)
def test_refuses(tmp_path, write, files, message):
    write(files)
    with pytest.raises(DataError, match=message):
        load_yolo(tmp_path)
