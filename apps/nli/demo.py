"""The page: two texts in, whether the second follows from the first and how their words are aligned out."""

import time

import gradio

from apps.calls import curl_values_call, python_values_call
from apps.components import calls_of, check_length, mistakes, page_of
from apps.heat import table
from apps.nli.asking import MAX_CHARACTERS, ask, endpoint_of
from apps.nli.examples import EXAMPLES
from apps.presets import preset_info, preset_names, served_name

APP = "nli"
TITLE = "Natural language inference"
_ABOUT = (
    "Write a premise, which is taken to be true, and a hypothesis. The model says whether the hypothesis follows "
    "(entailment), cannot be true (contradiction), or neither (neutral)."
)
_TO_PREMISE, _TO_HYPOTHESIS = "each word of the hypothesis", "each word of the premise"
_DIRECTION = "What the words looked at, for"


def build_page(predict):
    """Builds the page.

    Args:
        predict: Function of a request, `predict({"premise": [text], "hypothesis": [text]}, endpoint=..., preset=...)`.

    Returns:
        A `gradio.Blocks`.
    """
    return page_of(APP, preset_names(APP), lambda presets: _build(predict, presets))


def _build(predict, presets):
    gradio.Markdown(_ABOUT)
    with gradio.Row():
        with gradio.Column():
            preset = gradio.Dropdown(presets, value=presets[0], label="Model", elem_id="nli-preset")
            known = gradio.Markdown(_describe(presets[0]))
            premise = gradio.Textbox(EXAMPLES[0][0], label="Premise", lines=3, max_lines=10, elem_id="nli-premise")
            hypothesis = gradio.Textbox(EXAMPLES[0][1], label="Hypothesis", lines=2, elem_id="nli-hypothesis")
            button = gradio.Button("Ask", variant="primary", elem_id="nli-ask")
            gallery = gradio.Dataset(
                components=[premise, hypothesis],
                samples=[[*example] for example in EXAMPLES],
                label="Examples",
                type="index",
                elem_id="nli-examples",
            )
        with gradio.Column():
            answer = gradio.Label(label="Answer", elem_id="nli-answer")
            spent = gradio.Markdown(elem_id="nli-spent")
            direction = gradio.Radio(
                [_TO_PREMISE, _TO_HYPOTHESIS],
                value=_TO_PREMISE,
                label=_DIRECTION,
                visible=False,
                elem_id="nli-direction",
            )
            heat = gradio.HTML(elem_id="nli-alignment")
    calls_of(lambda *given: _calls(predict, *given), [preset, premise, hypothesis], "nli-curl")

    alignment = gradio.State()
    asked = {
        "fn": lambda *given: _ask(predict, *given),
        "inputs": [preset, premise, hypothesis],
        "outputs": [answer, alignment, spent],
    }
    show = {"fn": _show, "inputs": [alignment, direction], "outputs": [heat, direction], "api_name": False}
    button.click(**asked, api_name="nli").then(**show)
    for event in (premise.submit, hypothesis.submit, preset.input):
        event(**asked, api_name=False).then(**show)
    direction.input(**show, show_progress="hidden")
    preset.change(_describe, preset, known, api_name=False)
    chosen = gallery.click(lambda index: EXAMPLES[index], gallery, [premise, hypothesis], api_name=False)
    chosen.then(**asked, api_name=False).then(**show)


def _describe(preset):
    return f"It tells apart: {', '.join(preset_info(APP, preset)['class_names'])}."


def _ask(predict, preset, premise, hypothesis):
    """Answers for the page: `{label: score}`, the alignment, and the time it took."""
    if not premise.strip() or not hypothesis.strip():
        return None, None, "There is no premise yet." if not premise.strip() else "There is no hypothesis yet."
    check_length(premise, hypothesis, most=MAX_CHARACTERS)
    begin = time.perf_counter()
    with mistakes():
        answered = ask(predict, preset, endpoint_of(APP, preset), premise, hypothesis)
    spent = f"Answered in {(time.perf_counter() - begin) * 1000:.0f} ms."
    return answered.scores, answered.alignment, spent


def _show(alignment, direction):
    """Gives the table of the alignment, and the choice of a direction where there is one to choose."""
    if alignment is None:
        return "", gradio.update(visible=False)
    premise, hypothesis, to_premise, to_hypothesis = alignment
    weights = to_premise if direction == _TO_PREMISE else to_hypothesis
    return table(premise, hypothesis, weights), gradio.update(visible=True)


def _calls(predict, preset, premise, hypothesis):
    model, values = served_name(APP, preset), {"premise": premise, "hypothesis": hypothesis}
    return (
        curl_values_call(predict.rest, model, "serving_default", values),
        python_values_call(predict.address, model, "serving_default", values),
    )
