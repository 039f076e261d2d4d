import gzip
import struct

import numpy as np
import pytest

from dlkeras.data import DataError
from dlkeras.data.fashion_mnist import CLASS_NAMES, load_fashion_mnist
from dlkeras.data.idx import has_idx, load_idx, read_idx

CODES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def idx_bytes(array, code=None):
    code = CODES[array.dtype.str.lstrip("|")] if code is None else code
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.tobytes()


def write_set(folder, train=40, test=10, suffix=""):
    """A set of random pictures of 4 classes; returns them as written."""
    random = np.random.default_rng(0)
    arrays = {}
    for name, count in (("train", train), ("t10k", test)):
        arrays[f"{name}-images-idx3-ubyte"] = random.integers(0, 256, (count, 6, 5), dtype="u1")
        arrays[f"{name}-labels-idx1-ubyte"] = np.arange(count, dtype="u1") % 4
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        data = idx_bytes(array)
        (folder / (name + suffix)).write_bytes(gzip.compress(data) if suffix else data)
    return arrays


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_reads_what_was_written(tmp_path, dtype, suffix):
    array = np.random.default_rng(0).normal(scale=50, size=(3, 4, 2)).astype("i1").astype(dtype)
    data = idx_bytes(array)
    path = tmp_path / f"file{suffix}"
    path.write_bytes(gzip.compress(data) if suffix else data)
    read = read_idx(path)
    np.testing.assert_array_equal(read, array)
    assert read.dtype == array.dtype


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("cut", idx_bytes(np.zeros((5, 5), "u1"))[:-1], "states the shape (5, 5), which its 36 bytes do not fit"),
        ("long", idx_bytes(np.zeros((5, 5), "u1")) + b"0", "states the shape (5, 5), which its 38 bytes do not fit"),
        ("cut in the header", b"\0\0\x08\x03\0\0", "states the shape None"),
        ("empty", b"", "is no idx file"),
        ("text", b"hello, world", "must start with 00 00, a type and a rank. Received: b'hell'"),
        ("type", idx_bytes(np.zeros(3, "u1"), code=7), "is no idx file"),
        ("cut.gz", gzip.compress(bytes(500))[:-10], "cannot be read"),
        ("plain.gz", b"hello, world", "cannot be read: Not a gzipped file"),
        ("broken.gz", gzip.compress(bytes(5))[:10] + b"\xff" * 30, "cannot be read"),
    ],
)
def test_refuses(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as error:
        read_idx(tmp_path / name)
    assert message in str(error.value) and str(tmp_path / name) in str(error.value)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_loads_a_set(tmp_path, suffix):
    arrays = write_set(tmp_path, suffix=suffix)
    assert has_idx(tmp_path)
    splits = load_idx(tmp_path, validation_fraction=0.2)
    assert splits.info == {"class_names": ["0", "1", "2", "3"], "image_shape": [6, 5, 1], "data": tmp_path.name}
    assert splits.train.x.shape == (32, 6, 5, 1) and splits.train.x.dtype == "uint8"
    assert splits.train.y.dtype == splits.test.y.dtype == "int32"
    np.testing.assert_array_equal(np.bincount(splits.validation.y), [2, 2, 2, 2])
    np.testing.assert_array_equal(splits.test.x[..., 0], arrays["t10k-images-idx3-ubyte"])
    np.testing.assert_array_equal(splits.test.y, arrays["t10k-labels-idx1-ubyte"])


def test_refuses_a_set_that_is_not_one(tmp_path):
    write_set(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(9, "u1")))
    with pytest.raises(DataError, match=r"pictures \(10, 6, 5\) and labels \(9,\) do not go together"):
        load_idx(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    assert not has_idx(tmp_path)
    with pytest.raises(DataError, match="has no t10k-labels-idx1-ubyte, neither plain nor"):
        load_idx(tmp_path)


def test_fashion_mnist_goes_to_the_network_for_what_is_missing(cache, monkeypatch, web, capsys):
    write_set(cache / "fashion_mnist", suffix=".gz")
    (cache / "fashion_mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    monkeypatch.setattr("dlkeras.data.fashion_mnist._URL", web.address)
    with pytest.raises(DataError, match="could not be downloaded"):
        load_fashion_mnist()
    assert web.paths


def test_fashion_mnist(real_data):
    splits = load_fashion_mnist()
    assert len(splits.train.y) == 54_000 and len(splits.validation.y) == 6_000 and len(splits.test.y) == 10_000
    together = np.concatenate([splits.train.y, splits.validation.y])
    np.testing.assert_array_equal(np.bincount(together), [6_000] * 10)
    np.testing.assert_array_equal(np.bincount(splits.validation.y), [600] * 10)
    np.testing.assert_array_equal(np.bincount(splits.test.y), [1_000] * 10)
    assert splits.info["class_names"] == list(CLASS_NAMES) and splits.info["image_shape"] == [28, 28, 1]
    # The first test picture is an ankle boot, as in every notebook.
    assert splits.test.y[0] == 9
