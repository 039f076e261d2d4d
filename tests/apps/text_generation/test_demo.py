"""The page's own work: asking for a text in parts, showing how sure the model was, and telling what went wrong."""

import asyncio
import json
import math
import shlex

import gradio
import numpy as np
import pytest

from apps.predict import PredictError, ServerPredict
from apps.text_generation import demo
from apps.text_generation.asking import AT_ONCE, CONTINUE

CHOICES = (0.8, 0, 0.95, 3)


class _Predict:
    """Says "<" for ever, surer each time; after `answers` of them `fault` is raised."""

    rest, address = "http://host:1", "host:2"

    def __init__(self, answers=99, fault=None):
        self.left, self.fault, self.asked = answers, fault, []

    def __call__(self, inputs, endpoint="serving_default", preset=None):
        self.asked.append((inputs, endpoint, preset))
        self.left -= 1
        if self.left < 0:
            raise self.fault
        (count,) = inputs["max_tokens"]
        tokens = np.array([[b"<"] * count], object)
        return {"tokens": tokens, "logprobs": np.full((1, count), math.log(0.25)), "state": np.full((1, 2), self.left)}


@pytest.fixture(autouse=True)
def presets(monkeypatch):
    monkeypatch.setattr(demo, "preset_names", lambda app: ["one", "two"])
    monkeypatch.setattr(demo, "served_name", lambda app, preset: f"{app}_{preset}")
    monkeypatch.setattr("apps.predict.served_name", lambda app, preset: f"{app}_{preset}")


def test_a_text_comes_in_parts_that_hand_the_state_on():
    predict = _Predict()
    shown = list(demo._write(predict, "one", "A <b>", AT_ONCE * 2 + 5, *CHOICES))
    assert [len(text.split("<span")) - 1 for text, _ in shown] == [AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 5]
    assert all("<b>A &lt;b&gt;</b>" in text for text, _ in shown)
    assert "0.250" in shown[0][0] and ", 0.45)" in shown[0][0] and shown[-1][1].endswith("tokens a second.")
    (first, *_), *others = predict.asked
    assert first == {"prompt": ["A <b>"], "max_tokens": [AT_ONCE], **_named([[value] for value in CHOICES])}
    assert [(inputs["state"].tolist(), endpoint) for inputs, endpoint, _ in others] == [
        ([[98, 98]], CONTINUE),
        ([[97, 97]], CONTINUE),
    ]
    assert others[-1][0]["max_tokens"] == [5]


def _named(values):
    return dict(zip(("temperature", "top_k", "top_p", "seed"), values, strict=True))


def test_a_server_that_dies_leaves_what_was_made():
    predict = _Predict(answers=1, fault=PredictError("the server is gone"))
    *_, (text, spent) = demo._write(predict, "one", "A", 100, *CHOICES)
    assert text.count("<span") == AT_ONCE and spent == "It ends here: the server is gone"


def test_a_refusal_and_a_dead_server_are_sentences():
    with pytest.raises(gradio.Error, match="too strange"):
        next(demo._write(_Predict(0, PredictError("too strange")), "one", "A", 5, *CHOICES))
    with pytest.raises(gradio.Error, match=r"no answer from 127\.0\.0\.1:1"):
        next(demo._write(ServerPredict("text_generation", "127.0.0.1:1"), "one", "A", 5, *CHOICES))


@pytest.mark.parametrize(
    ("prompt", "seed", "message"),
    [("x" * 5001, 1, r"5,000 characters. Received: 5,001"), ("x", None, "whole number. Received: nothing")],
)
def test_what_cannot_be_asked_is_not(prompt, seed, message):
    with pytest.raises(gradio.Error, match=message):
        next(demo._write(_Predict(0, AssertionError("asked")), "one", prompt, 5, *CHOICES[:3], seed))


def test_the_printed_line_sends_everything():
    curl, python = demo._calls(_Predict(), "one", "It's\n", 20, *CHOICES)
    words = shlex.split(curl.replace("\\\n", ""))
    assert words[-1] == "http://host:1/v1/models/text_generation_one:predict"
    sent = {"prompt": "It's\n", "max_tokens": 20, **_named(CHOICES)}
    assert json.loads(words[words.index("-d") + 1]) == {"instances": [sent]}
    assert "host:2" in python


def _built(predict):
    async def build():
        return demo.build_page(predict)

    # Without a running event loop, Gradio makes some and leaves them open.
    return asyncio.run(build())


def test_the_page_is_built_for_the_presets_there_are(monkeypatch):
    blocks = {block.elem_id: block for block in _built(_Predict()).blocks.values() if getattr(block, "elem_id", None)}
    assert [value for value, _ in blocks["generation-preset"].choices] == ["one", "two"]
    assert len(blocks["generation-examples"].samples) == len(demo.EXAMPLES)
    monkeypatch.setattr(demo, "preset_names", lambda app: [])
    page = _built(_Predict())
    assert "No model ships yet" in "".join(block.value for block in page.blocks.values() if hasattr(block, "value"))
