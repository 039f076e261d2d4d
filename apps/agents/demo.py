"""The page: choose an environment, and watch the served agent play it, with a random agent beside it."""

import contextlib
import json
import time

import gradio
import pandas

from apps.agents.asking import ENDPOINT, ask
from apps.agents.drawing import bars, picture
from apps.agents.game import Game, GameError
from apps.calls import curl_values_call, python_values_call
from apps.components import calls_of, mistake, mistakes, page_of
from apps.presets import METRICS_FILE, preset_info, preset_names, presets_folder, served_name

APP = "agents"
TITLE = "Agents that play"
_ABOUT = (
    "Choose an agent and watch it play. Every step asks the served model; the bars are what it thinks each action is "
    "worth, or for CartPole and LunarLander how likely each is. Beside it a random agent plays from the same beginning."
)
# After the first steps, which are all shown, one of a few: an episode has about 300 pictures at most.
_SHOWN_FIRST, _SHOWN_EVERY = 150, 6
# States change by leaps, which take longer to look at.
_A_SECOND = {"states": 4, "vectors": 15}
_LARGEST_SEED = 2**31 - 1


def build_page(predict):
    """Builds the page.

    Args:
        predict: Function of a request, `predict({"observations": [...]}, endpoint=..., preset=...)`.

    Returns:
        A `gradio.Blocks`.
    """
    return page_of(APP, preset_names(APP), lambda presets: _build(predict, presets))


def _build(predict, presets):
    gradio.Markdown(_ABOUT)
    with gradio.Row():
        preset = gradio.Dropdown(presets, value=presets[0], label="Agent", elem_id="agents-preset")
        seed = gradio.Number(1, label="Seed", precision=0, elem_id="agents-seed")
        play = gradio.Button("Play", variant="primary", elem_id="agents-play")
        stop = gradio.Button("Stop", elem_id="agents-stop")
    with gradio.Row():
        frame = gradio.HTML(elem_id="agents-frame")
        beside = gradio.HTML(elem_id="agents-random")
    told = gradio.Markdown(elem_id="agents-told")
    values = gradio.HTML(elem_id="agents-values")
    curve = gradio.LinePlot(**_curve(presets[0]), x="steps", y="return", height=220, elem_id="agents-curve")
    calls_of(lambda name: _calls(predict, name), [preset], "agents-curl")

    playing = play.click(
        lambda *given: (yield from _play(predict, *given)),
        [preset, seed],
        [frame, beside, values, told],
        show_progress="hidden",
        api_name="play",
    )
    stop.click(None, cancels=playing, api_name=False)
    preset.input(
        lambda name: ("", "", "", "", gradio.LinePlot(**_curve(name))),
        preset,
        [frame, beside, values, told, curve],
        cancels=playing,
        api_name=False,
    )


def _play(predict, preset, seed):
    """Yields, a few times a second, a picture of either game, the action values and the returns."""
    if seed is None or not 0 <= seed <= _LARGEST_SEED:
        sentence = f"The seed must be a whole number from 0 to {_LARGEST_SEED}. Received: {seed}"
        raise mistake(sentence)
    info = preset_info(APP, preset)
    pause = 1 / _A_SECOND["states" if info["states"] else "vectors"]
    with contextlib.ExitStack() as stack:
        game, other = (_begin(stack, info, int(seed)) for _ in range(2))
        shown, choice = "", None
        while not game.ended:
            begin = time.perf_counter()
            with mistakes():
                choice = ask(predict, preset, game.observation)
            if game.steps < _SHOWN_FIRST or game.steps % _SHOWN_EVERY == 0:
                shown = bars(info["action_names"], choice)
                yield *_pictures(game, other), shown, _returns(game, other)
                time.sleep(max(0.0, pause - (time.perf_counter() - begin)))
            game.play(choice.action)
            other.play_by_chance()
        last = _pictures(game, other)
        while not other.ended:
            other.play_by_chance()
        yield *last, shown, f"{_returns(game, other)} {_usually(preset)}"


def _begin(stack, info, seed):
    with mistakes(GameError):
        game = Game(info["data"], info["longest"], seed)
    return stack.enter_context(contextlib.closing(game))


def _pictures(game, other):
    return picture(game.frame(), "The agent"), picture(other.frame(), "A random agent")


def _returns(game, other):
    """Returns how both games stand."""
    one, beside = (f"**{each.total:g}** {'in' if each.ended else 'after'} {each.steps} steps" for each in (game, other))
    return f"Return {one}. The random agent: {beside}."


def _usually(preset):
    """Returns what is usual, of the episodes that the preset was measured on."""
    path = presets_folder(APP) / preset / METRICS_FILE
    if not path.exists():
        return ""
    metrics = json.loads(path.read_text())
    return f"On average over 100 other episodes: {metrics['return']:.2f}, and {metrics['random_return']:.2f} at random."


def _curve(preset):
    """Returns arguments of `gradio.LinePlot`: the mean return of validation episodes as the agent learned."""
    path = presets_folder(APP) / preset / "state.json"
    rows = [(row["steps"], row["return"]) for row in json.loads(path.read_text())["history"]]
    title = "As it learned: return by steps of play"
    # What was planned has no curve.
    return {"value": pandas.DataFrame(rows, columns=["steps", "return"]), "title": title, "visible": len(rows) > 1}


def _calls(predict, preset):
    model, values = served_name(APP, preset), {"observations": preset_info(APP, preset)["example"]}
    return (
        curl_values_call(predict.rest, model, ENDPOINT, values),
        python_values_call(predict.address, model, ENDPOINT, values),
    )
