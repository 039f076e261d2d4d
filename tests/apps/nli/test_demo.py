"""The page's own work: asking, drawing the alignment, and telling what went wrong."""

import asyncio
import contextlib
import io
import json
import re
import shlex

import gradio
import numpy as np
import pytest

import serving.client
from apps import heat
from apps.nli import asking, demo
from apps.predict import PredictError, ServerPredict

WORDS = ["A", "<b>", "dog"]


class _Predict:
    """Finds that "dog" follows from every premise of three words; `fault` is raised instead."""

    rest, address = "http://host:1", "host:2"

    def __init__(self, fault=None):
        self.fault, self.asked = fault, []

    def __call__(self, inputs, endpoint="serving_default", preset=None):
        self.asked.append((inputs, endpoint, preset))
        if self.fault:
            raise self.fault
        answer = {"classes": np.array([[b"entailment", b"neutral"]], object), "probabilities": np.array([[0.75, 0.25]])}
        if endpoint == "align":
            answer |= {
                "premise_words": np.array([[word.encode() for word in WORDS]], object),
                "hypothesis_words": np.array([[b"dog"]], object),
                "premise_to_hypothesis": np.ones((1, 3, 1)),
                "hypothesis_to_premise": np.array([[[0.1, 0.2, 0.7]]]),
            }
        return answer


@pytest.fixture(autouse=True)
def presets(monkeypatch):
    infos = {name: {"class_names": ["entailment", "neutral"], "reader": {"kind": name}} for name in ("words", "pieces")}
    monkeypatch.setattr(demo, "preset_names", lambda app: [*infos])
    for module in (demo, asking):
        monkeypatch.setattr(module, "preset_info", lambda app, preset: infos[preset])
    monkeypatch.setattr(demo, "served_name", lambda app, preset: f"{app}_{preset}")
    monkeypatch.setattr("apps.predict.served_name", lambda app, preset: f"{app}_{preset}")


def test_the_page_answers_with_scores_and_an_alignment():
    predict = _Predict()
    scores, alignment, spent = demo._ask(predict, "words", "A <b> dog", "dog")
    assert predict.asked == [({"premise": ["A <b> dog"], "hypothesis": ["dog"]}, "align", "words")]
    assert scores == {"entailment": 0.75, "neutral": 0.25} and spent.startswith("Answered in")
    shown, direction = demo._show(alignment, demo._TO_PREMISE)
    assert direction["visible"] and re.findall(r'title="(.*?)"', shown) == [
        *("A, dog: 0.10", "&lt;b&gt;, dog: 0.20", "dog, dog: 0.70")
    ]
    assert "<b>" not in shown and "0.70)" in shown
    assert demo._show(alignment, demo._TO_HYPOTHESIS)[0].count("dog: 1.00") == 3


def test_a_model_without_an_alignment_shows_none():
    predict = _Predict()
    scores, alignment, _ = demo._ask(predict, "pieces", "A dog", "dog")
    assert predict.asked[0][1] == "serving_default" and scores["entailment"] == 0.75
    shown, direction = demo._show(alignment, demo._TO_PREMISE)
    assert shown == "" and not direction["visible"]


def test_of_long_texts_the_beginning_is_drawn():
    words = [f"w{number}" for number in range(heat.MOST_WORDS + 1)]
    shown = heat.table(words, ["x"], np.zeros((len(words), 1)))
    assert shown.count("<td title") == heat.MOST_WORDS and "the first 40 words" in shown
    assert "the first" not in heat.table(words[:3], ["x"], np.zeros((3, 1)))


@pytest.mark.parametrize(("premise", "hypothesis", "missing"), [(" ", "a", "premise"), ("a", "\n", "hypothesis")])
def test_an_empty_text_is_no_question(premise, hypothesis, missing):
    answer = demo._ask(_Predict(AssertionError("asked")), "words", premise, hypothesis)
    assert answer == (None, None, f"There is no {missing} yet.")


def test_too_long_a_text_is_refused_unasked():
    with pytest.raises(gradio.Error, match=r"20,000 characters. Received: 20,001"):
        demo._ask(_Predict(AssertionError("asked")), "words", "a", "x" * 20_001)


def test_a_refusal_and_a_dead_server_are_sentences():
    with pytest.raises(gradio.Error, match="too strange"):
        demo._ask(_Predict(PredictError("too strange")), "words", "a", "b")
    with pytest.raises(gradio.Error, match=r"no answer from 127\.0\.0\.1:1"):
        demo._ask(ServerPredict("nli", "127.0.0.1:1"), "words", "a", "b")


def test_the_printed_lines_send_the_pair_whatever_is_in_it(monkeypatch):
    premise, hypothesis = 'It\'s "fine" & $HOME \\ 100%\né', "{x} 'y'"
    curl, python = demo._calls(_Predict(), "words", premise, hypothesis)
    words = shlex.split(curl.replace("\\\n", ""))
    assert words[-1] == "http://host:1/v1/models/nli_words:predict"
    sent = json.loads(words[words.index("-d") + 1])
    assert sent == {"instances": [{"premise": premise, "hypothesis": hypothesis}]}

    class Client:
        def __init__(self, address):
            assert address == "host:2"

        def predict(self, *arguments):
            return arguments

    monkeypatch.setattr(serving.client, "Client", Client)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(python, {})
    assert printed.getvalue().strip() == str(("nli_words", {"premise": [premise], "hypothesis": [hypothesis]}))


def _built(predict):
    async def build():
        return demo.build_page(predict)

    # Without a running event loop, Gradio makes some and leaves them open.
    return asyncio.run(build())


def test_the_page_is_built_for_the_presets_there_are(monkeypatch):
    blocks = {block.elem_id: block for block in _built(_Predict()).blocks.values() if getattr(block, "elem_id", None)}
    assert [value for value, _ in blocks["nli-preset"].choices] == ["words", "pieces"]
    assert len(blocks["nli-examples"].samples) == len(demo.EXAMPLES)
    monkeypatch.setattr(demo, "preset_names", lambda app: [])
    page = _built(_Predict())
    assert "No model ships yet" in "".join(block.value for block in page.blocks.values() if hasattr(block, "value"))
