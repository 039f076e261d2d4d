"""The page's own work: what is asked, what is shown, and what goes wrong."""

import asyncio
import base64
import io
import json
import re
import shlex

import gradio
import numpy as np
import pytest
from PIL import Image

from apps.agents import demo
from apps.agents.asking import Choice
from apps.agents.drawing import bars
from apps.agents.game import Game, GameError
from apps.predict import PredictError, ServerPredict

INFO = {
    "data": "FrozenLake-v1",
    "states": 16,
    "action_names": ["left", "down", "right", "up"],
    "longest": 100,
    "example": 0,
}


class _Predict:
    """Always goes down; `fault` is raised where there is one."""

    rest, address = "http://host:1", "host:2"

    def __init__(self, fault=None):
        self.fault, self.asked = fault, []

    def __call__(self, inputs, endpoint="serving_default", preset=None):
        self.asked.append((inputs, endpoint, preset))
        if self.fault:
            raise self.fault
        return {"action": np.array([1]), "values": np.array([[-2.0, 6.0, 0.0, -1.0]])}


@pytest.fixture(autouse=True)
def presets(monkeypatch, tmp_path):
    for number, name in enumerate(("planned", "learned"), start=1):
        (tmp_path / name).mkdir()
        history = [{"steps": 10 * step, "return": 0.5} for step in range(number)]
        (tmp_path / name / "state.json").write_text(json.dumps({"history": history}))
    (tmp_path / "learned" / "metrics.json").write_text(json.dumps({"return": 0.7402, "random_return": 0.01}))
    monkeypatch.setattr(demo, "presets_folder", lambda app: tmp_path)
    monkeypatch.setattr(demo, "preset_names", lambda app: ["planned", "learned"])
    monkeypatch.setattr(demo, "preset_info", lambda app, preset: INFO)
    monkeypatch.setattr(demo, "served_name", lambda app, preset: f"{app}_{preset}")
    monkeypatch.setattr("apps.predict.served_name", lambda app, preset: f"{app}_{preset}")
    monkeypatch.setattr(demo.time, "sleep", lambda seconds: None)


def _seen(picture):
    data = re.search('base64,([^"]*)', picture)[1]
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_a_game_is_shown_step_by_step_and_every_step_is_asked_for():
    predict = _Predict()
    shown = list(demo._play(predict, "learned", 3))
    assert len(shown) == len(predict.asked) + 1
    assert predict.asked[0] == ({"observations": [0]}, "act", "learned")
    frame, beside, values, told = shown[0]
    assert _seen(frame).size == (256, 256) and "down" in values
    np.testing.assert_array_equal(_seen(frame), _seen(beside))
    assert told == "Return **0** after 0 steps. The random agent: **0** after 0 steps."
    assert f"in {len(predict.asked)} steps" in shown[-1][3]
    assert shown[-1][3].endswith("On average over 100 other episodes: 0.74, and 0.01 at random.")
    assert "The agent" in frame and shown[-1][0] != frame


def test_long_games_are_shown_in_part(monkeypatch):
    monkeypatch.setattr(demo, "_SHOWN_FIRST", 0)
    predict = _Predict()
    shown = list(demo._play(predict, "planned", 3))
    assert len(shown) == -(-len(predict.asked) // demo._SHOWN_EVERY) + 1 and "On average" not in shown[-1][3]


def test_the_same_seed_is_the_same_game():
    games = [Game("CartPole-v1", 500, seed) for seed in (5, 5, 6)]
    for game in games:
        while not game.ended:
            game.play_by_chance()
        game.close()
    totals = [(game.total, game.observation.tolist()) for game in games]
    assert totals[0] == totals[1] != totals[2]
    games[0].play(0)
    assert games[0].total == totals[0][0], "nothing is gained after the end"


def test_bars_go_from_the_least_to_the_most():
    drawn = bars(["a<", "b", "c"], Choice(1, np.array([-2.0, 6.0, 2.0])))
    assert [part.split(";")[0] for part in drawn.split('<div style="width: ')[1:]] == ["2%", "100%", "51%"]
    assert "a&lt;" in drawn and drawn.count("bold") == 1
    assert "width: 51%" in bars(["a", "b"], Choice(0, np.array([0.5, 0.5])))


def test_what_goes_wrong_is_a_sentence(monkeypatch):
    with pytest.raises(gradio.Error, match="too strange"):
        next(demo._play(_Predict(PredictError("too strange")), "learned", 1))
    with pytest.raises(gradio.Error, match=r"no answer from 127\.0\.0\.1:1"):
        next(demo._play(ServerPredict("agents", "127.0.0.1:1"), "learned", 1))
    for seed in (None, -1):
        with pytest.raises(gradio.Error, match="seed must be a whole number from 0"):
            next(demo._play(_Predict(AssertionError()), "learned", seed))
    monkeypatch.setattr(demo, "preset_info", lambda app, preset: {**INFO, "data": "NoSuch-v1"})
    with pytest.raises(gradio.Error, match="NoSuch-v1 cannot be played on this machine"):
        next(demo._play(_Predict(), "learned", 1))
    with pytest.raises(GameError):
        Game("NoSuch-v1", 10, 0)


def test_the_printed_line_sends_an_observation():
    curl, python = demo._calls(_Predict(), "learned")
    words = shlex.split(curl.replace("\\\n", ""))
    assert words[-1] == "http://host:1/v1/models/agents_learned:predict"
    sent = json.loads(words[words.index("-d") + 1])
    assert sent == {"signature_name": "act", "instances": [{"observations": 0}]}
    assert "host:2" in python


def _built(predict):
    async def build():
        return demo.build_page(predict)

    # Without a running event loop, Gradio makes some and leaves them open.
    return asyncio.run(build())


def test_the_page_is_built_for_the_presets_there_are(monkeypatch):
    blocks = {block.elem_id: block for block in _built(_Predict()).blocks.values() if getattr(block, "elem_id", None)}
    assert [name for name, _ in blocks["agents-preset"].choices] == ["planned", "learned"]
    assert not blocks["agents-curve"].visible and demo._curve("learned")["visible"]
    monkeypatch.setattr(demo, "preset_names", lambda app: [])
    page = _built(_Predict())
    assert "No model ships yet" in "".join(block.value for block in page.blocks.values() if hasattr(block, "value"))
