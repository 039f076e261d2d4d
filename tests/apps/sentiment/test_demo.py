"""The page's own work: asking, colouring words, and telling what went wrong."""

import asyncio
import contextlib
import io
import json
import shlex

import gradio
import numpy as np
import pytest

import serving.client
from apps.predict import PredictError, ServerPredict
from apps.sentiment import demo
from apps.sentiment.asking import ask


class _Predict:
    """Finds "good" good and the word before it not quite, in every text; `fault` is raised instead."""

    rest, address = "http://host:1", "host:2"

    def __init__(self, fault=None):
        self.fault, self.asked = fault, []

    def __call__(self, inputs, endpoint="serving_default", preset=None):
        self.asked.append((inputs, endpoint, preset))
        if self.fault:
            raise self.fault
        return {
            "classes": np.array([[b"bad", b"good"]], object),
            "probabilities": np.array([[0.25, 0.75]]),
            "starts": np.array([[1, 8, 0]]),
            "ends": np.array([[5, 12, 0]]),
            "weights": np.array([[-0.5, 2.0, 0.0]]),
        }


@pytest.fixture(autouse=True)
def presets(monkeypatch):
    monkeypatch.setattr(demo, "preset_names", lambda app: ["films", "scenes"])
    monkeypatch.setattr(demo, "preset_info", lambda app, preset: {"class_names": ["bad", "good"]})
    monkeypatch.setattr(demo, "served_name", lambda app, preset: f"{app}_{preset}")
    monkeypatch.setattr("apps.predict.served_name", lambda app, preset: f"{app}_{preset}")


def test_the_text_is_cut_at_its_words_and_nothing_is_lost():
    predict = _Predict()
    answered = ask(predict, "films", " very, 👍good!")
    assert predict.asked == [({"text": [" very, 👍good!"]}, "explain", "films")]
    assert answered.scores == {"bad": 0.25, "good": 0.75}
    assert answered.parts == [(" ", None), ("very", -0.25), (", 👍", None), ("good", 1.0), ("!", None)]


def test_the_page_answers_with_scores_words_and_calls():
    scores, parts, spent, curl, python = demo._ask(_Predict(), " very,  good!", "films")
    assert scores["good"] == 0.75 and len(parts) == 5 and spent.startswith("Answered in")
    assert "very,  good" in curl and "very,  good" in python


def test_an_empty_text_is_no_question():
    scores, parts, said, *_ = demo._ask(_Predict(AssertionError("asked")), " \n", "films")
    assert (scores, parts, said) == (None, None, "There is no text yet.")


def test_too_long_a_text_is_refused_unasked():
    with pytest.raises(gradio.Error, match=r"100,000 characters. Received: 100,001"):
        demo._ask(_Predict(AssertionError("asked")), "x" * 100_001, "films")


def test_a_refusal_and_a_dead_server_are_sentences():
    with pytest.raises(gradio.Error, match="too strange"):
        demo._ask(_Predict(PredictError("too strange")), "text", "films")
    with pytest.raises(gradio.Error, match=r"no answer from 127\.0\.0\.1:1"):
        demo._ask(ServerPredict("sentiment", "127.0.0.1:1"), "text", "films")


def test_the_printed_lines_send_the_text_whatever_is_in_it(monkeypatch):
    text = 'It\'s "fine" & $HOME \\ 100%\né'
    curl, python = demo._calls(_Predict(), "films", text)
    words = shlex.split(curl.replace("\\\n", ""))
    assert words[-1] == "http://host:1/v1/models/sentiment_films:predict"
    assert json.loads(words[words.index("-d") + 1]) == {"instances": [text]}

    class Client:
        def __init__(self, address):
            assert address == "host:2"

        def predict(self, *arguments):
            return arguments

    monkeypatch.setattr(serving.client, "Client", Client)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(python, {})
    assert printed.getvalue().strip() == str(("sentiment_films", {"text": [text]}))


def _built(predict):
    async def build():
        return demo.build_page(predict)

    # Without a running event loop, Gradio makes some and leaves them open.
    return asyncio.run(build())


def test_the_page_is_built_for_the_presets_there_are(monkeypatch):
    blocks = {block.elem_id: block for block in _built(_Predict()).blocks.values() if getattr(block, "elem_id", None)}
    assert [value for value, _ in blocks["sentiment-preset"].choices] == ["films", "scenes"]
    assert len(blocks["sentiment-examples"].samples) == len(demo.EXAMPLES)
    monkeypatch.setattr(demo, "preset_names", lambda app: [])
    page = _built(_Predict())
    assert "No model ships yet" in "".join(block.value for block in page.blocks.values() if hasattr(block, "value"))
