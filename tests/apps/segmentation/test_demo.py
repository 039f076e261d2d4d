"""The page's own work: asking, colouring, the legend, and telling what went wrong."""

import asyncio
import io

import gradio
import numpy as np
import pytest
from PIL import Image

from apps.predict import PredictError, ServerPredict
from apps.segmentation import demo
from apps.segmentation.asking import ask, opened
from apps.segmentation.colouring import legend, overlay, tints
from apps.segmentation.examples import draw, example_files
from dlkeras.data.encode import encode_png

NAMES = ["background", "cat", "dog"]


class _Predict:
    """Sees a cat in the upper half of every picture; `fault` is raised instead."""

    rest, address = "http://host:1", "host:2"

    def __init__(self, fault=None):
        self.fault, self.asked = fault, []

    def __call__(self, inputs, endpoint="serving_default", preset=None):
        self.asked.append((inputs, endpoint, preset))
        if self.fault:
            raise self.fault
        with Image.open(io.BytesIO(inputs["image_bytes"][0])) as picture:
            mask = np.zeros((picture.height, picture.width, 1), "uint8")
        mask[: len(mask) // 2] = 1
        classes = np.array([[name.encode() for name in NAMES]], object)
        return {"mask_png_bytes": [encode_png(mask)], "classes": classes, "shares": np.array([[0.5, 0.5, 0]])}


@pytest.fixture(autouse=True)
def presets(monkeypatch):
    monkeypatch.setattr(demo, "preset_names", lambda app: ["pets", "scenes"])
    monkeypatch.setattr(demo, "preset_info", lambda app, preset: {"class_names": NAMES})
    monkeypatch.setattr(demo, "served_name", lambda app, preset: f"{app}_{preset}")
    monkeypatch.setattr("apps.predict.served_name", lambda app, preset: f"{app}_{preset}")


@pytest.fixture
def picture(tmp_path):
    Image.new("RGB", (40, 30), (100, 100, 100)).save(tmp_path / "a.png")
    return str(tmp_path / "a.png")


def test_a_class_is_coloured_and_background_is_not(picture):
    answered = ask(_Predict(), "pets", picture)
    cat = tints(NAMES)[1]
    for opacity in (0, 0.5, 1):
        pixels = np.asarray(overlay(*opened(answered), NAMES, opacity), int)
        assert pixels.shape == (30, 40, 3)
        assert abs(pixels[20:] - 100).max() <= 2  # a JPEG's preview
        expected = (1 - opacity) * 100 + opacity * np.array(cat)
        assert abs(pixels[:13] - expected).max() <= 3


def test_a_large_picture_is_shown_smaller_and_its_mask_kept_whole(tmp_path):
    Image.new("L", (3000, 1500)).save(tmp_path / "large.png")
    answered = ask(_Predict(), "pets", tmp_path / "large.png")
    assert answered.size == (3000, 1500)
    assert [part.size for part in opened(answered)] == [(1280, 640)] * 2
    with Image.open(io.BytesIO(answered.mask_file)) as mask:
        assert mask.size == (3000, 1500)


def test_the_legend_lists_what_occurs_by_its_share():
    text = legend(["background", "<cat>", "dog"], [0.25, 0.75, 0])
    assert text.index("&lt;cat&gt;") < text.index(">background<")
    assert "75.0%" in text and "25.0%" in text and "dog" not in text


def test_the_page_asks_once_and_draws_anew(picture):
    predict = _Predict()
    answered, shares, spent, file = demo._ask(predict, picture, "pets")
    ((_, endpoint, preset),) = predict.asked
    assert (endpoint, preset) == ("masks", "pets")
    assert "cat" in shares and spent.startswith("40 x 30 pixels, answered in")
    assert file["visible"] and file["value"].endswith("a_mask.png")
    with Image.open(file["value"]) as mask:
        assert mask.size == (40, 30)
    assert demo._show(answered, 0.2).size == (40, 30)
    assert len(predict.asked) == 1


def test_no_picture_is_no_question():
    answered, shares, spent, file = demo._ask(_Predict(AssertionError("asked")), None, "pets")
    assert (answered, shares, spent, file["visible"]) == (None, "", "", False)
    assert demo._show(None, 0.5) is None


def test_what_is_no_picture_is_named(tmp_path):
    (tmp_path / "words.png").write_text("these are words")
    with pytest.raises(gradio.Error, match=r"must be a picture.*words\.png, 15 bytes"):
        demo._ask(_Predict(), str(tmp_path / "words.png"), "pets")


def test_a_refusal_and_a_dead_server_are_sentences(picture):
    with pytest.raises(gradio.Error, match="too strange"):
        demo._ask(_Predict(PredictError("too strange")), picture, "pets")
    with pytest.raises(gradio.Error, match=r"no answer from 127\.0\.0\.1:1"):
        demo._ask(ServerPredict("segmentation", "127.0.0.1:1"), picture, "camvid")


def _built(predict):
    async def build():
        return demo.build_page(predict)

    # Without a running event loop, Gradio makes some and leaves them open.
    return asyncio.run(build())


def test_the_page_says_so_where_no_preset_ships(monkeypatch):
    monkeypatch.setattr(demo, "preset_names", lambda app: [])
    page = _built(_Predict())
    assert "No model ships yet" in "".join(block.value for block in page.blocks.values() if hasattr(block, "value"))


def test_the_page_is_built_for_the_presets_there_are():
    page = _built(_Predict())
    blocks = {block.elem_id: block for block in page.blocks.values() if getattr(block, "elem_id", None)}
    assert [value for value, _ in blocks["segmentation-preset"].choices] == ["pets", "scenes"]
    assert len(blocks["segmentation-examples"].samples) == len(example_files()) > 0


def test_examples_hold_objects():
    for path, preset in example_files():
        _, mask = draw(int(path.rsplit("-", 1)[-1].removesuffix(".png")))
        assert preset == "scenes" and 0.01 < (mask > 0).mean() < 0.9
