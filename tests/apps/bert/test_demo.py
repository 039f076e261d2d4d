"""The page's own work: filling blanks, and telling what went wrong."""

import asyncio

import gradio
import numpy as np
import pytest

from apps.bert import demo
from apps.bert.asking import fill
from apps.predict import PredictError, ServerPredict


class _Predict:
    """Finds "red" and "##s" for two blanks, and that texts follow; `fault` is raised instead."""

    rest, address = "http://host:1", "host:2"

    def __init__(self, fault=None):
        self.fault, self.asked = fault, []

    def __call__(self, inputs, endpoint="serving_default", preset=None):
        self.asked.append((inputs, endpoint, preset))
        if self.fault:
            raise self.fault
        if endpoint == "next_sentence":
            return {"probability": np.array([0.75])}
        tokens = np.array([[[b"red", b"blue"], [b"##s", b"cat"]]], object)
        return {"tokens": tokens, "probabilities": np.array([[[0.5, 0.25], [0.9, 0.1]]])}


@pytest.fixture(autouse=True)
def presets(monkeypatch):
    monkeypatch.setattr("apps.predict.served_name", lambda app, preset: f"{app}_{preset}")
    monkeypatch.setattr(demo, "preset_names", lambda app: ["mini"])
    monkeypatch.setattr(demo, "served_name", lambda app, preset: f"{app}_{preset}")


def test_blanks_are_filled_in_their_order():
    predict = _Predict()
    filled = fill(predict, "mini", "a [MASK] dog [MASK].")
    assert predict.asked == [({"text": ["a [MASK] dog [MASK]."]}, "serving_default", "mini")]
    assert filled.text == "a red dogs."
    assert filled.blanks == [[("red", 0.5), ("blue", 0.25)], [("##s", 0.9), ("cat", 0.1)]]


def test_the_page_answers_with_rows_and_shares():
    text, rows = demo._fill(_Predict(), "mini", "a [MASK] dog [MASK]")
    assert text == "a red dogs" and rows[0] == [1, "red 50%, blue 25%"]
    assert demo._follow(_Predict(), "mini", "a", "b") == {"follows": 0.75, "is from elsewhere": 0.25}


def test_what_is_no_question_is_not_asked():
    predict = _Predict(AssertionError("asked"))
    with pytest.raises(gradio.Error, match=r"Write \[MASK\] where a word is missing"):
        demo._fill(predict, "mini", "no blank")
    with pytest.raises(gradio.Error, match="Write two sentences"):
        demo._follow(predict, "mini", "one", " ")
    with pytest.raises(gradio.Error, match=r"5,000 characters. Received: 5,007"):
        demo._fill(predict, "mini", "x" * 5_001 + "[MASK]")


def test_a_refusal_and_a_dead_server_are_sentences():
    with pytest.raises(gradio.Error, match="too strange"):
        demo._fill(_Predict(PredictError("too strange")), "mini", "[MASK]")
    with pytest.raises(gradio.Error, match=r"no answer from 127\.0\.0\.1:1"):
        demo._follow(ServerPredict("bert", "127.0.0.1:1"), "mini", "a", "b")


@pytest.mark.parametrize("names", [["mini"], []])
def test_the_page_is_built(monkeypatch, names):
    monkeypatch.setattr(demo, "preset_names", lambda app: names)

    async def build():
        return demo.build_page(_Predict())

    page = asyncio.run(build())  # without a running event loop, Gradio makes some and leaves them open
    labels = {block.label for block in page.blocks.values() if getattr(block, "label", None)}
    assert ("Filled in" in labels) == bool(names)
