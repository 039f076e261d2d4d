import numpy as np
import pytest
from PIL import Image

from dlkeras.data import DataError
from dlkeras.data.segmentation import IGNORED, load_mask_scenes, load_masks, load_test_masks

SHAPE = (6, 8, 3)


@pytest.fixture
def write(tmp_path, encode, noise):
    """A function of a path and, for a mask, its pixels or Pillow image; a picture of `SHAPE` otherwise."""

    def write(path, mask=None):
        path = tmp_path / path
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = noise(*SHAPE) if mask is None else mask
        path.write_bytes(picture if isinstance(picture, bytes) else encode(picture))

    return write


def of(*numbers):
    """A mask of `SHAPE` whose first pixels have these numbers, and the others 0."""
    mask = np.zeros(SHAPE[:2], "uint8")
    mask.ravel()[: len(numbers)] = numbers
    return mask


def test_a_folder_of_masks_beside_each_split(tmp_path, write):
    for split in ("train", "val", "test"):
        write(f"{split}/a.png")
        write(f"{split}annot/a.png", of(1, 2, 3, 255))
    (tmp_path / "classes.txt").write_text("Sky\nUnlabelled\nRoad\nTree\n")
    splits, problems = load_masks(tmp_path, SHAPE, strict=True)
    assert problems == []
    assert splits.info == {
        "class_names": ["Sky", "Road", "Tree"],
        "image_shape": [*SHAPE],
        "data": tmp_path.name,
        "ignore_class": IGNORED,
    }
    for part in (splits.train, splits.validation, splits.test):
        assert part.x.shape == (1, *SHAPE) and part.x.dtype == part.y.dtype == "uint8"
        np.testing.assert_array_equal(part.y[0], of(IGNORED, 1, 2, IGNORED))


@pytest.mark.parametrize("layout", ["{kind}/{split}/a.png", "{split}/{kind}/a.png"])
def test_splits_below(tmp_path, write, layout):
    for number, split in enumerate(("train", "valid", "test")):
        write(layout.format(kind="images", split=split))
        write(layout.format(kind="masks", split=split), of(number, 3))
    splits, problems = load_masks(tmp_path, SHAPE)
    assert problems == [] and splits.info["class_names"] == ["0", "1", "2", "3"]
    assert [part.y[0, 0, 0] for part in (splits.train, splits.validation, splits.test)] == [0, 1, 2]


def test_splits_are_drawn(tmp_path, write):
    for number in range(10):
        write(f"images/{number}.png")
        write(f"masks/{number}_mask.png", of(number))
    splits, problems = load_masks(tmp_path, SHAPE, validation_fraction=0.25, test_fraction=0.2)
    numbers = [part.y[:, 0, 0].tolist() for part in (splits.train, splits.validation, splits.test)]
    assert problems == [] and [len(part) for part in numbers] == [6, 2, 2]
    assert sorted(np.concatenate(numbers)) == list(range(10))
    again = load_masks(tmp_path, SHAPE, validation_fraction=0.25, test_fraction=0.2, seed=1)[0]
    assert again.test.y[:, 0, 0].tolist() != numbers[2]


def test_vocs_layout(tmp_path, write):
    for name in ("a", "b", "c", "unmasked"):
        write(f"JPEGImages/{name}.png")
    for name in ("a", "b", "c"):
        mask = Image.fromarray(of(20, 255))
        mask.putpalette(list(range(256)) * 3)  # colours, of which the numbers are to be read
        write(f"SegmentationClass/{name}.png", mask)
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    for split, name in (("train", "b"), ("val", "a"), ("test", "c"), ("trainval", "a")):
        (lists / f"{split}.txt").write_text(f"{name}\n")
    splits, problems = load_masks(tmp_path, SHAPE)
    assert problems == [] and len(splits.info["class_names"]) == 21
    assert splits.info["class_names"][15] == "person"
    for part in (splits.train, splits.validation, splits.test):
        np.testing.assert_array_equal(part.y, [of(20, IGNORED)])


def test_colours(tmp_path, write):
    colours = np.uint8([[255, 255, 255], [0, 0, 0], [200, 10, 0], [10, 200, 0]])
    for number in range(4):
        write(f"images/{number}.png")
        write(f"masks/{number}.png", colours[of(1, 2, 3)])
    write("masks/1.png", np.where(of(1) == 1, np.uint8(0), np.uint8(255)))  # grey, of two of the colours
    (tmp_path / "palette.txt").write_text("255 255 255 sky\n0, 0, 0, Void\n200 10 0\ta car\n10 200 0 tree\n")
    splits, problems = load_masks(tmp_path, SHAPE)
    assert problems == [] and splits.info["class_names"] == ["sky", "a car", "tree"]
    masks = np.concatenate([part.y for part in (splits.train, splits.validation, splits.test)])
    np.testing.assert_array_equal(sorted(masks.tolist()), sorted([of(255, 1, 2).tolist()] * 3 + [of(255).tolist()]))
    (tmp_path / "palette.txt").write_text("255 255 sky\n")
    with pytest.raises(DataError, match=r"must hold a line `red green blue name` for each class"):
        load_masks(tmp_path, SHAPE)


def test_other_sizes_stay_aligned(tmp_path, write):
    """Bright rectangles, four times as large as what is read: a pixel is bright where its mask says so."""
    expected = []
    for number in range(4):
        mask = of()
        mask[1 : 4 + number % 2, number : number + 4] = 1
        large = mask.repeat(4, axis=0).repeat(4, axis=1)
        write(f"images/{number}.png", np.stack([large * 200] * 3, axis=-1))
        write(f"masks/{number}.png", large)
        expected.append(mask.tolist())
    splits, _ = load_masks(tmp_path, SHAPE)
    for part in (splits.train, splits.validation, splits.test):
        assert all(mask.tolist() in expected for mask in part.y)
        np.testing.assert_array_equal(part.x[..., 0] > 100, part.y == 1)


def test_problems(tmp_path, write, encode):
    good = [f"good{number}" for number in range(20)]
    for name in (*good, "no_mask", "size", "number", "broken", "colour", "wide"):
        write(f"images/{name}.png")
    for name in (*good, "no_picture"):
        write(f"masks/{name}.png", of(1))
    write("masks/size.png", np.zeros((8, 6), "uint8"))
    write("masks/number.png", of(2, 7))
    write("masks/broken.png", encode(of(1))[:40])
    write("masks/colour.png", np.zeros(SHAPE, "uint8"))
    write("masks/wide.png", np.zeros(SHAPE[:2], "uint16"))
    write("images/cut.png", b"no picture")
    write("masks/cut.png", of(1))
    (tmp_path / "classes.txt").write_text("sky\nroad")
    splits, problems = load_masks(tmp_path, SHAPE)
    assert sum(len(part.x) for part in (splits.train, splits.validation, splits.test)) == 20
    told = {problem.file.relative_to(tmp_path).as_posix(): problem.sentence for problem in problems}
    assert len(told) == len(problems) and set(told) == {
        *("images/no_mask.png", "masks/no_picture.png", "masks/size.png", "masks/number.png"),
        *("masks/broken.png", "masks/colour.png", "masks/wide.png", "images/cut.png"),
    }
    assert told["masks/size.png"] == "is 8 x 6 (height x width), its picture 6 x 8."
    assert told["masks/number.png"] == "has pixels of numbers that no class has: 2, 7."
    assert told["masks/no_picture.png"] == "has no picture in images; it is left out."
    assert "RGB pixels, and there is no palette.txt" in told["masks/colour.png"]
    with pytest.raises(DataError, match=r"8 problems in the annotated pictures"):
        load_masks(tmp_path, SHAPE, strict=True)
    (tmp_path / "palette.txt").write_text("0 0 0 sky\n9 9 9 road")
    with pytest.raises(DataError, match=r"such as \(1, 1, 1\)"):
        load_masks(tmp_path, SHAPE, strict=True)


def test_refuses(tmp_path, write):
    with pytest.raises(DataError, match=r"is not a folder"):
        load_masks(tmp_path / "none", SHAPE)
    with pytest.raises(DataError, match=r"holds no pictures beside masks. Accepted: images/ beside masks/"):
        load_masks(tmp_path, SHAPE)
    for number in range(4):
        write(f"images/{number}.png")
        write(f"masks/other{number}.png", of(255))
    with pytest.raises(DataError, match=r"holds no picture with a mask of its name"):
        load_masks(tmp_path, SHAPE)
    for number in range(4):
        write(f"masks/{number}.png", of(255))
    with pytest.raises(DataError, match=r"`0 0 0 background` and `255 255 255 object`"):
        load_masks(tmp_path, SHAPE)


def test_to_test_on(tmp_path, write):
    for number in range(2):
        write(f"images/{number}.png")
        write(f"masks/{number}.png", of(1, 2))
    (tmp_path / "classes.txt").write_text("road\nsky\nvoid")
    examples, problems = load_test_masks(tmp_path, ["tree", "sky", "road"], SHAPE)
    assert problems == [] and len(examples.x) == 2
    np.testing.assert_array_equal(examples.y[0], np.where(of(1, 1), of(1, 255), 2))
    with pytest.raises(DataError, match=r"classes that were not trained on: road"):
        load_test_masks(tmp_path, ["sky"], SHAPE)
    (tmp_path / "classes.txt").unlink()
    np.testing.assert_array_equal(load_test_masks(tmp_path, ["a", "b", "c"], SHAPE)[0].y[0], of(1, 2))


def test_scenes():
    splits = load_mask_scenes((48, 48, 3), (3, 2, 1), 0, ("disc", "star"), classes=("disc", "star"))
    assert splits.info["class_names"] == ["background", "disc", "star"] and splits.info["ignore_class"] == IGNORED
    assert [len(part.x) for part in (splits.train, splits.validation, splits.test)] == [3, 2, 1]
    assert splits.train.y.shape == (3, 48, 48) and splits.train.y.max() in (1, 2)


def test_camvid(real_data):
    splits, problems = load_masks(real_data / "camvid", (45, 60, 3), strict=True)
    assert problems == [] and len(splits.info["class_names"]) == 11 and splits.info["class_names"][-1] == "Bicyclist"
    assert [len(part.x) for part in (splits.train, splits.validation, splits.test)] == [367, 101, 233]
    assert set(np.unique(splits.test.y)) == {*range(11), IGNORED}
