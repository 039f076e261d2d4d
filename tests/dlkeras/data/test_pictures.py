import hashlib
import io
import pickle
import tarfile

import numpy as np
import pytest

from dlkeras.data import DataError, cifar10
from dlkeras.data.digits import load_digits
from dlkeras.data.encode import encode_png
from dlkeras.data.labels import top_labels
from dlkeras.data.pictures import load_pictures


def test_digits_need_no_network(cache):
    splits = load_pictures("digits", seed=3)
    assert [len(part.y) for part in (splits.train, splits.validation, splits.test)] == [
        1295,
        143,
        359,
    ]  # rounded by class
    assert splits.info == {"class_names": list("0123456789"), "image_shape": [16, 16, 1], "data": "digits"}
    assert splits.train.x.dtype == "uint8" and splits.train.x.max() == 255
    np.testing.assert_array_equal(splits.test.x[:, ::2, ::2], splits.test.x[:, 1::2, 1::2])
    again = load_digits(seed=3)
    np.testing.assert_array_equal(splits.validation.x, again.validation.x)
    assert not np.array_equal(splits.validation.x, load_digits(seed=4).validation.x)


@pytest.fixture
def folder(tmp_path, encode, noise):
    for name in ("cat", "dog"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "set" / name / f"{number}.png").write_bytes(encode(noise(8, 9, 3)))
    return tmp_path / "set"


def test_folders_and_tars(folder, tmp_path):
    with tarfile.open(tmp_path / "set.tar.gz", "w:gz") as archive:
        archive.add(folder, "set")
    for data in (folder, str(folder), tmp_path / "set.tar.gz"):
        splits = load_pictures(data, image_shape=(6, 6, 3))
        assert splits.info == {"class_names": ["cat", "dog"], "image_shape": [6, 6, 3], "data": "set"}


def test_users_home(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_pictures("~/set").info["image_shape"] == [8, 9, 3]


def test_refuses(tmp_path):
    (tmp_path / "notes.txt").write_text("notes")
    kinds = "`data` must be one of digits, fashion_mnist, cifar10, a folder of pictures by class or of idx files, or "
    for data, what in ((str(tmp_path / "gone"), "not there"), (str(tmp_path / "notes.txt"), "a file of another kind")):
        with pytest.raises(DataError) as error:
            load_pictures(data)
        assert str(error.value) == f"{kinds}a tar file. Received: {data!r}, which is {what}."


def test_original_cifar10(cache, web, monkeypatch, tmp_path):
    """An archive of the original form, with red, green and blue planes of known values."""
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (6, 20, 32, 32, 3), dtype="uint8")
    labels = [list(range(10)) * 2] * 6
    with tarfile.open(web.folder / "cifar-10-python.tar.gz", "w:gz") as archive:
        names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
        contents = {
            name: {b"data": batch.transpose(0, 3, 1, 2).reshape(20, -1), b"labels": numbers}
            for name, batch, numbers in zip(names, pictures, labels, strict=True)
        }
        contents["batches.meta"] = {b"label_names": [f"class {number}".encode() for number in range(10)]}
        for name, content in contents.items():
            data = pickle.dumps(content)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    sha256 = hashlib.sha256((web.folder / "cifar-10-python.tar.gz").read_bytes()).hexdigest()
    monkeypatch.setattr(cifar10, "_URL", web.address + "cifar-10-python.tar.gz")
    monkeypatch.setattr(cifar10, "_SHA256", sha256)
    splits = load_pictures("cifar10")
    assert [len(part.y) for part in (splits.train, splits.validation, splits.test)] == [90, 10, 20]
    np.testing.assert_array_equal(splits.test.x, pictures[5])
    np.testing.assert_array_equal(splits.test.y, labels[5])
    assert splits.info["class_names"][3] == "class 3" and splits.info["image_shape"] == [32, 32, 3]


def test_encode_png_is_lossless(noise):
    import tensorflow as tf

    for channels in (1, 3):
        picture = noise(5, 7, channels)
        np.testing.assert_array_equal(tf.io.decode_png(encode_png(picture)), picture)


def test_top_labels():
    labels, scores = top_labels(np.array([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]], "float32"), ["a", "b", "c"], k=2)
    assert labels.numpy().tolist() == [[b"b", b"c"], [b"a", b"c"]]
    np.testing.assert_allclose(scores, [[0.7, 0.2], [0.5, 0.4]])
    assert top_labels(np.ones((1, 3), "float32") / 3, ["a", "b", "c"])[0].shape == (1, 3)
