"""Pictures that people give: what becomes a training folder, and what is refused before it does harm."""

import io
import stat
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from apps.image_classification import uploads
from apps.image_classification.uploads import UploadError, save_classes, save_zip
from apps.image_classification.zips import ZipError, read_zip
from apps.picture_files import MAX_PIXELS, PictureError, jpeg_or_png
from dlkeras.data.decode import MAX_PIXELS as MAX_PIXELS_READ
from dlkeras.data.folders import load_folders


def encoded(format="PNG", seed=0, size=(20, 16)):
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype="uint8")
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format)
    return buffer.getvalue()


PICTURE = encoded()


def zipped(path, files, method=zipfile.ZIP_DEFLATED):
    """Writes a zip of `{name or ZipInfo: bytes}`."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def pictures(*folders, count=3):
    return {f"{folder}/{number}.png": PICTURE for folder in folders for number in range(count)}


def files_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def given(tmp_path):
    """Makes files to give: `given("a.png", ...)` are pictures, unless bytes are given."""

    def make(*names, data=PICTURE):
        for name in names:
            (tmp_path / name).write_bytes(data)
        return [str(tmp_path / name) for name in names]

    return make


@pytest.mark.parametrize("format", ["JPEG", "PNG", "MPO", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_picture_of_each_format_is_one_that_training_reads(format):
    data = encoded(format)
    taken = jpeg_or_png(data)
    assert (taken == data) == (format in ("JPEG", "PNG", "MPO"))
    with Image.open(io.BytesIO(taken)) as picture:
        assert picture.size == (16, 20)


def test_a_picture_that_is_cut_off_or_too_large_is_refused():
    for format in ("JPEG", "PNG", "WEBP"):
        data = encoded(format, size=(200, 200))
        with pytest.raises(PictureError, match="cannot be opened"):
            jpeg_or_png(data[: len(data) // 2])
    assert MAX_PIXELS == MAX_PIXELS_READ
    large = io.BytesIO()
    Image.new("1", (10_000, 5_001)).save(large, "PNG")
    with pytest.raises(PictureError, match="10000 x 5001"):
        jpeg_or_png(large.getvalue())


def test_classes_become_folders_that_the_reader_takes(given, tmp_path):
    several = [*given("a.png", "b.png"), *given("c.webp", data=encoded("WEBP"))]
    classes = [(" Rød räv ", several), ("", []), ("dog", several + given("d.jpg", data=encoded("JPEG")))]
    upload = save_classes(classes, tmp_path / "to")
    assert upload == ({"Rød räv": 3, "dog": 4}, [])
    assert "dog/00004.jpg" in files_in(tmp_path / "to")
    splits = load_folders(tmp_path / "to")
    assert splits.info["class_names"] == ["Rød räv", "dog"]


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["cat"], "at least two classes. Received: cat"),
        ([], "at least two classes. Received: none"),
        (["cat", ""], "Each class must have a name"),
        (["cat", "Cat "], "a name of its own. Received: Cat twice"),
        (["cat", "a/b"], "without / or"),
        (["cat", "a\nb"], "without / or"),
        (["cat", ".."], "no dot in front"),
        (["cat", "x" * 61], "at most 60 letters"),
        (["cat", "Test"], "must not be called train"),
    ],
)
def test_classes_that_cannot_be_told_apart_are_refused(given, tmp_path, names, sentence):
    several = given("a.png", "b.png", "c.png")
    with pytest.raises(UploadError, match=sentence):
        save_classes([(name, several) for name in names], tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_too_few_pictures_and_files_that_are_none_are_named(given, tmp_path):
    several = given("a.png", "b.png", "c.png")
    with pytest.raises(UploadError, match=r"at least 3 pictures.*Received: dog with 2"):
        save_classes([("cat", several), ("dog", several[:2])], tmp_path / "to")
    words = given("words.png", data=b"these are words")
    with pytest.raises(UploadError, match=r"must be pictures: JPEG.*Received: words\.png, which cannot be opened"):
        save_classes([("cat", several + words), ("dog", several)], tmp_path / "to")


@pytest.mark.parametrize("above", ["", "top/", "my/pictures/"])
def test_a_zip_of_folders_is_taken_wherever_they_are(tmp_path, above):
    path = zipped(tmp_path / "p.zip", pictures(f"{above}cat", f"{above}dog"))
    assert save_zip(path, tmp_path / "to").counts == {"cat": 3, "dog": 3}
    assert load_folders(tmp_path / "to").info["class_names"] == ["cat", "dog"]


def test_a_zip_with_parts_keeps_them(tmp_path):
    parts = {**pictures("top/Train/cat", "top/Train/dog", count=2), **pictures("top/val/cat", "top/val/dog", count=1)}
    upload = save_zip(zipped(tmp_path / "p.zip", parts), tmp_path / "to")
    assert upload.counts == {"cat": 2, "dog": 2}
    assert len(load_folders(tmp_path / "to").validation.y) == 2
    with pytest.raises(UploadError, match=r"to train on\. Received: none of cow"):
        save_zip(zipped(tmp_path / "q.zip", parts | pictures("top/val/cow")), tmp_path / "other")


def test_what_is_no_picture_of_a_class_is_left_out_and_named(tmp_path):
    inner = zipped(tmp_path / "inner.zip", pictures("cat")).read_bytes()
    files = pictures("cat", "dog") | {"cat/notes.txt": b"words", "dog/inner.zip": inner, "lost.png": PICTURE}
    hidden = {"__MACOSX/cat/._0.png": b"x", "cat/._0.png": b"x", ".DS_Store": b"x"}
    upload = save_zip(zipped(tmp_path / "p.zip", files | hidden), tmp_path / "to")
    assert upload == ({"cat": 3, "dog": 3}, ["cat/notes.txt", "dog/inner.zip", "lost.png"])
    with pytest.raises(UploadError, match=r"Received: dog/broken\.png, which"):
        save_zip(zipped(tmp_path / "q.zip", files | {"dog/broken.png": b"x"}), tmp_path / "other")


def _link(name):
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("../cat/1.png", "below its own folder.*Received: ../cat/1.png"),
        ("cat/../../1.png", "below its own folder"),
        ("/etc/cat/1.png", "below its own folder"),
        ("cat\\..\\1.png", "below its own folder"),
        ("C:/cat/1.png", "below its own folder"),
        (_link("cat/9.png"), r"plain files and folders\. Received: cat/9\.png, which is a link"),
    ],
)
def test_a_zip_that_climbs_out_is_refused_as_a_whole(tmp_path, entry, sentence):
    path = zipped(tmp_path / "p.zip", {**pictures("cat", "dog"), entry: PICTURE})
    with pytest.raises(UploadError, match=sentence):
        save_zip(path, tmp_path / "to" / "here")
    assert files_in(tmp_path) == ["p.zip"]


def test_a_zip_that_is_encrypted_oddly_packed_or_none_is_refused(tmp_path):
    path = zipped(tmp_path / "p.zip", pictures("cat", "dog"))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(UploadError, match="must not be encrypted"):
        save_zip(path, tmp_path / "to")
    with pytest.raises(UploadError, match="by the usual method, deflate"):
        save_zip(zipped(path, pictures("cat", "dog"), zipfile.ZIP_LZMA), tmp_path / "to")
    for broken in (b"", b"words", bytes(zipped(path, pictures("cat", "dog")).read_bytes()[:-40])):
        path.write_bytes(broken)
        with pytest.raises(UploadError, match=r"p\.zip cannot be unpacked"):
            save_zip(path, tmp_path / "to")


def test_a_zip_that_is_too_large_or_too_many_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = zipped(tmp_path / "p.zip", pictures("cat", "dog"))
    bomb = zipped(tmp_path / "bomb.zip", {"cat/1.png": bytes(60 * 2**20), "dog/1.png": PICTURE})
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(UploadError, match=r"at most 5 pictures\. Received: 6"):
        save_zip(path, tmp_path / "to", max_files=5)
    with pytest.raises(UploadError, match="which holds more"):
        save_zip(path, tmp_path / "to", max_files=1)
    with pytest.raises(UploadError, match="must unpack to at most"):
        save_zip(path, tmp_path / "to", max_bytes=6 * len(PICTURE) - 1)
    with pytest.raises(UploadError, match="more than 200 times its size"):
        save_zip(bomb, tmp_path / "to")


def test_a_zip_that_lies_about_its_size_is_found_out_as_it_unpacks(tmp_path):
    path = zipped(tmp_path / "p.zip", {"cat/1.png": bytes(2**20)})
    data = path.read_bytes()
    # Says 100 bytes, in the table of contents and before the file, with the checksum left as it is.
    path.write_bytes(data.replace(struct.pack("<I", 2**20), struct.pack("<I", 100)))
    with pytest.raises(ZipError, match="cannot be unpacked"):
        list(read_zip(path, lambda name: True, max_bytes=1000))


def test_bytes_are_counted_as_they_are_unpacked(tmp_path, monkeypatch):
    path = zipped(tmp_path / "p.zip", pictures("cat", "dog"))
    monkeypatch.setattr("apps.image_classification.zips._check_declared", lambda *_: None)
    with pytest.raises(ZipError, match=r"Received: more, at cat/1\.png"):
        list(read_zip(path, lambda name: True, max_bytes=len(PICTURE) + 10))


def test_files_given_singly_are_limited_too(given, tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_FILES", 5)
    several = given("a.png", "b.png", "c.png")
    with pytest.raises(UploadError, match=r"At most 5 pictures.*Received: 6"):
        save_classes([("cat", several), ("dog", several)], tmp_path / "to")
