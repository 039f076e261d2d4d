import numpy as np
import pytest

from dlkeras.data import DataError
from dlkeras.data.text_files import load_test_texts, load_texts


def of(part):
    return [*zip(part.x.tolist(), part.y.tolist(), strict=True)]


def all_of(splits):
    return sorted(of(splits.train) + of(splits.validation) + of(splits.test))


def lines(count=10, separator="\t"):
    return "".join(f"{'good' if number % 2 else 'bad'}{separator}text {number}\n" for number in range(count))


@pytest.mark.parametrize("separator", ["\t", " "])
@pytest.mark.parametrize("named", [True, False])
def test_lines(tmp_path, separator, named):
    (tmp_path / "all.txt").write_text(lines(20, separator))
    form = {"\t": "tab", " ": "space"}[separator] if named else None
    splits, problems = load_texts(tmp_path / "all.txt", form=form, validation_fraction=0.25, test_fraction=0.2)
    assert problems == [] and splits.info == {"class_names": ["bad", "good"], "data": "all.txt"}
    assert all_of(splits) == sorted((f"text {number}", number % 2) for number in range(20))
    assert [np.bincount(part.y).tolist() for part in (splits.train, splits.validation, splits.test)] == [
        [6, 6],
        [2, 2],
        [2, 2],
    ]
    assert splits.train.y.dtype == "int32"
    again = load_texts(tmp_path / "all.txt", validation_fraction=0.25, test_fraction=0.2, seed=1)[0]
    assert of(again.test) != of(splits.test) and all_of(again) == all_of(splits)


def test_splits_by_the_names_of_files(tmp_path):
    for number, split in enumerate(("train", "dev", "test")):
        (tmp_path / f"sst.binary.{split}").write_text(f"1 a {split}\n0 b {number}\n")
    (tmp_path / "sst.other").mkdir()
    splits, problems = load_texts(tmp_path / "sst.binary", names={"0": "negative", "1": "positive"})
    assert problems == [] and splits.info["class_names"] == ["negative", "positive"]
    parts = (splits.train, splits.validation, splits.test)
    assert [of(part) for part in parts] == [
        [(f"a {split}", 1), (f"b {number}", 0)] for number, split in enumerate(("train", "dev", "test"))
    ]
    (tmp_path / "sst.binary.test").unlink()
    splits, _ = load_texts(tmp_path / "sst.binary", test_fraction=0)
    assert len(splits.train.x) == 2 and splits.test.x.shape == splits.test.y.shape == (0,)
    with pytest.raises(DataError, match=r"a label must be one of 0. Received: 1"):
        load_texts(tmp_path / "sst.binary", names={"0": "negative"})


def test_numbers_are_sorted_as_numbers(tmp_path):
    (tmp_path / "a").write_text("".join(f"{label} text\n" for label in (10, 2, 1) * 3))
    assert load_texts(tmp_path / "a")[0].info["class_names"] == ["1", "2", "10"]


def test_a_file_a_class(tmp_path):
    (tmp_path / "mr.pos").write_bytes("caf\xe9 \x93good\x94\n".encode("latin-1") * 5)
    (tmp_path / "mr.neg").write_bytes(b"bad\n\nworse\n" * 5)
    splits, problems = load_texts(tmp_path / "mr")
    assert problems == [] and splits.info["class_names"] == ["neg", "pos"]
    assert all_of(splits) == sorted([("café “good”", 1)] * 5 + [("bad", 0), ("worse", 0)] * 5)
    assert ("caf\xe9 \x93good\x94", 1) in of(load_texts(tmp_path / "mr", encoding="iso-8859-1")[0].train)
    (tmp_path / "mr.pos").write_bytes(b"\x81undefined in cp1252\xe9\n" * 5)
    assert ("\x81undefined in cp1252é", 1) in of(load_texts(tmp_path / "mr")[0].train)


def test_folders(tmp_path):
    for split in ("train", "test"):
        for name in ("pos", "neg", "unsup"):
            folder = tmp_path / split / name
            folder.mkdir(parents=True)
            for number in range(4):
                (folder / f"{number}.txt").write_text(f"{name} {split}\nline {number}\n")
        (tmp_path / split / "urls_pos.txt").write_text("nothing")
    splits, problems = load_texts(tmp_path, validation_fraction=0.25)
    assert problems == [] and splits.info["class_names"] == ["neg", "pos"]
    assert of(splits.test) == [
        (f"{name} test\nline {number}", label) for label, name in enumerate(("neg", "pos")) for number in range(4)
    ]
    assert np.bincount(splits.validation.y).tolist() == [1, 1] and np.bincount(splits.train.y).tolist() == [3, 3]
    assert len(load_texts(tmp_path / "train", test_fraction=0)[0].test.y) == 0


def test_tables(tmp_path):
    (tmp_path / "a.csv").write_text(
        "id,review,stars\r\n" + '1,"so ""good"",\nI liked it",5\r\n2,bad,1\r\n' * 4, newline=""
    )
    splits, problems = load_texts(tmp_path / "a.csv", columns=("review", "stars"))
    assert problems == [] and splits.info["class_names"] == ["1", "5"]
    assert all_of(splits) == sorted([('so "good",\nI liked it', 1), ("bad", 0)] * 4)
    (tmp_path / "b.tsv").write_text("text\tlabel\n" + "a, b\tx\nc\ty\n" * 4)
    assert all_of(load_texts(tmp_path / "b.tsv")[0]) == sorted([("a, b", 0), ("c", 1)] * 4)
    with pytest.raises(DataError, match=r"must name the columns text and label. Received: id, review, stars"):
        load_texts(tmp_path / "a.csv")


def test_problems(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(lines(10).encode() + b"good\tcaf\xe9\nno separator\n\tno label\ngood\t \n\n")
    splits, problems = load_texts(path, encoding="utf-8")
    assert len(all_of(splits)) == 10 and {problem.file for problem in problems} == {path}
    assert [problem.sentence for problem in problems] == [
        "line 11 is no utf-8: byte 0xe9 at place 9. Accepted: another `encoding`.",
        "line 12 must be a label, a tab and a text.",
        "line 13 has no label.",
        "line 14 has no text.",
    ]
    with pytest.raises(DataError, match=r"4 of the texts cannot be used:\n.*a.txt: line 11 is no utf-8"):
        load_texts(path, encoding="utf-8", strict=True)
    assert len(load_texts(path)[1]) == 3  # as cp1252 every line can be read


def test_utf16_and_marks_of_byte_order(tmp_path):
    for encoding, given in (("utf-16", "utf-16"), ("utf-8-sig", None)):
        (tmp_path / "a").write_bytes(lines(6).replace("text", "été\u2028").encode(encoding))
        splits, problems = load_texts(tmp_path / "a", encoding=given)
        assert problems == [] and all_of(splits) == sorted((f"été\u2028 {number}", number % 2) for number in range(6))


@pytest.mark.parametrize(
    ("content", "arguments", "sentence"),
    [
        ("", {}, "holds no texts with labels. Accepted: a file of"),
        ("alone\n", {}, "holds no texts with labels.* line 1 must be a label, a space and a text"),
        ("good text\n" * 9, {}, "a classifier needs at least 2 classes. Received: good"),
        ("good text\n" * 9 + "bad text\n", {}, "A class needs at least 2 examples to be split"),
        (lines(), {"encoding": "klingon"}, "`encoding` must be one that Python knows"),
    ],
)
def test_refuses(tmp_path, content, arguments, sentence):
    (tmp_path / "a").write_text(content)
    with pytest.raises(DataError, match=sentence):
        load_texts(tmp_path / "a", **arguments)


def test_refuses_what_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"no such file or folder, and no file whose name begins so. Accepted"):
        load_texts(tmp_path / "a")
    (tmp_path / "a").write_text(lines())
    with pytest.raises(ValueError, match=r"`form` must be one of tab, space, csv, classes. Received: form='xml'"):
        load_texts(tmp_path / "a", form="xml")
    (tmp_path / "b.test").write_text(lines())
    (tmp_path / "b.dev").write_text(lines())
    with pytest.raises(DataError, match=r"has no texts to train on beside test, validation"):
        load_texts(tmp_path / "b")


def test_to_test_on(tmp_path):
    (tmp_path / "a.train").write_text("bad train\n")
    (tmp_path / "a.test").write_text("good test\n")
    names = ["good", "bad"]
    assert of(load_test_texts(tmp_path / "a", names)[0]) == [("test", 0)]
    assert of(load_test_texts(tmp_path / "a.train", names)[0]) == [("train", 1)]
    with pytest.raises(DataError, match=r"a label must be one of x. Received: good"):
        load_test_texts(tmp_path / "a", ["x"])


def test_the_real_files(real_data):
    splits, problems = load_texts("sentiment/stsa.binary", test_fraction=0, strict=True)
    assert problems == [] and (len(splits.train.y), splits.train.y.sum()) == (6920, 3610)
    assert (len(splits.validation.y), splits.validation.y.sum(), len(splits.test.y)) == (872, 444, 0)
    splits, problems = load_texts(real_data / "sentiment" / "rt-polarity", strict=True)
    counts = sum(np.bincount(part.y) for part in (splits.train, splits.validation, splits.test))
    assert problems == [] and counts.tolist() == [4495, 4461] and splits.info["class_names"] == ["neg", "pos"]
