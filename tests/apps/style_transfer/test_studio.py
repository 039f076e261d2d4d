"""Painting in the background: looked at, stopped, failed, one at a time."""

import sys
import time

import pytest

from apps.style_transfer.progress import read_progress, write_progress
from apps.style_transfer.studio import Studio, StudioError

# Stands in for the painting: a picture and a step, then what the style's bytes say.
COMMAND = """
import pathlib, sys, time
from apps.style_transfer.progress import write_progress
content, style, folder = map(pathlib.Path, sys.argv[1:4])
assert sys.argv[4:] == ["--steps", "4", "--content-weight", "0.1"], sys.argv
(folder / "picture.png").write_bytes(content.read_bytes())
write_progress(folder, 3, 4, 0.5, "cifar10")
if style.read_bytes() == b"wait":
    time.sleep(60)
if style.read_bytes() == b"fail":
    sys.exit("a line\\ndlkeras: There is no way.\\nanother line")
write_progress(folder, 4, 4, 0.25, "cifar10")
"""
OPTIONS = {"steps": 4, "content_weight": 0.1}


@pytest.fixture
def studio(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    studio = Studio((sys.executable, "-c", COMMAND))
    yield studio
    studio.close()
    assert not list(tmp_path.iterdir()), "something was left behind"


def _wait(studio, ready):
    end = time.monotonic() + 30
    while not ready(look := studio.look()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return look


def test_a_painting_ends_with_its_picture(studio):
    assert studio.look().state == ""
    studio.start(b"content", b"style", **OPTIONS)
    look = _wait(studio, lambda look: look.state != "painting")
    assert (look.state, look.progress.step, look.progress.loss) == ("done", 4, 0.25)
    assert look.picture.read_bytes() == b"content"


def test_it_is_one_at_a_time_and_can_be_stopped(studio):
    studio.start(b"one", b"wait", **OPTIONS)
    look = _wait(studio, lambda look: look.progress.step)
    assert (look.state, look.progress.steps) == ("painting", 4)
    with pytest.raises(StudioError, match="one at a time"):
        studio.start(b"other", b"style", **OPTIONS)
    studio.stop()
    look = studio.look()
    assert (look.state, look.picture.read_bytes()) == ("stopped", b"one")
    studio.start(b"other", b"style", **OPTIONS)
    assert _wait(studio, lambda look: look.state != "painting").picture.read_bytes() == b"other"


def test_what_went_wrong_is_told(studio):
    studio.start(b"content", b"fail", **OPTIONS)
    look = _wait(studio, lambda look: look.state != "painting")
    assert (look.state, look.text) == ("failed", "There is no way.")


def test_progress_is_read_as_it_was_written(tmp_path):
    assert read_progress(tmp_path).steps == 0
    write_progress(tmp_path, 3, 9, 0.5, "vgg19")
    assert read_progress(tmp_path) == (3, 9, 0.5, "vgg19")
