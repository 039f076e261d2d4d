import gzip

import numpy as np
import pytest

from dlkeras.data import DataError
from dlkeras.data.parallel_text import load_parallel, load_test_parallel


def of(part):
    return list(zip(part.x, part.y, strict=True))


def pairs(count, prefix=""):
    return [(f"{prefix}one {number}", f"{prefix}eins {number}") for number in range(count)]


def table(count, prefix=""):
    return "".join(f"{one}\t{other}\n" for one, other in pairs(count, prefix))


def side_by_side(folder, one, other):
    """Writes two files, and returns what names both."""
    for name, content in (("a.en", one), ("a.de", other)):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return f"{folder / 'a.en'}:{folder / 'a.de'}"


@pytest.mark.parametrize("packed", [False, True])
def test_two_files_or_a_table(tmp_path, monkeypatch, packed):
    expected = [("A dog.", "Ein Hund."), ("Two men.", "Zwei Männer.")]
    files = {
        "x.en": "A dog.\r\nTwo  men. ",  # the last line may end or not
        "x.de": "\ufeffEin\u00a0Hund.\nZwei Ma\u0308nner.\n",
        "x.tsv": "A dog.\tEin Hund.\tCC-BY 2.0 #1\n\n \t\nTwo men.\tZwei Männer.\n",
    }
    end = ".gz" if packed else ""
    for name, content in files.items():
        content = content.encode()
        (tmp_path / f"{name}{end}").write_bytes(gzip.compress(content) if packed else content)
    monkeypatch.setenv("DLKERAS_DATA", str(tmp_path))
    both, table = f"x.en{end}:{tmp_path / f'x.de{end}'}", f"x.tsv{end}"
    for source in (both, table):
        examples, problems = load_test_parallel(source)
        assert problems == [] and of(examples) == expected
        assert examples.x.dtype == examples.y.dtype == object and {*map(type, examples.x)} == {str}
    examples, _ = load_test_parallel(f"{both}, {table}", reverse=True)
    assert of(examples) == [(other, one) for one, other in expected] * 2


def test_several_files_and_those_held_out(tmp_path):
    for name, count in (("a", 5), ("b", 4), ("v", 3), ("t", 2)):
        (tmp_path / f"{name}.tsv").write_text(table(count, name))
    held_out = {"validation": tmp_path / "v.tsv", "test": tmp_path / "t.tsv"}
    splits, problems = load_parallel(f"{tmp_path / 'a.tsv'},{tmp_path / 'b.tsv'}", **held_out, reverse=True)
    assert problems == [] and splits.info == {"data": "a.tsv,b.tsv"}
    assert of(splits.train) == [pair[::-1] for pair in pairs(5, "a") + pairs(4, "b")]
    assert of(splits.validation) == [pair[::-1] for pair in pairs(3, "v")]
    assert of(splits.test) == [pair[::-1] for pair in pairs(2, "t")]


def test_no_sentence_is_in_two_parts(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text(table(40) + "".join(f"one {number}\tun {number}\n" for number in range(40)))
    splits, _ = load_parallel(path, validation_fraction=0.25, test_fraction=0.2, seed=3)
    parts = [of(part) for part in (splits.train, splits.validation, splits.test)]
    assert [len(part) for part in parts] == [48, 16, 16]
    sentences = [{one for one, _ in part} for part in parts]
    assert len(set.union(*sentences)) == sum(map(len, sentences)) == 40
    again, _ = load_parallel(path, validation_fraction=0.25, test_fraction=0.2, seed=3)
    other, _ = load_parallel(path, validation_fraction=0.25, test_fraction=0.2, seed=4)
    assert of(again.test) == parts[2] != of(other.test)
    whole, _ = load_parallel(path, validation_fraction=0, test_fraction=0)
    assert (len(whole.train.x), len(whole.validation.x), len(whole.test.x)) == (80, 0, 0)


def test_what_is_wrong_with_two_files_is_told(tmp_path):
    source = side_by_side(
        tmp_path, b"one\ntwo\n\nfour\xff\n \nsix\n", b"eins\n \ndrei\nvier\n\nsechs\nsieben\nacht \xc3\n"
    )
    examples, problems = load_test_parallel(source)
    assert of(examples) == [("one", "eins"), ("six", "sechs")]
    assert [(problem.file.name, problem.sentence) for problem in problems] == [
        ("a.en", "line 4 is not UTF-8: byte 0xff at place 5."),
        ("a.de", "line 8 is not UTF-8: byte 0xc3 at place 6."),
        ("a.de", "line 7 has no translation: a.en ends with line 6."),
        ("a.de", "line 8 has no translation: a.en ends with line 6."),
        ("a.de", "line 2 is empty, unlike that of a.en."),
        ("a.en", "line 3 is empty, unlike that of a.de."),
    ]


def test_what_is_wrong_with_a_table_is_told(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(table(9).encode() + b"alone\n\n \tx\nx\t \ty\n\xe9t\xe9\tsummer\n")
    splits, problems = load_parallel(path)
    assert sorted(of(splits.train) + of(splits.validation) + of(splits.test)) == pairs(9)
    assert problems == [
        (path, "line 14 is not UTF-8: byte 0xe9 at place 1."),
        (path, "line 10 must be a sentence, a tab and its translation."),
        (path, "line 12 has no sentence."),
        (path, "line 13 has no translation."),
    ]
    with pytest.raises(DataError, match=r"4 of the lines cannot be used:\n.*a.tsv: line 14 is not UTF-8"):
        load_parallel(path, strict=True)


@pytest.mark.parametrize(
    ("content", "arguments", "sentence"),
    [
        ("", {}, "a.tsv holds no sentence with its translation.$"),
        ("a\nb\n", {}, r"holds no sentence with its translation. line 1 must be a sentence, a tab and its"),
        ("a\tb\na\tc\n", {}, "a.tsv: to be split, 2 different sentences are needed. Received: 1"),
        (table(9), {"test": "missing.de"}, r"missing.de: there is no such file. Accepted: two files that are"),
        (table(9), {"test": "{0}:{0}:{0}"}, "a sentence has one translation. Accepted: two files"),
        (table(9), {"test": "{0}.gz"}, r"a.tsv.gz is no .gz file that can be unpacked \(Not a gzipped file"),
        (table(9), {"test_fraction": 1}, r"`test_fraction` must be in \[0, 1\). Received: test_fraction=1"),
    ],
)
def test_refuses(tmp_path, content, arguments, sentence):
    path = tmp_path / "a.tsv"
    path.write_text(content)
    (tmp_path / "a.tsv.gz").write_text("text")
    arguments = {name: value.format(path) if isinstance(value, str) else value for name, value in arguments.items()}
    with pytest.raises(ValueError, match=sentence):
        load_parallel(path, **arguments)


def test_the_real_files(real_data):
    train, validation, test = (
        f"multi30k/{name}.en.gz:multi30k/{name}.de.gz" for name in ("train", "val", "test_2016_flickr")
    )
    splits, problems = load_parallel(train, validation=validation, test=test, strict=True)
    assert problems == [] and [len(part.x) for part in (splits.train, splits.validation, splits.test)] == [
        29000,
        1014,
        1000,
    ]
    assert of(splits.test)[0] == (
        "A man in an orange hat starring at something.",
        "Ein Mann mit einem orangefarbenen Hut, der etwas anstarrt.",
    )
    assert not any("\u00a0" in text or text != text.strip() for text in np.concatenate([*splits.train]))
