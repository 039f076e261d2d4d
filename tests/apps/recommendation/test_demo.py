"""The page's own work: what is asked, what is shown, and what goes wrong."""

import asyncio
import json
import shlex

import gradio
import numpy as np
import pytest

from apps.predict import PredictError, ServerPredict
from apps.recommendation import demo
from apps.recommendation.examples import examples

INFO = {
    "user_names": ["7", "8"],
    "item_names": ["a", "b", "c", "d"],
    "titles": ["Alpha", "Beta", "Gamma", "Delta"],
    "genres": [["War"], ["War", "Crime"], [], ["Crime"]],
    "popular": [1, 0, 3, 2],
}


class _Predict:
    """Recommends c, then nothing; `fault` is raised where there is one."""

    rest, address = "http://host:1", "host:2"

    def __init__(self, fault=None):
        self.fault, self.asked = fault, []

    def __call__(self, inputs, endpoint="serving_default", preset=None):
        self.asked.append((inputs, endpoint, preset))
        if self.fault:
            raise self.fault
        if endpoint == "rate":
            return {"rating": np.array([3.456])}
        answer = {name: np.array([[text, b""]], object) for name, text in (("items", b"c"), ("titles", b"Gamma"))}
        return {**answer, "scores": np.array([[0.98765, 0.0]]), "because_title": np.array([[b"Beta", b""]], object)}


@pytest.fixture(autouse=True)
def presets(monkeypatch):
    monkeypatch.setattr(demo, "preset_names", lambda app: ["one", "two"])
    monkeypatch.setattr(demo, "preset_info", lambda app, preset: INFO)
    monkeypatch.setattr(demo, "served_name", lambda app, preset: f"{app}_{preset}")
    monkeypatch.setattr("apps.predict.served_name", lambda app, preset: f"{app}_{preset}")


def test_examples_are_of_one_genre_the_best_known_first():
    assert examples(INFO) == [["b", "a"], ["d"]]
    assert examples({**INFO, "genres": [[]] * 4}) == [["b", "a", "d"]]


def test_rows_say_what_and_why():
    predict = _Predict()
    rows, spent = demo._timed(demo._for_new, predict, "two", ["a", "b"], 2.0, "War")
    assert rows == [["Gamma", 0.988, "Beta"]] and spent.startswith("Answered in")
    assert predict.asked == [({"items": [["a", "b"]], "k": [2], "genre": ["War"]}, "from_history", "two")]


def test_users_and_items_of_the_data_are_asked_for():
    predict = _Predict()
    assert demo._timed(demo.ask_for_known, predict, "one", "7", 2, demo.ANY)[0] == [["Gamma", 0.988]]
    assert demo._timed(demo.ask_for_similar, predict, "one", "a", 2, "Crime")[0] == [["Gamma", 0.988]]
    assert demo._rated(predict, "one", "7", "b") == "User 7 would give **Beta** 3.5."
    (known, *_), (similar, *_), (rated, *_) = predict.asked
    assert known == {"user": ["7"], "k": [2], "genre": [""], "leave_out": [[""]]}
    assert similar == {"item": ["a"], "k": [2], "genre": ["Crime"]} and rated == {"user": ["7"], "item": ["b"]}


def test_what_goes_wrong_is_a_sentence():
    with pytest.raises(gradio.Error, match="Pick one"):
        demo._timed(demo._for_new, _Predict(AssertionError()), "one", [], 2, demo.ANY)
    with pytest.raises(gradio.Error, match="too strange"):
        demo._timed(demo.ask_for_known, _Predict(PredictError("too strange")), "one", "x", 2, demo.ANY)
    with pytest.raises(gradio.Error, match=r"no answer from 127\.0\.0\.1:1"):
        demo._rated(ServerPredict("recommendation", "127.0.0.1:1"), "one", "7", "b")


def test_the_printed_line_sends_everything():
    curl, python = demo._calls(_Predict(), "one", ["a", "It's"], 3, demo.ANY)
    words = shlex.split(curl.replace("\\\n", ""))
    assert words[-1] == "http://host:1/v1/models/recommendation_one:predict"
    sent = {"items": ["a", "It's"], "k": 3, "genre": ""}
    asked = {"signature_name": "from_history", "instances": [sent]}
    assert json.loads(words[words.index("-d") + 1]) == asked
    assert "host:2" in python


def _built(predict):
    async def build():
        return demo.build_page(predict)

    # Without a running event loop, Gradio makes some and leaves them open.
    return asyncio.run(build())


def test_the_page_is_built_for_the_presets_there_are(monkeypatch):
    blocks = {block.elem_id: block for block in _built(_Predict()).blocks.values() if getattr(block, "elem_id", None)}
    assert blocks["recommendation-items"].value == ["b", "a"]
    assert [value for _, value in blocks["recommendation-items"].choices] == ["a", "b", "d", "c"]
    assert [value for value, _ in blocks["recommendation-genre"].choices] == ["any", "Crime", "War"]
    monkeypatch.setattr(demo, "preset_names", lambda app: [])
    page = _built(_Predict())
    assert "No model ships yet" in "".join(block.value for block in page.blocks.values() if hasattr(block, "value"))
