"""What is typed after `dlkeras predict` becomes a request."""

import pytest

from apps.commands.asking import _inputs

SEVERAL = {"image_bytes": True, "score_threshold": False}


def test_one_input_needs_no_name(tmp_path):
    (tmp_path / "a.txt").write_text("words")
    assert _inputs({"text": True}, [str(tmp_path / "a.txt")]) == {"text": [b"words"]}
    assert _inputs({"text": True}, ["0.5"]) == {"text": ["0.5"]}
    assert _inputs({"pixels": False}, ["[[1, 2], [3, 4]]"]) == {"pixels": [[[1, 2], [3, 4]]]}


def test_several_are_named(tmp_path):
    (tmp_path / "p.png").write_bytes(b"png")
    asked = _inputs(SEVERAL, [f"image_bytes={tmp_path / 'p.png'}", "score_threshold=0.3"])
    assert asked == {"image_bytes": [b"png"], "score_threshold": [0.3]}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["p.png"], "`INPUT` must be image_bytes=... score_threshold=.... Received: p.png"),
        (["image_bytes=p.png", "score_threshold=low"], "`score_threshold` must be a number, .* Received: low"),
    ],
)
def test_refuses(texts, message):
    with pytest.raises(ValueError, match=message):
        _inputs(SEVERAL, texts)
