"""The page's own work: reading files, asking, and telling what went wrong."""

import io
from pathlib import Path

import gradio
import numpy as np
import pytest
from PIL import Image

from apps.calls import curl_call
from apps.image_classification import demo
from apps.image_classification.examples import draw, example_files
from apps.picture_files import read_picture
from apps.predict import PredictError, ServerPredict


def _saved(path, format):
    draw("cifar10", "ship").save(path, format)
    return path


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_jpeg_and_png_are_sent_as_they_are(tmp_path, format):
    path = _saved(tmp_path / "picture", format)
    assert read_picture(path) == path.read_bytes()


@pytest.mark.parametrize("format", ["WEBP", "BMP", "GIF", "TIFF"])
def test_other_formats_are_rewritten_as_png(tmp_path, format):
    path = _saved(tmp_path / "picture", format)
    with Image.open(io.BytesIO(read_picture(path))) as rewritten, Image.open(path) as original:
        assert rewritten.format == "PNG"
        np.testing.assert_array_equal(np.asarray(rewritten), np.asarray(original.convert("RGB")))


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    (tmp_path / "words.png").write_text("these are words")
    with pytest.raises(PredictError, match=r"must be a picture.*words\.png, 15 bytes"):
        read_picture(tmp_path / "words.png")


class _Predict:
    rest, address = "http://host:1", "host:2"

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def __call__(self, inputs, endpoint="serving_default", preset=None):
        self.asked.append((inputs, endpoint, preset))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture(autouse=True)
def presets(monkeypatch):
    monkeypatch.setattr(demo, "served_name", lambda app, preset: f"{app}_{preset}")


def test_the_answer_is_handed_to_the_bars(tmp_path):
    path = _saved(tmp_path / "picture.png", "PNG")
    predict = _Predict({"labels": np.array([[b"ship", b"truck"]], object), "scores": np.array([[0.9, 0.1]])})
    bars, spent, curl, python = demo._ask(predict, path, "cifar10")
    assert bars == {"ship": 0.9, "truck": 0.1}
    assert predict.asked == [({"image_bytes": [path.read_bytes()]}, "serving_default", "cifar10")]
    assert "ms" in spent
    assert "http://host:1/v1/models/image_classification_cifar10:predict" in curl
    assert 'Client("host:2")' in python


def test_no_picture_is_no_question():
    predict = _Predict(AssertionError("asked"))
    assert demo._ask(predict, None, "cifar10")[0] is None


def test_a_refusal_is_shown_as_it_was_said(tmp_path):
    with pytest.raises(gradio.Error, match="too large"):
        demo._ask(_Predict(PredictError("too large")), _saved(tmp_path / "p.png", "PNG"), "cifar10")


def test_a_dead_server_is_named(tmp_path):
    predict = ServerPredict("image_classification", "127.0.0.1:1")
    with pytest.raises(gradio.Error, match=r"no answer from 127\.0\.0\.1:1"):
        demo._ask(predict, _saved(tmp_path / "p.png", "PNG"), "cifar10")


def test_examples_are_drawn_alike_each_time():
    for path, preset in example_files():
        name = Path(path).stem.removeprefix(f"{preset}-")
        with Image.open(path) as picture:
            np.testing.assert_array_equal(np.asarray(picture), np.asarray(draw(preset, name)))


def test_the_curl_line_names_another_endpoint():
    assert '"signature_name": "tensors"' in curl_call("http://h", "m", "tensors", "f")
