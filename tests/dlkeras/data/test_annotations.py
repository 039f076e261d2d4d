import numpy as np
import pytest
from PIL import Image

from dlkeras.data import DataError
from dlkeras.data.annotations import Box, Collector, Problem, list_all_files, list_files, raise_if_strict, split_of


@pytest.fixture
def picture(tmp_path):
    """A picture of height 30 and width 40."""
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def collect(picture, *boxes, told=None):
    """Reads boxes given as `(label, left, top, right, bottom)`; returns the one `Annotated` and the sentences."""
    collector = Collector()
    size = collector.open(picture, "a.xml", told)
    entries = [(f"box {number}", box) for number, box in enumerate(boxes, 1)]
    collector.add(picture, size, "a.xml", entries, lambda box: Box(box[0], box[1:]))
    annotated, problems = collector.finish("here")
    assert {file for file, _ in problems} <= {"a.xml"}
    return annotated[0], [sentence for _, sentence in problems]


def test_good_boxes_pass(picture):
    annotated, problems = collect(picture, ("cat", "1", 2.5, "3e1", 20), ("dog", 0, 0, 40, 30), told=(30, 40))
    assert problems == []
    assert annotated.picture == picture and annotated.size == (30, 40) and annotated.split == ""
    assert annotated.labels == ["cat", "dog"] and annotated.difficult.tolist() == [False, False]
    assert annotated.boxes.dtype == "float32" and annotated.difficult.dtype == bool
    np.testing.assert_array_equal(annotated.boxes, [[1, 2.5, 30, 20], [0, 0, 40, 30]])


def test_a_picture_without_boxes(picture):
    annotated, problems = collect(picture)
    assert annotated.boxes.shape == (0, 4) and annotated.boxes.dtype == "float32" and annotated.labels == []
    assert annotated.difficult.shape == (0,) and annotated.difficult.dtype == bool and problems == []


def test_a_pixel_beyond_the_border_is_clipped(picture):
    annotated, problems = collect(picture, ("cat", -1, -0.5, 41, 30.1))
    np.testing.assert_array_equal(annotated.boxes, [[0, 0, 40, 30]])
    assert problems == []


@pytest.mark.parametrize(
    ("box", "sentence"),
    [
        ((5, 5, 5, 20), "has no area: left 5, top 5, right 5, bottom 20"),
        ((5, 20, 9, 3), "has no area: left 5, top 20, right 9, bottom 3"),
        ((-1.5, 0, 9, 9), "lies outside of the picture of height 30 and width 40: left -1.5, top 0, right 9, bottom 9"),
        ((0, 0, 42, 9), "lies outside of the picture of height 30 and width 40: left 0, top 0, right 42, bottom 9"),
        ((0, 0, 9, 32), "lies outside of the picture of height 30 and width 40: left 0, top 0, right 9, bottom 32"),
        # All of it is within the pixel that is clipped.
        ((40, 0, 41, 9), "lies outside of the picture of height 30 and width 40: left 40, top 0, right 41, bottom 9"),
        ((0, 0, float("nan"), 9), "is not four numbers: left 0.0, top 0.0, right nan, bottom 9.0"),
        ((0, 0, "inf", 9), "is not four numbers: left 0.0, top 0.0, right inf, bottom 9.0"),
        ((0, 0, "wide", 9), "is not four numbers: left 0, top 0, right 'wide', bottom 9"),
        ((0, 0, None, 9), "is not four numbers: left 0, top 0, right None, bottom 9"),
        ((0, 0, 9), "is not four numbers: (0, 0, 9)"),
    ],
)
def test_a_bad_box_is_left_out_and_named(picture, box, sentence):
    annotated, problems = collect(picture, ("cat", 1, 2, 3, 4), ("cat", *box))
    np.testing.assert_array_equal(annotated.boxes, [[1, 2, 3, 4]])
    assert problems == [f"box 2 {sentence.replace('.0', '')}."]


def test_a_box_twice(picture):
    annotated, problems = collect(picture, ("cat", 1, 2, 3, 4), ("dog", 1, 2, 3, 4), ("cat", 1, 2, 3, 4.0))
    assert annotated.labels == ["cat", "dog"]
    assert problems == ["box 3 is there twice ('cat')."]


@pytest.mark.parametrize(
    ("told", "problems"),
    [
        (None, []),
        ((0, 0), []),
        ((40, 30), ["the size of a.png (height x width) is given as 40 x 30; it is 30 x 40."]),
    ],
)
def test_the_pictures_own_size_counts(picture, told, problems):
    assert collect(picture, ("cat", 0, 0, 40, 30), told=told)[1] == problems


def test_pictures_that_cannot_be_read(tmp_path, picture, encode, noise, monkeypatch):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "other.png").write_bytes(encode(noise(8, 8, 3), "BMP"))
    (tmp_path / "large.png").write_bytes(encode(noise(40, 40, 3)))
    monkeypatch.setattr("dlkeras.data.annotations.MAX_PIXELS", 1200)
    collector = Collector()
    names = ("none.png", "text.jpg", "other.png", "large.png")
    assert [collector.open(tmp_path / name, "a.xml") for name in names] == [None] * 4
    assert collector.open(picture, "a.xml") == (30, 40)
    assert collector.open(picture, "b.xml") is None
    assert collector.problems == [
        ("a.xml", "the picture none.png is not there."),
        (tmp_path / "text.jpg", "is no JPEG or PNG that can be read (UnidentifiedImageError)."),
        (tmp_path / "other.png", "is no JPEG or PNG that can be read (UnidentifiedImageError)."),
        (tmp_path / "large.png", "has 1600 pixels, more than 1200."),
        ("b.xml", "a.png was annotated before; it counts once."),
    ]
    with pytest.raises(DataError, match=r"here holds no annotated picture that can be used:\n  a.xml: the picture"):
        collector.finish("here")


@pytest.mark.parametrize(
    ("classes", "sentences"),
    [
        (["dog", "dog", "dgo"], ["the class 'dgo' is in one picture of all alone. Is it 'dog', misspelled?"]),
        (["dog", "dog", "ant"], ["the class 'ant' is in one picture of all alone. Is it misspelled?"]),
        (["dog", "dog", "ant", "ant"], []),
        (["dog", "ant", "cat"], []),  # no class has more than one
    ],
)
def test_a_class_in_one_picture_alone(tmp_path, classes, sentences):
    collector = Collector()
    for number, label in enumerate(classes):
        boxes = [(name, Box(label, (number, 0, 9, right))) for name, right in (("one", 8), ("two", 9))]
        collector.add(tmp_path / f"{number}.png", (9, 9), f"{number}.xml", boxes, lambda box: box)
    annotated, problems = collector.finish("here")
    assert [one.picture.name for one in annotated] == [f"{number}.png" for number in range(len(classes))]
    assert problems == [Problem("2.xml", sentence) for sentence in sentences]
    # The picture stays, without the boxes of a class that is likely no class.
    assert [len(one.boxes) for one in annotated] == [2, 2, 0 if sentences else 2, *[2] * (len(classes) - 3)]


def test_strict():
    raise_if_strict([], True)
    problems = [Problem(f"{number}.xml", "is wrong.") for number in range(22)]
    raise_if_strict(problems, False)
    with pytest.raises(DataError) as error:
        raise_if_strict(problems, True)
    lines = str(error.value).splitlines()
    assert lines[0] == "22 problems in the annotated pictures:"
    assert lines[1:] == [*(f"  {number}.xml: is wrong." for number in range(20)), "  ... and 2 more"]
    with pytest.raises(DataError, match=r"^1 problem in .*:\n  0.xml: is wrong\.$"):
        raise_if_strict(problems[:1], True)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("VALID", "validation"),
        ("instances_val2017", "validation"),
        ("test-2", "test"),
        ("trainval", ""),
        ("latest", ""),
        ("images", ""),
    ],
)
def test_splits_by_name(name, split):
    assert split_of(name) == split


def test_hidden_files_are_not_listed(tmp_path):
    for name in ("a.JPG", "._a.jpg", "a.txt", "deep/b.jpg", ".deep/c.jpg", "folder.jpg/d.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in list_files(tmp_path, (".jpg",))] == ["a.JPG"]
    assert [path.name for path in list_all_files(tmp_path, (".jpg",))] == ["a.JPG", "b.jpg"]
