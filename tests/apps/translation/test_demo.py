"""The page's own work: asking, drawing where the model looked, and telling what went wrong."""

import asyncio
import json
import re
import shlex

import gradio
import numpy as np
import pytest

from apps.predict import PredictError, ServerPredict
from apps.translation import asking, demo


class _Predict:
    """Translates everything into "Ein <b>"; `fault` is raised instead."""

    rest, address = "http://host:1", "host:2"

    def __init__(self, fault=None):
        self.fault, self.asked = fault, []

    def __call__(self, inputs, endpoint="serving_default", preset=None):
        self.asked.append((inputs, endpoint, preset))
        if self.fault:
            raise self.fault
        texts = np.array([["Ein <b>", "Ein", ""]], object)
        answer = {
            "translations": np.array([[text.encode() for text in texts[0]]], object),
            "scores": np.array([[-0.5, -1.25, 0.0]]),
            "tokens": np.array([[b" Ein", b" <b>"]], object),
        }
        if endpoint == "attention":
            answer |= {
                "source_tokens": np.array([[b" a", b" b"]], object),
                "attention": np.array([[[1, 0], [0.3, 0.7]]]),
            }
        return answer


@pytest.fixture(autouse=True)
def presets(monkeypatch):
    infos = {"looks": {"language": "de", "attention": True}, "blind": {"language": "xx", "attention": False}}
    monkeypatch.setattr(demo, "preset_names", lambda app: [*infos])
    monkeypatch.setattr(asking, "preset_info", lambda app, preset: infos[preset])
    monkeypatch.setattr(demo, "served_name", lambda app, preset: f"{app}_{preset}")
    monkeypatch.setattr("apps.predict.served_name", lambda app, preset: f"{app}_{preset}")


def test_the_page_shows_translations_and_where_the_best_looked():
    predict = _Predict()
    best, others, heat, spent = demo._ask(predict, "looks", "A <b>")
    assert predict.asked == [({"text": ["A <b>"]}, "attention", "looks")]
    assert best == "Ein <b>" and others == [["Ein", "-1.25"]] and spent.startswith("Answered in")
    titles = re.findall(r'title="(.*?)"', heat)
    assert titles == [" Ein,  a: 1.00", " Ein,  b: 0.00", " &lt;b&gt;,  a: 0.30", " &lt;b&gt;,  b: 0.70"]
    assert "<b>" not in heat


def test_a_model_without_attention_shows_none():
    predict = _Predict()
    best, _, heat, _ = demo._ask(predict, "blind", "A b")
    assert predict.asked[0][1] == "serving_default" and best == "Ein <b>" and heat == ""


def test_an_empty_text_is_no_question():
    assert demo._ask(_Predict(AssertionError("asked")), "looks", " \n") == ("", [], "", "There is no sentence yet.")


def test_too_long_a_text_is_refused_unasked():
    with pytest.raises(gradio.Error, match=r"5,000 characters. Received: 5,001"):
        demo._ask(_Predict(AssertionError("asked")), "looks", "x" * 5001)


def test_a_refusal_and_a_dead_server_are_sentences():
    with pytest.raises(gradio.Error, match="too strange"):
        demo._ask(_Predict(PredictError("too strange")), "looks", "a")
    with pytest.raises(gradio.Error, match=r"no answer from 127\.0\.0\.1:1"):
        demo._ask(ServerPredict("translation", "127.0.0.1:1"), "looks", "a")


def test_the_printed_line_sends_the_text_whatever_is_in_it():
    text = 'It\'s "fine" & $HOME \\ 100%\né'
    curl, python = demo._calls(_Predict(), "looks", text)
    words = shlex.split(curl.replace("\\\n", ""))
    assert words[-1] == "http://host:1/v1/models/translation_looks:predict"
    assert json.loads(words[words.index("-d") + 1]) == {"instances": [text]}
    assert repr(text) in python and "host:2" in python


def _built(predict):
    async def build():
        return demo.build_page(predict)

    # Without a running event loop, Gradio makes some and leaves them open.
    return asyncio.run(build())


def test_the_page_is_built_for_the_presets_there_are(monkeypatch):
    blocks = {block.elem_id: block for block in _built(_Predict()).blocks.values() if getattr(block, "elem_id", None)}
    assert blocks["translation-preset"].choices == [("German (looks)", "looks"), ("xx (blind)", "blind")]
    assert len(blocks["translation-examples"].samples) == len(demo.EXAMPLES)
    monkeypatch.setattr(demo, "preset_names", lambda app: [])
    page = _built(_Predict())
    assert "No model ships yet" in "".join(block.value for block in page.blocks.values() if hasattr(block, "value"))
