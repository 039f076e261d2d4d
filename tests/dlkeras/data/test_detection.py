"""Pictures with boxes as `Splits`."""

import numpy as np
import pytest
from PIL import Image

from dlkeras.data.detection import load_boxes, load_scenes, load_test_boxes
from dlkeras.data.location import DataError

_XML = "<annotation><filename>{name}</filename>{objects}</annotation>"
_EDGES = "<xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax>"
_OBJECT = f"<object><name>{{label}}</name><bndbox>{_EDGES}</bndbox></object>"


def annotate(folder, name, boxes, size=(40, 20)):
    """Writes a black picture with white boxes and its XML."""
    pixels = np.zeros((size[1], size[0], 3), "uint8")
    for _, (left, top, right, bottom) in boxes:
        pixels[top:bottom, left:right] = 255
    Image.fromarray(pixels).save(folder / f"{name}.png")
    objects = "".join(_OBJECT.format(*edges, label=label) for label, edges in boxes)
    (folder / f"{name}.xml").write_text(_XML.format(name=f"{name}.png", objects=objects))


@pytest.fixture
def folder(tmp_path):
    for number in range(20):
        boxes = [("cat", (4 + number % 3, 5, 20, 15)), ("dog", (24, 0, 40, 20))][: 1 + number % 2]
        annotate(tmp_path, f"{number:02}", boxes)
    return tmp_path


def test_pictures_and_boxes_belong_together(folder):
    splits, problems = load_boxes(folder, "voc", (10, 80, 3), validation_fraction=0.1, test_fraction=0.2)
    assert not problems
    assert splits.info == {"class_names": ["cat", "dog"], "image_shape": [10, 80, 3], "data": folder.name}
    assert [len(part.y) for part in (splits.train, splits.validation, splits.test)] == [14, 2, 4]
    for part in (splits.train, splits.validation, splits.test):
        assert part.x.shape[1:] == (10, 80, 3) and part.y.shape[1:] == (2, 5)
        for picture, targets in zip(part.x, part.y, strict=True):
            for label, left, top, right, bottom in targets[targets[:, 0] >= 0]:
                inside = picture[round(top * 10) : round(bottom * 10), round(left * 80) : round(right * 80)]
                assert inside[1:-1, 2:-2].min() > 250
                assert label == (left >= 0.5)
            assert (targets[targets[:, 0] < 0] == [-1, 0, 0, 0, 0]).all()


def test_the_seed_decides_the_draw(folder):
    def test_part(seed):
        return load_boxes(folder, "voc", (10, 40, 3), test_fraction=0.5, seed=seed)[0].test.y

    one, again, other = test_part(1), test_part(1), test_part(2)
    np.testing.assert_array_equal(one, again)
    assert one.shape != other.shape or (one != other).any()


def test_named_splits_are_kept(tmp_path):
    for split, count in (("train", 5), ("valid", 2), ("test", 3)):
        (tmp_path / split).mkdir()
        for number in range(count):
            annotate(tmp_path / split, f"{split}{number}", [("cat", (0, 0, 10, 10))])
    splits, _ = load_boxes(tmp_path, "voc", (20, 40, 3))
    assert [len(part.y) for part in (splits.train, splits.validation, splits.test)] == [5, 2, 3]
    test, _ = load_test_boxes(tmp_path, "voc", ["cat", "dog"], (20, 40, 3))
    np.testing.assert_array_equal(test.x, splits.test.x)


def test_what_is_broken_is_told_and_left_out(folder):
    annotate(folder, "outside", [("cat", (0, 0, 10, 10)), ("dog", (10, 10, 90, 15))])
    annotate(folder, "cut_off", [("cat", (0, 0, 10, 10))])
    data = (folder / "cut_off.png").read_bytes()
    (folder / "cut_off.png").write_bytes(data[: len(data) - 30])
    annotate(folder, "misspelled", [("cta", (0, 0, 10, 10))])
    splits, problems = load_boxes(folder, "voc", (20, 40, 3))
    told = {problem.file.name: problem.sentence for problem in problems}
    assert set(told) == {"outside.xml", "cut_off.png", "misspelled.xml"}
    assert "lies outside of the picture" in told["outside.xml"]
    assert "cannot be decoded" in told["cut_off.png"]
    assert "Is it 'cat', misspelled?" in told["misspelled.xml"]
    assert splits.info["class_names"] == ["cat", "dog"]
    assert sum(len(part.y) for part in (splits.train, splits.validation, splits.test)) == 22
    with pytest.raises(DataError, match=r"3 problems[\s\S]*outside\.xml[\s\S]*cut_off\.png"):
        load_boxes(folder, "voc", (20, 40, 3), strict=True)


def test_all_pictures_are_tested_on_where_no_splits_are_named(folder):
    test, problems = load_test_boxes(folder, "voc", ["ant", "cat", "dog"], (20, 40, 3))
    assert len(test.y) == 20 and not problems
    assert set(test.y[..., 0].ravel()) == {-1, 1, 2}
    with pytest.raises(DataError, match="classes that were not trained on: dog"):
        load_test_boxes(folder, "voc", ["cat"], (20, 40, 3))


def test_refuses(tmp_path):
    with pytest.raises(ValueError, match=r"`file_format` must be one of voc, coco, yolo. Received: file_format='csv'"):
        load_boxes(tmp_path, "csv", (20, 40, 3))
    with pytest.raises(DataError, match="nowhere is not a folder"):
        load_boxes(tmp_path / "nowhere", "voc", (20, 40, 3))
    annotate(tmp_path, "a", [("cat", (0, 0, 10, 10))])
    with pytest.raises(DataError, match=r"at least 3 pictures are needed to be split. Received: 1"):
        load_boxes(tmp_path, "voc", (20, 40, 3))


def test_scenes_share_no_picture():
    splits = load_scenes((32, 32, 3), (6, 3, 3), 5, ["disc"], classes=("disc",), max_objects=2)
    assert [part.x.shape for part in (splits.train, splits.validation, splits.test)] == [
        (count, 32, 32, 3) for count in (6, 3, 3)
    ]
    assert (
        len({picture.tobytes() for part in (splits.train, splits.validation, splits.test) for picture in part.x}) == 12
    )
    again = load_scenes((32, 32, 3), (4, 3, 3), 5, ["disc"], classes=("disc",), max_objects=2)
    np.testing.assert_array_equal(again.train.x, splits.train.x[:4])
    assert splits.info["class_names"] == ["disc"]
