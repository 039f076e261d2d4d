import io
import tarfile

import numpy as np
import pytest

from dlkeras.data import DataError
from dlkeras.data.folders import load_folders, load_test_folder


@pytest.fixture
def write(tmp_path, encode, noise):
    """A function of `{path: how many}` that writes random pictures `path/0.png`, ...; returns the folder."""

    def write(counts, size=(8, 8), folder=tmp_path / "pictures", suffix=".png"):
        for name, count in counts.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                (folder / name / f"{number}{suffix}").write_bytes(encode(noise(*size, 3)))
        return folder

    return write


@pytest.fixture
def pack(tmp_path):
    """A function of a folder that packs it, in an order of its own; returns the tar file."""

    def pack(folder, name="packed.tar.gz", prefix=""):
        with tarfile.open(tmp_path / name, "w:gz" if name.endswith("gz") else "w") as archive:
            for path in sorted(folder.rglob("*"), reverse=True):
                archive.add(path, f"{prefix}{path.relative_to(folder)}", recursive=False)
        return tmp_path / name

    return pack


def rows(examples):
    return {x.tobytes() for x in examples.x}


def assert_same(one, other):
    for split in ("train", "validation", "test"):
        for a, b in zip(getattr(one, split), getattr(other, split), strict=True):
            np.testing.assert_array_equal(a, b)


def test_train_validation_and_test_as_they_are(write):
    folder = write({f"{split}/{name}": 3 for split in ("train", "val", "test") for name in ("dog", "cat")})
    splits = load_folders(folder)
    assert splits.info == {"class_names": ["cat", "dog"], "image_shape": [8, 8, 3], "data": "pictures"}
    for examples in (splits.train, splits.validation, splits.test):
        np.testing.assert_array_equal(examples.y, [0, 0, 0, 1, 1, 1])
        assert examples.x.dtype == "uint8" and examples.y.dtype == "int32"
    assert not rows(splits.train) & rows(splits.validation) and not rows(splits.train) & rows(splits.test)


def test_pixels_and_labels_belong_together(tmp_path, encode):
    for split in ("train", "validation", "test"):
        for label, name in enumerate("abc"):
            (tmp_path / split / name).mkdir(parents=True)
            for number in range(2):
                pixels = np.full((4, 6, 3), 100 * label + number, "uint8")
                (tmp_path / split / name / f"{number}.png").write_bytes(encode(pixels))
    splits = load_folders(tmp_path)
    np.testing.assert_array_equal(splits.train.x[:, 0, 0, 0], [0, 1, 100, 101, 200, 201])
    assert splits.info["image_shape"] == [4, 6, 3]


@pytest.mark.parametrize("layout", ["{}", "train/{}"])
def test_one_folder_is_split_by_the_seed(write, layout):
    folder = write({layout.format("cat"): 20, layout.format("dog"): 40})
    splits = load_folders(folder, validation_fraction=0.25, test_fraction=0.2, seed=1)
    parts = [splits.train, splits.validation, splits.test]
    assert [np.bincount(part.y).tolist() for part in parts] == [[12, 24], [4, 8], [4, 8]]
    assert len(set.union(*map(rows, parts))) == 60  # random pictures: all differ, none is in two parts
    assert_same(splits, load_folders(folder, validation_fraction=0.25, test_fraction=0.2, seed=1))
    assert rows(splits.test) != rows(load_folders(folder, test_fraction=0.2, seed=2).test)


def test_a_test_folder_is_left_alone(write):
    folder = write({"train/cat": 10, "train/dog": 10, "test/cat": 2, "test/dog": 1})
    splits = load_folders(folder)
    assert [len(part.y) for part in (splits.train, splits.validation, splits.test)] == [18, 2, 3]


@pytest.mark.parametrize("name", ["pictures.tar", "pictures.tar.gz"])
@pytest.mark.parametrize("prefix", ["", "./", "deep/er/"])
def test_a_tar_equals_its_folder(write, pack, name, prefix):
    folder = write({"train/cat": 5, "train/dog": 5, "test/cat": 2, "test/dog": 2})
    splits, packed = load_folders(folder), load_folders(pack(folder, name, prefix))
    assert_same(splits, packed)
    assert splits.info == packed.info


def test_mixed_sizes_are_read_at_96(write):
    folder = write({"cat": 5}, size=(20, 30))
    write({"dog": 5}, size=(40, 10))
    splits = load_folders(folder)
    assert splits.info["image_shape"] == [96, 96, 3] and splits.train.x.shape[1:] == (96, 96, 3)
    assert load_folders(folder, (16, 12, 1)).test.x.shape[1:] == (16, 12, 1)


def test_large_pictures_are_read_at_96(write):
    assert load_folders(write({"cat": 3, "dog": 3}, size=(97, 50))).info["image_shape"] == [96, 96, 3]


def test_what_is_no_picture_is_ignored(write, pack):
    folder = write({"train/cat": 5, "train/dog": 5})
    splits = load_folders(folder)
    for name in ("._1.png", ".hidden/cat/1.png", "train/cat/._1.png", "train/cat/notes.txt", "train/.cat/1.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"no picture")
    for name in ("cover.png", "train/beside_the_classes.png", "extra/thumbs/1.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((folder / "train/cat/1.png").read_bytes())
    assert_same(splits, load_folders(folder))
    assert_same(splits, load_folders(pack(folder)))


def test_upper_case_names(write):
    folder = write({"TRAIN/cat": 5, "TRAIN/dog": 5}, suffix=".PNG")
    write({"TRAIN/cat": 7}, suffix=".JPG")  # the bytes tell what it is, not the name
    assert len(load_folders(folder).train.y) + 4 == 17


@pytest.mark.parametrize("packed", [False, True])
def test_names_the_broken_files(write, pack, packed):
    folder = write({"train/cat": 5, "train/dog": 5})
    (folder / "train/cat/3.png").write_bytes((folder / "train/cat/3.png").read_bytes()[:80])
    (folder / "train/dog/0.png").write_bytes(b"")
    source = pack(folder) if packed else folder
    with pytest.raises(DataError) as error:
        load_folders(source)
    assert str(error.value) == (
        f"2 of 10 files in {source} are no pictures that can be read: train/cat/3.png, train/dog/0.png. "
        "Mend or remove them."
    )


def test_all_broken(tmp_path):
    for name in ("cat/1.jpg", "cat/2.jpg", "cat/3.jpg", "dog/1.jpg", "dog/2.jpg", "dog/3.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"6 of 6 files .*cat/1.jpg, .*, dog/2.jpg \.\.\.\. Mend"):
        load_folders(tmp_path)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({}, "holds no pictures by class. Accepted: train/<class>/*.jpg"),
        ({"train": 3, "test": 3}, "holds no pictures by class"),
        ({"test/cat": 3, "val/cat": 3}, "has no train folder beside test, validation."),
        ({"train/cat": 3}, "a classifier needs at least 2 classes. Received: cat"),
        ({"train/a": 3, "train/b": 3, "test/c": 1}, "classes that were not trained on: c"),
        (
            {"a": 2, "b": 3, "c": 1},
            "a class needs at least 3 pictures where they are split. Received: a with 2, c with 1",
        ),
        (
            {"train/a": 1, "train/b": 2, "test/a": 1},
            "a class needs at least 2 pictures where they are split. Received: a with 1",
        ),
    ],
)
def test_refuses(write, tmp_path, counts, message):
    folder = write(counts)
    folder.mkdir(exist_ok=True)
    with pytest.raises(DataError) as error:
        load_folders(folder)
    assert message in str(error.value) and str(folder) in str(error.value)


@pytest.mark.parametrize("name", ["cut.tar", "cut.tar.gz"])
def test_refuses_a_tar_that_is_cut_off(write, pack, name):
    path = pack(write({"cat": 5, "dog": 5}), name)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match=r"cannot be read to its end .* is it cut off\?"):
        load_folders(path)


def test_names_that_lead_out_of_a_tar_lead_nowhere(tmp_path, encode, noise):
    path = tmp_path / "inner" / "tricks.tar"
    path.parent.mkdir()
    with tarfile.open(path, "w") as archive:
        for name in ("train/cat", "train/dog", "/absolute/train/cat", "../../train/cat"):
            for number in range(4):
                data = encode(noise(8, 8, 3))
                member = tarfile.TarInfo(f"{name}/{number}.png")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("train/cat/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    before = sorted(tmp_path.rglob("*"))
    splits = load_folders(path)
    assert sum(len(part.y) for part in (splits.train, splits.validation, splits.test)) == 12
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("prefix", ["", "test/", "val/"])
def test_a_folder_to_test_on_alone(write, pack, prefix):
    folder = write({f"{prefix}dog": 2, f"{prefix}cat": 1})
    for source in (folder, pack(folder)):
        examples = load_test_folder(source, ["bird", "cat", "dog"], [4, 6, 1])
        assert examples.x.shape == (3, 4, 6, 1)
        np.testing.assert_array_equal(examples.y, [1, 2, 2])


def test_a_folder_with_training_pictures_is_not_for_testing_alone(write):
    folder = write({f"{split}/{name}": 3 for split in ("train", "test") for name in ("dog", "cat")})
    assert load_test_folder(folder, ["cat", "dog"], [8, 8, 3]) is None


def test_classes_that_a_model_does_not_know_are_named(write):
    with pytest.raises(DataError, match=r"classes that were not trained on: bird, fish"):
        load_test_folder(write({"bird": 1, "cat": 1, "fish": 1}), ["cat", "dog"], [8, 8, 3])
