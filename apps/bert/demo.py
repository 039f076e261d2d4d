"""The page: a text with blanks in, what may stand there out; and whether a sentence follows another one."""

import gradio

from apps.bert.asking import MAX_CHARACTERS, fill, follows
from apps.bert.calls import blank_calls, pair_calls
from apps.bert.examples import BLANKS, MASK, PAIRS
from apps.components import calls_of, check_length, mistake, mistakes, page_of
from apps.presets import preset_names, served_name

APP = "bert"
TITLE = "BERT"
_ABOUT = (
    f"Write a text with `{MASK}` where words are missing: the model, which learned from running text alone, says what "
    "may stand there. `##` is before a piece that goes on with a word."
)
_PAIRS = "It has also learned to say whether a sentence follows another one or is from elsewhere."


def build_page(predict):
    """Builds the page.

    Args:
        predict: Function of a request, `predict({"text": [text]}, preset=...)`.

    Returns:
        A `gradio.Blocks`.
    """
    return page_of(APP, preset_names(APP), lambda presets: _build(predict, presets))


def _build(predict, presets):
    preset = gradio.Dropdown(presets, value=presets[0], label="Model", elem_id="bert-preset")
    _build_blanks(predict, preset)
    _build_pairs(predict, preset)


def _build_blanks(predict, preset):
    gradio.Markdown(_ABOUT)
    with gradio.Row():
        with gradio.Column():
            text = gradio.Textbox(BLANKS[0], label="Text", lines=3, max_lines=10, elem_id="bert-text")
            button = gradio.Button("Fill in", variant="primary", elem_id="bert-fill")
            gallery = gradio.Dataset(
                components=[text],
                samples=[[example] for example in BLANKS],
                label="Examples",
                type="index",
                elem_id="bert-examples",
            )
        with gradio.Column():
            filled = gradio.Textbox(label="Filled in", lines=3, elem_id="bert-filled")
            table = gradio.Dataframe(
                headers=["blank", "likeliest pieces"],
                label="Blanks",
                interactive=False,
                wrap=True,
                elem_id="bert-blanks",
            )
    calls_of(lambda *given: blank_calls(predict, served_name(APP, given[0]), given[1]), [preset, text], "bert-curl")
    asked = {"fn": lambda *given: _fill(predict, *given), "inputs": [preset, text], "outputs": [filled, table]}
    button.click(**asked, api_name="fill")
    text.submit(**asked, api_name=False)
    gallery.click(lambda index: BLANKS[index], gallery, text, api_name=False).then(**asked, api_name=False)


def _build_pairs(predict, preset):
    gradio.Markdown(_PAIRS)
    with gradio.Row():
        with gradio.Column():
            first = gradio.Textbox(PAIRS[0][0], label="First", elem_id="bert-first")
            second = gradio.Textbox(PAIRS[0][1], label="Second", elem_id="bert-second")
            button = gradio.Button("Ask", variant="primary", elem_id="bert-ask")
            gallery = gradio.Dataset(
                components=[first, second],
                samples=[[*pair] for pair in PAIRS],
                label="Examples",
                type="index",
                elem_id="bert-pairs",
            )
        answer = gradio.Label(label="Does the second follow?", elem_id="bert-follows")
    calls_of(
        lambda *given: pair_calls(predict, served_name(APP, given[0]), *given[1:]),
        [preset, first, second],
        "bert-pair-curl",
    )
    asked = {"fn": lambda *given: _follow(predict, *given), "inputs": [preset, first, second], "outputs": answer}
    button.click(**asked, api_name="follows")
    second.submit(**asked, api_name=False)
    chosen = gallery.click(lambda index: PAIRS[index], gallery, [first, second], api_name=False)
    chosen.then(**asked, api_name=False)


def _fill(predict, preset, text):
    """Answers for the page: the text filled in, and a row a blank."""
    if MASK not in text:
        raise mistake(f"Write {MASK} where a word is missing.")
    check_length(text, most=MAX_CHARACTERS)
    with mistakes():
        filled = fill(predict, preset, text)
    rows = [
        [number, ", ".join(f"{piece} {share:.0%}" for piece, share in blank)]
        for number, blank in enumerate(filled.blanks, 1)
    ]
    return filled.text, rows


def _follow(predict, preset, first, second):
    """Answers for the page: `{answer: probability}`."""
    if not first.strip() or not second.strip():
        raise mistake("Write two sentences.")
    check_length(first, second, most=MAX_CHARACTERS)
    with mistakes():
        probability = follows(predict, preset, first, second)
    return {"follows": probability, "is from elsewhere": 1 - probability}
