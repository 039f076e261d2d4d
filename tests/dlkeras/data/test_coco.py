import json

import numpy as np
import pytest

from dlkeras.data import DataError
from dlkeras.data.coco import load_coco

CATEGORIES = [{"id": 3, "name": "cat"}, {"id": 7, "name": "dog"}]


@pytest.fixture
def draw(tmp_path, encode, noise):
    """A function of paths that writes pictures of height 8 and width 10 there."""

    def draw(*paths):
        for path in paths:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(encode(noise(8, 10, 3)))

    return draw


@pytest.fixture
def write(tmp_path):
    """A function of a path, file names, and annotations `(picture's number from 0, category, bbox, further keys)`."""

    def write(path, names, annotations, **changes):
        rows = [
            {"id": number, "image_id": image, "category_id": category, "bbox": box, **more}
            for number, (image, category, box, more) in enumerate(annotations, 1)
        ]
        images = [{"id": number, "file_name": name, "height": 8, "width": 10} for number, name in enumerate(names)]
        content = {"images": images, "annotations": rows, "categories": CATEGORIES, **changes}
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(json.dumps(content))

    return write


def test_boxes(tmp_path, draw, write):
    draw("b.png", "a.png", "c.png")
    write(
        "annotations.json",
        ["b.png", "a.png", "c.png"],
        [
            (0, 7, [1, 2, 3, 4.5], {}),
            (1, 3, [0, 0, 10, 8], {"iscrowd": 1}),
            (1, 7, [0, 0, 1, 1], {"iscrowd": 0}),
            (0, 3, [0, 0, 2, 2], {}),
        ],
    )
    annotated, problems = load_coco(tmp_path)
    assert problems == []
    assert [one.picture.name for one in annotated] == ["a.png", "b.png", "c.png"]
    assert [one.labels for one in annotated] == [["cat", "dog"], ["dog", "cat"], []]
    assert [one.difficult.tolist() for one in annotated] == [[True, False], [False, False], []]
    np.testing.assert_array_equal(annotated[1].boxes, [[1, 2, 4, 6.5], [0, 0, 2, 2]])
    assert {one.split for one in annotated} == {""} and annotated[0].size == (8, 10)


def test_coco_itself(tmp_path, draw, write):
    # The same name in both folders: each JSON finds its own. Captions are another task.
    draw("train2017/1.png", "val2017/1.png", "val2017/2.png")
    write("annotations/instances_train2017.json", ["1.png"], [(0, 3, [0, 0, 2, 2], {})])
    write("annotations/instances_val2017.json", ["1.png", "2.png"], [(1, 3, [0, 0, 3, 3], {})])
    (tmp_path / "annotations/captions_val2017.json").write_text('{"annotations": []}')
    annotated, problems = load_coco(tmp_path)
    assert problems == []
    assert [(one.picture.relative_to(tmp_path).as_posix(), one.split, len(one.boxes)) for one in annotated] == [
        ("train2017/1.png", "train", 1), ("val2017/1.png", "validation", 0), ("val2017/2.png", "validation", 1)
    ]  # fmt: skip


def test_a_folder_for_each_split(tmp_path, draw, write):
    for folder in ("train", "valid", "test"):
        draw(f"{folder}/1.png")
        write(f"{folder}/_annotations.coco.json", ["1.png"], [(0, 3, [0, 0, 2, 2], {})])
    annotated, problems = load_coco(tmp_path)
    assert problems == []
    assert [(one.picture.parent.name, one.split) for one in annotated] == [
        ("test", "test"), ("train", "train"), ("valid", "validation")
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["images/a.png", "elsewhere/a.png", "/home/me/a.png", "C:\\me\\a.png", "../a.png"])
def test_pictures_are_found_by_name(tmp_path, draw, write, name):
    draw("data/images/a.png")
    write("data/annotations/all.json", [name], [(0, 3, [0, 0, 2, 2], {})])
    annotated, problems = load_coco(tmp_path / "data")
    assert problems == [] and annotated[0].picture == tmp_path / "data/images/a.png"


def test_pictures_outside_of_the_folder_are_not_read(tmp_path, draw, write):
    draw("a.png", "data/b.png")
    write("data/all.json", ["../a.png", str(tmp_path / "a.png"), "b.png"], [])
    annotated, problems = load_coco(tmp_path / "data")
    assert len(annotated) == 1
    assert [sentence for _, sentence in problems] == [
        "the picture ../a.png is not there.", f"the picture {tmp_path}/a.png is not there."
    ]  # fmt: skip


def test_problems(tmp_path, draw, write):
    draw("a.png", "b.png", "x/c.png", "y/c.png", "d.png")
    boxes = [
        [0, 0, 2, 2],
        [0, 0, 0, 2],
        [0, 0, "wide", 2],
        [0, 0, 2],
        None,
        [float("nan"), 0, 2, 2],
        [0, 0, 10**400, 2],
    ]
    annotations = [(0, 3, box, {}) for box in boxes]
    annotations += [
        (0, 5, [0, 0, 2, 2], {}),
        (0, [3], [0, 0, 2, 2], {}),
        (9, 3, [0, 0, 2, 2], {}),
        (1, 3, [8, 0, 4, 2], {}),
    ]
    write("all.json", ["a.png", "b.png", "c.png"], annotations)
    annotated, problems = load_coco(tmp_path)
    assert [one.boxes.tolist() for one in annotated] == [[[0, 0, 2, 2]], []]
    assert [sentence[:78] for _, sentence in problems] == [
        "annotation 10 is of a picture that is not listed.",
        "annotation 2 of a.png has no area: left 0, top 0, right 0, bottom 2.",
        "annotation 3 of a.png has a bbox that is not four numbers: [0, 0, 'wide', 2].",
        "annotation 4 of a.png has a bbox that is not four numbers: [0, 0, 2].",
        "annotation 5 of a.png has a bbox that is not four numbers: None.",
        "annotation 6 of a.png is not four numbers: left nan, top 0, right nan, bottom ",
        "annotation 7 of a.png has a bbox that is not four numbers: [0, 0, 100000000000",
        "annotation 8 of a.png has an unknown category_id: 5.",
        "annotation 9 of a.png has an unknown category_id: [3].",
        "annotation 11 of b.png lies outside of the picture of height 8 and width 10: l",
        "the picture c.png is in several folders, of which none fits.",
        "no JSON names 1 of the pictures, such as d.png.",
    ]
    assert {file for file, _ in problems} == {tmp_path / "all.json", tmp_path}


def test_a_size_that_is_wrong_and_a_picture_twice(tmp_path, draw, write):
    draw("a.png")
    image = {"id": 0, "file_name": "a.png", "height": 10, "width": 8}
    write("train.json", [], [(0, 3, [0, 0, 2, 2], {})], images=[image])
    write("val.json", ["a.png"], [])
    annotated, problems = load_coco(tmp_path)
    assert [one.split for one in annotated] == ["train"]
    assert problems == [
        (tmp_path / "train.json", "the size of a.png (height x width) is given as 10 x 8; it is 8 x 10."),
        (tmp_path / "val.json", "a.png was annotated before; it counts once."),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "JSONDecodeError"),
        ("[]", "TypeError"),
        ('{"images": []}', "KeyError: 'categories'"),
        ('{"images": [{"id": 1}, {"id": 1}], "categories": [], "annotations": []}', "ValueError: 2 entries with 1 ids"),
        ('{"images": [{"id": 1}], "categories": [], "annotations": []}', "KeyError: 'file_name'"),
        ('{"images": [], "categories": [], "annotations": [1]}', "AttributeError"),
        ("[" * 100_000, "RecursionError"),
    ],
)
def test_what_is_no_coco_json(tmp_path, draw, write, text, reason):
    draw("a.png")
    write("all.json", ["a.png"], [])
    (tmp_path / "broken.json").write_text(text)
    annotated, problems = load_coco(tmp_path)
    assert len(annotated) == 1
    (problem,) = problems
    assert problem.file == tmp_path / "broken.json"
    assert problem.sentence.startswith(f"is no JSON with COCO's images, annotations and categories ({reason}")


def test_refuses_other_folders(tmp_path, draw):
    draw("train/a.png")
    with pytest.raises(DataError, match=r"holds no COCO annotations. Accepted: annotations/\*.json"):
        load_coco(tmp_path)
