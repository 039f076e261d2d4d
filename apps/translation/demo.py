"""The page: a sentence in, its translation, the other ones that were found, and which word looked where out."""

import time

import gradio

from apps.calls import curl_text_call, python_text_call
from apps.components import calls_of, check_length, mistakes, page_of
from apps.heat import table
from apps.presets import preset_names, served_name
from apps.translation.asking import MAX_CHARACTERS, ask, endpoint_of, language_of
from apps.translation.examples import EXAMPLES

APP = "translation"
TITLE = "Translation"
_ABOUT = "Write a sentence in English. The models have learned from captions of pictures, and know little else."
_HEAT = "Which piece of the translation (rows) looked at which of the sentence (columns):"


def build_page(predict):
    """Builds the page.

    Args:
        predict: Function of a request, `predict({"text": [text]}, endpoint=..., preset=...)`.

    Returns:
        A `gradio.Blocks`.
    """
    return page_of(APP, preset_names(APP), lambda presets: _build(predict, presets))


def _build(predict, presets):
    gradio.Markdown(_ABOUT)
    with gradio.Row():
        with gradio.Column():
            choices = [(f"{language_of(APP, preset)} ({preset})", preset) for preset in presets]
            preset = gradio.Dropdown(choices, value=presets[0], label="Into", elem_id="translation-preset")
            text = gradio.Textbox(EXAMPLES[0], label="Sentence", lines=3, max_lines=10, elem_id="translation-text")
            button = gradio.Button("Translate", variant="primary", elem_id="translation-ask")
            gallery = gradio.Dataset(
                components=[text],
                samples=[[example] for example in EXAMPLES],
                label="Examples",
                type="index",
                elem_id="translation-examples",
            )
        with gradio.Column():
            translation = gradio.Textbox(label="Translation", lines=3, interactive=False, elem_id="translation-answer")
            others = gradio.Dataframe(
                headers=["other translations", "score"],
                column_widths=["85%", "15%"],
                label="What else was found",
                interactive=False,
                wrap=True,
                elem_id="translation-others",
            )
            spent = gradio.Markdown(elem_id="translation-spent")
    heat = gradio.HTML(elem_id="translation-attention")
    calls_of(lambda *given: _calls(predict, *given), [preset, text], "translation-curl")

    asked = {
        "fn": lambda *given: _ask(predict, *given),
        "inputs": [preset, text],
        "outputs": [translation, others, heat, spent],
    }
    button.click(**asked, api_name="translate")
    for event in (text.submit, preset.input):
        event(**asked, api_name=False)
    gallery.click(lambda index: EXAMPLES[index], gallery, text, api_name=False).then(**asked, api_name=False)


def _ask(predict, preset, text):
    """Answers for the page: the translation, the others with their scores, the heat map, and the time it took."""
    if not text.strip():
        return "", [], "", "There is no sentence yet."
    check_length(text, most=MAX_CHARACTERS)
    begin = time.perf_counter()
    with mistakes():
        translated = ask(predict, preset, endpoint_of(APP, preset), text)
    spent = f"Answered in {(time.perf_counter() - begin) * 1000:.0f} ms."
    (best, _), *others = translated.translations or [("", 0.0)]
    return best, [[other, f"{score:.2f}"] for other, score in others], _heat(translated), spent


def _heat(translated):
    if translated.attention is None:
        return ""
    return f"<p>{_HEAT}</p>" + table(translated.tokens, translated.source_tokens, translated.attention)


def _calls(predict, preset, text):
    model = served_name(APP, preset)
    return (
        curl_text_call(predict.rest, model, "serving_default", text),
        python_text_call(predict.address, model, "serving_default", "text", text),
    )
