"""The page's own work: asking, drawing, filtering, reading videos, and telling what went wrong."""

import asyncio
import base64
import json
import os
import subprocess
import warnings
import wave
from pathlib import Path

import gradio
import numpy as np
import pytest
from PIL import Image

import serving.client
from apps.colours import colours
from apps.object_detection import demo, video_page
from apps.object_detection.asking import Answered, Found, ask_files, drawn
from apps.object_detection.drawing import draw, preview
from apps.object_detection.examples import draw as draw_example
from apps.object_detection.examples import example_files
from apps.object_detection.video import VideoError, open_clip, write_video
from apps.predict import PredictError, ServerPredict

RED = (255, 0, 0)
SIZE = (400, 300)
FOUND = [("dog", 0.9, (40, 60, 200, 240)), ("cat", 0.3, (220, 20, 380, 90))]


class _Predict:
    """Finds the same in every picture, as the endpoint answers; `faults` are raised first, one a question."""

    rest, address = "http://host:1", "host:2"

    def __init__(self, found=FOUND, faults=()):
        self.found, self.faults, self.asked = found, list(faults), []

    def __call__(self, inputs, endpoint="serving_default", preset=None):
        assert endpoint == "thresholds"
        self.asked.append((inputs, preset))
        if self.faults and (fault := self.faults.pop(0)):
            raise fault
        found = [row for row in self.found if row[1] > inputs["score_threshold"][0]]
        answer = {"boxes": np.zeros((1, 5, 4)), "labels": np.full((1, 5), b"", object), "scores": np.zeros((1, 5))}
        for row, (name, score, box) in enumerate(found):
            answer["labels"][0, row], answer["scores"][0, row], answer["boxes"][0, row] = name.encode(), score, box
        return {**answer, "count": np.array([len(found)])}


@pytest.fixture(autouse=True)
def presets(monkeypatch):
    monkeypatch.setattr(demo, "preset_names", lambda app: ["pets", "scenes"])
    monkeypatch.setattr(demo, "preset_info", lambda app, preset: {"class_names": ["cat", "dog"]})
    monkeypatch.setattr(demo, "served_name", lambda app, preset: f"{app}_{preset}")
    monkeypatch.setattr("apps.predict.served_name", lambda app, preset: f"{app}_{preset}")


@pytest.fixture
def files(tmp_path):
    for name in ("a.png", "b.jpg"):
        Image.new("RGB", SIZE).save(tmp_path / name)
    return [tmp_path / "a.png", tmp_path / "b.jpg"]


def _page(predict):
    return demo._Page(predict, ["pets"])


def _built(predict):
    async def build():
        return demo.build_page(predict)

    # Without a running event loop, Gradio makes some and leaves them open.
    return asyncio.run(build())


def test_a_box_is_drawn_where_it_belongs():
    picture = draw(Image.new("RGB", (800, 600)), SIZE, [Found(*FOUND[0])], {"dog": RED})
    pixels = np.asarray(picture)
    reds = np.argwhere((pixels == RED).all(-1))
    # Twice the picture's size: the frame goes from (80, 120) to (400, 480), the name stands above it.
    assert reds[:, 1].min() == 80
    assert reds[:, 1].max() == 400
    assert reds[:, 0].max() == 480
    assert (pixels[200:400, 120:360] == 0).all()
    assert (pixels[90:118, 85] == RED).any()


def test_a_name_at_the_upper_edge_stays_inside():
    whole = Found("dog", 0.9, (300, 0, 400, 300))
    with_name = np.asarray(draw(Image.new("RGB", SIZE), SIZE, [whole], {"dog": RED}))
    assert (with_name[2, 305:330] == RED).all()
    assert (with_name[40:290, 310:390] == 0).all()


def test_a_class_has_one_colour_and_no_other_class_has_it():
    names = [str(number) for number in range(20)]
    assert len(set(colours(names).values())) == 20
    assert colours(names[:3])["2"] == colours(names)["2"]


@pytest.mark.parametrize(
    ("size", "expected"), [((20, 10), (640, 320)), ((4000, 2000), (1024, 512)), ((1, 900), (1, 900))]
)
def test_a_preview_is_neither_tiny_nor_huge(size, expected):
    assert preview(Image.new("L", size)).size == expected


def test_pictures_are_asked_once_and_filtered_here(files):
    predict = _Predict()
    answered, spent, refused = _page(predict)._ask(files, "pets", 0.45)
    assert [(inputs["image_bytes"], preset) for inputs, preset in predict.asked] == [
        ([file.read_bytes()], "pets") for file in files
    ]
    assert predict.asked[0][0]["score_threshold"] == [0.05]
    assert predict.asked[0][0]["iou_threshold"] == [0.45]
    assert spent.startswith("2 pictures answered in")
    assert refused == ""
    low, high = demo._show(answered, "pets", 0.2), demo._show(answered, "pets", 0.5)
    assert low[1][:2] == [["a.png", "dog", 0.9, 40, 60, 200, 240], ["a.png", "cat", 0.3, 220, 20, 380, 90]]
    assert [row[:2] for row in high[1]] == [["a.png", "dog"], ["b.jpg", "dog"]]
    assert [caption for _, caption in low[0]["value"]] == ["a.png: 2 found", "b.jpg: 2 found"]
    # The cat's frame is drawn at the lower threshold only; the preview is 1.6 times the picture.
    at = (round(300 * 1.6), round(90 * 1.6) - 1)
    assert max(low[0]["value"][0][0].getpixel(at)) > 200
    assert max(high[0]["value"][0][0].getpixel(at)) < 50
    assert len(predict.asked) == 2


def test_what_is_no_picture_is_named_and_the_others_are_answered(files, tmp_path):
    (tmp_path / "<b>.png").write_text("these are words")
    answered, spent, refused = _page(_Predict())._ask([files[0], tmp_path / "<b>.png", files[1]], "pets", 0.45)
    assert [picture.name for picture in answered] == ["a.png", "b.jpg"]
    assert "must be a picture" in refused
    assert "&lt;b&gt;.png, 15 bytes" in refused
    assert spent.startswith("2 pictures")


def test_only_what_is_no_picture_is_an_empty_answer(tmp_path):
    (tmp_path / "words.png").write_text("these are words")
    answered, spent, refused = _page(_Predict())._ask([tmp_path / "words.png"], "pets", 0.45)
    assert (answered, spent) == ([], "")
    assert "words.png" in refused


def test_a_picture_that_the_model_refuses_is_named_and_the_others_are_answered(files):
    answered, refused = ask_files(_Predict(faults=[PredictError("too strange")]), "pets", files, 0.45)
    assert [picture.name for picture in answered] == ["b.jpg"]
    assert refused == ["a.png: too strange"]


def test_an_absent_server_is_asked_twice_at_most(files):
    predict = _Predict(faults=[PredictError("nobody there")] * 4)
    with pytest.raises(gradio.Error, match="nobody there"):
        _page(predict)._ask(files * 2, "pets", 0.45)
    assert len(predict.asked) == 2


def test_a_dead_server_is_named(files):
    predict = ServerPredict("object_detection", "127.0.0.1:1")
    with pytest.raises(gradio.Error, match=r"no answer from 127\.0\.0\.1:1"):
        _page(predict)._ask(files[:1], "pets", 0.45)


def test_too_many_pictures_are_refused_unasked(files):
    with pytest.raises(gradio.Error, match=r"At most 50 pictures.*Received: 51"):
        _page(_Predict(faults=[AssertionError("asked")]))._ask(files[:1] * 51, "pets", 0.45)


@pytest.mark.parametrize(
    ("found", "caption"), [([], "a.png: nothing found"), (FOUND, "a.png: nothing; the best scores 90%")]
)
def test_an_empty_answer_is_a_picture_without_boxes(files, found, caption):
    answered, *_ = _page(_Predict(found))._ask(files[:1], "pets", 0.45)
    gallery, table = demo._show(answered, "pets", 0.95)
    ((picture, said),) = gallery["value"]
    assert said == caption
    assert table == []
    assert np.asarray(picture).max() < 50


def test_no_picture_is_no_question():
    assert _page(_Predict(faults=[AssertionError("asked")]))._ask(None, "pets", 0.45) == ([], "", "")


def test_boxes_are_drawn_on_the_pixels_as_stored(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # to be turned by a quarter
    Image.new("RGB", SIZE).save(tmp_path / "turned.jpg", exif=exif)
    (picture,), _ = ask_files(_Predict(), "pets", [tmp_path / "turned.jpg"], 0.45)
    assert isinstance(picture, Answered)
    assert picture.size == SIZE
    assert drawn(picture, 0.5, {}).size == (640, 480)


def test_the_page_says_so_where_no_preset_ships(monkeypatch):
    monkeypatch.setattr(demo, "preset_names", lambda app: [])
    page = _built(_Predict())
    assert "No model ships yet" in "".join(block.value for block in page.blocks.values() if hasattr(block, "value"))


def test_the_page_is_built_for_the_presets_there_are():
    page = _built(_Predict())
    choices = {block.elem_id: block for block in page.blocks.values() if getattr(block, "elem_id", None)}
    assert [value for value, _ in choices["detection-preset"].choices] == ["pets", "scenes"]
    assert len(choices["detection-examples"].samples) == len(example_files()) > 0


def test_examples_have_their_banana_inside():
    for path, preset in example_files():
        assert preset == "scenes"
        picture, (left, top, right, bottom) = draw_example(int(path.rsplit("-", 1)[-1].removesuffix(".png")))
        assert 0 <= left < right <= 256
        assert 0 <= top < bottom <= 256
        with Image.open(path) as saved:
            np.testing.assert_array_equal(np.asarray(saved), np.asarray(picture))


def test_the_printed_lines_send_what_the_page_sends(tmp_path, monkeypatch, files):
    curl, python = _page(_Predict())._calls("pets", 0.3, 0.45)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picture.jpg").write_bytes(files[1].read_bytes())
    # A stand-in of curl that keeps what it is given.
    (tmp_path / "curl").write_text('#!/bin/sh\necho "$@" > arguments\ncat > body\n')
    (tmp_path / "curl").chmod(0o755)
    subprocess.run(curl, shell=True, check=True, env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"})
    assert "http://host:1/v1/models/object_detection_pets:predict" in (tmp_path / "arguments").read_text()
    body = json.loads((tmp_path / "body").read_text())
    assert body["signature_name"] == "thresholds"
    (row,) = body["instances"]
    assert _decoded(row.pop("image_bytes")) == files[1].read_bytes()
    assert row == {"score_threshold": 0.3, "iou_threshold": 0.45}

    asked = []

    class Client:
        def __init__(self, address):
            asked.append(address)

        def predict(self, *arguments, **options):
            asked.append((arguments, options))

    monkeypatch.setattr(serving.client, "Client", Client)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the line leaves closing its file to the interpreter
        exec(python, {})
    inputs = {"image_bytes": [files[1].read_bytes()], "score_threshold": [0.3], "iou_threshold": [0.45]}
    assert asked == ["host:2", (("object_detection_pets", inputs), {"signature_name": "thresholds"})]


def _decoded(value):
    assert value.keys() == {"b64"}
    return base64.b64decode(value["b64"])


@pytest.fixture
def clip(tmp_path):
    """Nine frames that grow brighter, at 12 a second, of an odd width."""
    pictures = [Image.new("RGB", (161, 120), (25 * number,) * 3) for number in range(9)]
    assert write_video(tmp_path / "clip.mp4", pictures, 12) == 9
    return tmp_path / "clip.mp4"


def test_every_third_frame_of_a_video_is_read(clip):
    with open_clip(clip, every=3) as opened:
        shades = [np.asarray(frame).mean() for frame in opened.frames]
    assert (opened.count, opened.rate) == (3, 4)
    np.testing.assert_allclose(shades, [0, 75, 150], atol=6)


def test_a_video_is_given_back_with_boxes(clip):
    predict, steps = _Predict([("dog", 0.9, (20, 30, 100, 90))]), []
    looked = video_page._look_through(
        predict, str(clip), 3, ("pets", 0.5, 0.45), {"dog": RED}, lambda step, **_: steps.append(step)
    )
    path, sentence = next(looked)
    assert sentence.startswith("3 frames looked at in")
    assert "goes on" not in sentence
    assert steps == [(0, 3), (1, 3), (2, 3)]
    with open_clip(path) as opened:
        frames = list(opened.frames)
        assert opened.rate == 4
    assert len(frames) == 3
    red, green, blue = frames[0].getpixel((60, 89))
    assert red > 150 > 90 > max(green, blue)
    assert max(frames[0].getpixel((60, 60))) < 60
    assert list(looked) == []
    assert not Path(path).exists()


def test_a_long_video_is_cut_and_that_is_said(clip, monkeypatch):
    monkeypatch.setattr(video_page, "MOST_FRAMES", 4)
    looked = video_page._look_through(_Predict([]), str(clip), 1, ("pets", 0.5, 0.45), {}, lambda step, **_: None)
    _, sentence = next(looked)
    assert sentence.startswith("4 frames")
    assert "The video goes on" in sentence
    looked.close()


def test_what_is_no_video_is_refused_by_name(tmp_path):
    (tmp_path / "words.mp4").write_text("these are words")
    looked = video_page._look_through(_Predict(), str(tmp_path / "words.mp4"), 1, ("pets", 0.5, 0.45), {}, None)
    with pytest.raises(gradio.Error, match=r"must be a video.*words\.mp4"):
        next(looked)


def test_a_telephones_video_is_turned_upright(clip, monkeypatch):
    import av

    monkeypatch.setattr(av.VideoFrame, "rotation", 90, raising=False)
    with open_clip(clip) as opened:
        assert next(opened.frames).size == (120, 160)


def test_no_video_is_a_sentence():
    with pytest.raises(gradio.Error, match="no video yet"):
        next(video_page._look_through(_Predict(), None, 1, ("pets", 0.5, 0.45), {}, None))


def test_a_sound_file_is_no_video(tmp_path):
    with wave.open(str(tmp_path / "tone.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(1600))
    with pytest.raises(VideoError, match=r"tone\.wav, a file without pictures"), open_clip(tmp_path / "tone.wav"):
        pass
