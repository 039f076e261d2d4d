import gzip

import pytest

from dlkeras.data.location import DataError
from dlkeras.data.running_text import load_running_text, load_test_running_text, make_text

TEXT = "Speak, speak.\n\nFirst:\nYou are all\tresolved  rather\n" * 3


def _write(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return str(path)


def test_a_file_is_cut_in_two_and_kept_as_it_is(tmp_path):
    path = _write(tmp_path / "play.txt", TEXT)
    train, validation = load_running_text(path)
    assert (train, validation) == (TEXT[: int(0.9 * len(TEXT))], TEXT[int(0.9 * len(TEXT)) :])
    assert load_running_text(path, 0.5) == (TEXT[: len(TEXT) // 2], TEXT[len(TEXT) // 2 :])
    assert load_running_text(path, 0.0) == (TEXT, "") and load_test_running_text(path) == TEXT


def test_each_file_of_several_is_cut(tmp_path, monkeypatch):
    monkeypatch.setenv("DLKERAS_DATA", str(tmp_path))
    below = tmp_path / "books" / "old"
    below.mkdir(parents=True)
    _write(below / "a.txt.gz", gzip.compress(b"a" * 90 + b"A" * 10))
    _write(tmp_path / "books" / "picture.jpg", b"\xff\xd8\0")
    name = _write(tmp_path / "b.dat", "b" * 9 + "\n" + "B" * 10)
    assert load_running_text(f"books,{name}", 0.1) == ("a" * 90 + "\n" + "b" * 9 + "\n" + "B" * 8, "A" * 10 + "\nBB")


def test_encodings_line_ends_and_byte_order_marks(tmp_path):
    lines = "Käfer – da?\nJa.\n"
    for encoding in ("utf-8", "utf-8-sig", "cp1252"):
        path = _write(tmp_path / encoding, lines.replace("\n", "\r\n").encode(encoding))
        assert load_test_running_text(path) == lines
    path = _write(tmp_path / "wide", lines.encode("utf-16"))
    assert load_test_running_text(path, encoding="utf-16") == lines
    with pytest.raises(
        DataError, match=r"wide must be text. Received characters of code 0: no text, or one of another"
    ):
        load_running_text(path)
    with pytest.raises(DataError, match=r"cp1252 is no utf-8: byte 0xe4 at place 2. Accepted: another `encoding`"):
        load_running_text(str(tmp_path / "cp1252"), encoding="utf-8")
    with pytest.raises(DataError, match=r"`encoding` must be one that Python knows, such as utf-8. Received: 'no'"):
        load_running_text(path, encoding="no")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.txt", " \n", r"empty\.txt must hold text. Received an empty file"),
        ("short.txt", "abcdef", r"must have at least 2 characters to train on and to hold out. Received: 5 and 1"),
        ("picture.txt", b"\x89PNG\0\0", r"picture\.txt must be text. Received characters of code 0"),
        ("broken.gz", gzip.compress(b"abc" * 99)[:-9], r"broken\.gz cannot be read: Compressed file ended"),
        ("no.gz", b"abc", r"no\.gz cannot be read: Not a gzipped file"),
    ],
)
def test_refuses_files(tmp_path, name, data, message):
    with pytest.raises(DataError, match=message):
        load_running_text(_write(tmp_path / name, data))


def test_refuses_what_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"Received one that is not there: nothing\.txt"):
        load_running_text("nothing.txt")
    with pytest.raises(DataError, match=r"must hold files ending in \.txt, \.gz\. Received none"):
        load_running_text(str(tmp_path))
    with pytest.raises(ValueError, match=r"`validation_fraction` must be in \[0, 1\). Received: validation_fraction=1"):
        load_running_text("nothing.txt", 1.0)


def test_made_text_is_a_play():
    text = make_text(20_000, 0)
    assert len(text) == 20_000 and text == make_text(20_000, 0) != make_text(20_000, 1)
    assert make_text(7, 0) == text[:7]
    *turns, _ = text.split("\n\n")
    assert len(turns) > 100
    for turn in turns:
        speaker, said = turn.split("\n")
        assert speaker.endswith(":") and speaker.isupper() and said[0].isupper() and said[-1] in ".!"
    with pytest.raises(ValueError, match=r"`characters` must be above 0. Received: characters=0"):
        make_text(0, 0)
