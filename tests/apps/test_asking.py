"""What is typed after `dlkeras predict` becomes a request."""

import numpy as np
import pytest

from apps.commands.asking import _inputs, _shown

SEVERAL = {"image_bytes": True, "score_threshold": False}


def test_one_input_needs_no_name(tmp_path):
    (tmp_path / "a.txt").write_text("words")
    assert _inputs({"text": True}, [str(tmp_path / "a.txt")]) == {"text": [b"words"]}
    assert _inputs({"text": True}, ["0.5"]) == {"text": ["0.5"]}
    assert _inputs({"pixels": False}, ["[[1, 2], [3, 4]]"]) == {"pixels": [[[1, 2], [3, 4]]]}


def test_a_long_text_is_no_file():
    text = "a word " * 100
    assert _inputs({"text": True}, [text]) == {"text": [text]}


def test_an_output_that_is_a_file_or_large_is_written_where_that_is_asked(tmp_path):
    assert _shown("overlay_png_bytes", b"12345", None) == "5 bytes, which --save DIR writes to a file"
    path = _shown("overlay_png_bytes", b"12345", tmp_path / "new")
    assert path == str(tmp_path / "new" / "overlay.png")
    assert (tmp_path / "new" / "overlay.png").read_bytes() == b"12345"
    mask = np.ones((40, 50), "uint8")
    assert _shown("mask", mask, None) == "uint8 of shape (40, 50), which --save DIR writes to a file"
    assert _shown("state", mask[:2, 0], None) == "uint8 of shape (2,), which --save DIR writes to a file"
    np.testing.assert_array_equal(np.load(_shown("mask", mask, tmp_path)), mask)
    assert _shown("labels", np.array([b"cat", b""], object), tmp_path) == ["cat", ""]
    assert _shown("label", b"caf\xc3\xa9", None) == "café"


def test_several_are_named(tmp_path):
    (tmp_path / "p.png").write_bytes(b"png")
    asked = _inputs(SEVERAL, [f"image_bytes={tmp_path / 'p.png'}", "score_threshold=0.3"])
    assert asked == {"image_bytes": [b"png"], "score_threshold": [0.3]}
    assert _inputs({"items": False, "k": False}, ['items=["1", ""]', "k=3"]) == {"items": [["1", ""]], "k": [3]}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["p.png"], "`INPUT` must be image_bytes=... score_threshold=.... Received: p.png"),
        (["image_bytes=p.png", "score_threshold=low"], "`score_threshold` must be a number, or a list.*: low"),
        (["image_bytes=q.png", "score_threshold=0.3"], "`image_bytes` must be a file. There is none at: q.png"),
        (["image_bytes=" + 999 * "q", "score_threshold=0.3"], "`image_bytes` must be a file. There is none at: q+$"),
    ],
)
def test_refuses(texts, message, tmp_path, monkeypatch):
    (tmp_path / "p.png").write_bytes(b"png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        _inputs(SEVERAL, texts)
