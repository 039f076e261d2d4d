"""The page: a text in, what it says and the words that made it so out, and the lines that make the same call."""

import time

import gradio

from apps.calls import curl_text_call, python_text_call
from apps.components import check_length, mistakes, page_of
from apps.presets import preset_info, preset_names, served_name
from apps.sentiment.asking import MAX_CHARACTERS, ask
from apps.sentiment.examples import EXAMPLES

APP = "sentiment"
TITLE = "Sentiment"
_ABOUT = "Write or paste a review. The model says what it thinks of its subject, and which words made it say so."
_COLOURS = "Words in red spoke for the answer, words in blue against it; the stronger the colour, the more."


def build_page(predict):
    """Builds the page.

    Args:
        predict: Function of a request, `predict({"text": [text]}, endpoint="explain", preset=...)`.

    Returns:
        A `gradio.Blocks`.
    """
    return page_of(APP, preset_names(APP), lambda presets: _build(predict, presets))


def _build(predict, presets):
    gradio.Markdown(_ABOUT)
    with gradio.Row():
        with gradio.Column():
            preset = gradio.Dropdown(presets, value=presets[0], label="Model", elem_id="sentiment-preset")
            known = gradio.Markdown(_describe(presets[0]))
            text = gradio.Textbox(label="Text", lines=6, max_lines=20, elem_id="sentiment-text")
            button = gradio.Button("Ask", variant="primary", elem_id="sentiment-ask")
            gallery = gradio.Dataset(
                components=[text],
                samples=[[example] for example in EXAMPLES],
                label="Examples",
                type="index",
                elem_id="sentiment-examples",
            )
        with gradio.Column():
            answer = gradio.Label(label="Answer", elem_id="sentiment-answer")
            words = gradio.HighlightedText(
                label="What moved it", show_legend=False, show_whitespaces=True, elem_id="sentiment-words"
            )
            spent = gradio.Markdown(elem_id="sentiment-spent")
    with gradio.Accordion("The same call from your shell or program", open=False):
        calls = _calls(predict, presets[0], EXAMPLES[0])
        curl = gradio.Code(calls[0], language="shell", label="curl")
        python = gradio.Code(calls[1], language="python", label="Python")

    asked = {
        "fn": lambda *given: _ask(predict, *given),
        "inputs": [text, preset],
        "outputs": [answer, words, spent, curl, python],
    }
    button.click(**asked, api_name="sentiment")
    text.submit(**asked, api_name=False)
    preset.input(**asked, api_name=False)
    preset.change(_describe, preset, known, api_name=False)
    gallery.click(lambda index: EXAMPLES[index], gallery, text, api_name=False).then(**asked, api_name=False)


def _describe(preset):
    return f"It tells apart: {', '.join(preset_info(APP, preset)['class_names'])}."


def _ask(predict, text, preset):
    """Answers for the page: `{label: score}`, the coloured words, the time it took, and the two calls."""
    calls = _calls(predict, preset, text)
    if not text.strip():
        return None, None, "There is no text yet.", *_calls(predict, preset, EXAMPLES[0])
    check_length(text, most=MAX_CHARACTERS)
    begin = time.perf_counter()
    with mistakes():
        answered = ask(predict, preset, text)
    spent = f"Answered in {(time.perf_counter() - begin) * 1000:.0f} ms. {_COLOURS}"
    return answered.scores, answered.parts, spent, *calls


def _calls(predict, preset, text):
    model = served_name(APP, preset)
    return (
        curl_text_call(predict.rest, model, "serving_default", text),
        python_text_call(predict.address, model, "serving_default", "text", text),
    )
