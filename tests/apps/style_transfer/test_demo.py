"""The page's own work: asking, watching, and the lines that make the same call."""

import io
import json
import subprocess
import sys

import gradio
import numpy as np
import pytest
from PIL import Image

from apps.predict import PredictError
from apps.style_transfer import demo, painting
from apps.style_transfer.calls import curl_call, python_call
from apps.style_transfer.examples import example_files
from apps.style_transfer.optimizing_page import _describe, _Optimizing
from apps.style_transfer.progress import PICTURE_FILE, Progress, read_progress
from apps.style_transfer.studio import Look
from dlkeras.data.encode import encode_png


class _Predict:
    rest, address = "http://host:1", "host:2"

    def __init__(self, fault=None):
        self.fault, self.asked = fault, []

    def __call__(self, inputs, endpoint="serving_default", preset=None):
        if self.fault:
            raise self.fault
        self.asked.append((inputs, endpoint, preset))
        return {"image_png_bytes": np.array([encode_png(np.zeros((20, 30, 3), "uint8"))], object)}


@pytest.fixture
def files(tmp_path):
    for name in ("content.png", "style.png"):
        Image.new("RGB", (40, 30)).save(tmp_path / name)
    return str(tmp_path / "content.png"), str(tmp_path / "style.png")


def test_asking_shows_the_picture(files):
    predict = _Predict()
    picture, spent = demo._Page(predict, ["one"])._ask(*files, "one", 0.5, 96)
    assert picture.size == (30, 20)
    assert spent.startswith("30 x 20 pixels, painted in ")
    ((inputs, endpoint, preset),) = predict.asked
    assert (inputs["strength"], inputs["size"], endpoint, preset) == ([0.5], [96], "settings", "one")
    assert demo._Page(predict, ["one"])._ask(files[0], None, "one", 0.5, 96) == (None, "")


def test_what_went_wrong_is_told_as_a_sentence(files, tmp_path):
    page = demo._Page(_Predict(PredictError("size must be in [32, 1024]. Received: 5")), ["one"])
    with pytest.raises(gradio.Error, match="size must be in"):
        page._ask(*files, "one", 0.5, 5)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    with pytest.raises(gradio.Error, match=r"must be a picture.*broken.png"):
        page._ask(files[0], str(broken), "one", 0.5, 96)
    with pytest.raises(gradio.Error, match="no picture of the style yet"):
        page._ask_aloud(files[0], None, "one", 0.5, 96)
    with pytest.raises(gradio.Error, match="Two pictures are needed"):
        _Optimizing()._start(files[0], None, 10, 64, 0.1)


def test_the_shell_line_sends_what_the_endpoint_takes_and_writes_the_answer(tmp_path):
    (tmp_path / "content.jpg").write_bytes(b"one")
    (tmp_path / "style.jpg").write_bytes(b"two")
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/sh\ncat > sent.json\necho \'{"predictions": [{"b64": "cGFpbnRlZA=="}]}\'\n')
    curl.chmod(0o755)
    line = curl_call("http://host:1", "style_transfer", 0.7, 256)
    subprocess.run(["sh", "-c", f'PATH="{tmp_path}:$PATH"; {line}'], cwd=tmp_path, check=True)
    sent = json.loads((tmp_path / "sent.json").read_text())
    expected = {"content_bytes": {"b64": "b25l"}, "style_bytes": {"b64": "dHdv"}, "strength": 0.7, "size": 256}
    assert sent == {"signature_name": "settings", "instances": [expected]}
    assert (tmp_path / "painted.png").read_bytes() == b"painted"
    compile(python_call("host:2", "style_transfer", 0.7, 256), "lines", "exec")


def test_examples_are_pairs_of_pictures():
    examples = example_files()
    assert len({path for paths in examples for path in paths}) == 3 * len(examples)
    for paths in examples:
        assert [_pixels(path).shape[:2] for path in paths] == [(256, 256), (256, 256), (256, 512)]


def _pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_the_page_shows_the_picture_as_it_develops(tmp_path):
    page = _Optimizing()
    Image.new("RGB", (5, 4), "red").save(tmp_path / "picture.png")
    page._studio.look = lambda: Look("painting", Progress(5, 20, 0.5, "cifar10"), tmp_path / "picture.png")
    shown, words, picture, start, stop, timer = page._open()
    assert (picture.size, picture.getpixel((0, 0))) == ((5, 4), (255, 0, 0))
    assert "Step 5 of 20" in words
    assert (start["interactive"], stop["interactive"], timer["active"]) == (False, True, True)
    assert all("value" not in update for update in page._watch(shown)), "nothing is new"


def test_words_for_every_state():
    assert "Opening the network" in _describe(Look("painting"))
    assert "width: 25%" in _describe(Look("painting", Progress(5, 20, 0.5, "cifar10")))
    assert "features of cifar10" in _describe(Look("done", Progress(20, 20, 0.5, "cifar10")))
    assert "Stopped after 5 steps" in _describe(Look("stopped", Progress(5, 20, 0.5, "cifar10")))
    assert "&lt;b&gt;" in _describe(Look("failed", text="<b>"))


def test_painting_leaves_the_picture_and_how_far_it_is(files, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["painting", *files, str(tmp_path / "to"), "--steps", "2", "--size", "32"])
    painting.main()
    assert read_progress(tmp_path / "to")[:2] == (2, 2)
    assert Image.open(io.BytesIO((tmp_path / "to" / PICTURE_FILE).read_bytes())).size == (32, 24)
    monkeypatch.setattr(sys, "argv", ["painting", *files, str(tmp_path / "to"), "--features", "nothing"])
    with pytest.raises(SystemExit, match=r"dlkeras: The pretrained network must be one of"):
        painting.main()
