"""The page: the beginning of a text in, how it goes on out, as it is made."""

import time

import gradio

from apps.calls import curl_values_call, python_values_call
from apps.components import calls_of, check_length, mistake, page_of
from apps.predict import PredictError
from apps.presets import preset_names, served_name
from apps.text_generation.asking import stream
from apps.text_generation.colouring import coloured
from apps.text_generation.examples import EXAMPLES

APP = "text_generation"
TITLE = "Text generation"
_ABOUT = (
    "Begin a text, and the model goes on with it. The darker the ground of a letter, the less sure the model was of "
    "it; point at one to see how sure."
)
MAX_CHARACTERS = 5000
"""The longest prompt that the page takes."""
_CHOICES = ("temperature", "top_k", "top_p", "seed")


def build_page(predict):
    """Builds the page.

    Args:
        predict: Function of a request, `predict({"prompt": [text], ...}, endpoint=..., preset=...)`.

    Returns:
        A `gradio.Blocks`.
    """
    return page_of(APP, preset_names(APP), lambda presets: _build(predict, presets))


def _build(predict, presets):
    gradio.Markdown(_ABOUT)
    with gradio.Row():
        with gradio.Column():
            preset = gradio.Dropdown(presets, value=presets[0], label="Model", elem_id="generation-preset")
            prompt = gradio.Textbox(EXAMPLES[0], label="Beginning", lines=3, max_lines=10, elem_id="generation-prompt")
            settings = _settings()
            with gradio.Row():
                button = gradio.Button("Go on", variant="primary", elem_id="generation-ask")
                stop = gradio.Button("Stop", elem_id="generation-stop")
            gallery = gradio.Dataset(
                components=[prompt],
                samples=[[example] for example in EXAMPLES],
                label="Examples",
                type="index",
                elem_id="generation-examples",
            )
        with gradio.Column():
            text = gradio.HTML(elem_id="generation-text")
            spent = gradio.Markdown(elem_id="generation-spent")
    calls_of(lambda *given: _calls(predict, *given), [preset, prompt, *settings], "generation-curl")

    asked = {
        "fn": lambda *given: (yield from _write(predict, *given)),
        "inputs": [preset, prompt, *settings],
        "outputs": [text, spent],
        "show_progress": "hidden",
    }
    writing = [button.click(**asked, api_name="generate")]
    chosen = gallery.click(lambda index: EXAMPLES[index], gallery, prompt, api_name=False)
    writing.append(chosen.then(**asked, api_name=False))
    stop.click(None, cancels=writing)


def _settings():
    """Builds the choices: length, temperature, top k, top p and seed."""
    length = gradio.Slider(12, 1000, 240, step=12, label="Tokens", elem_id="generation-length")
    with gradio.Accordion("How tokens are drawn", open=False):
        return [
            length,
            gradio.Slider(0, 2, 0.8, step=0.05, label="Temperature (0: always the likeliest)"),
            gradio.Slider(0, 50, 0, step=1, label="Top k: only the k likeliest (0: all)"),
            gradio.Slider(0.05, 1, 0.95, step=0.05, label="Top p: only the likeliest that have this probability"),
            gradio.Number(1, label="Seed", precision=0, elem_id="generation-seed"),
        ]


def _write(predict, preset, prompt, length, *choices):
    """Yields the text for the page as far as it is made, and how fast it was."""
    check_length(prompt, most=MAX_CHARACTERS)
    if choices[-1] is None:
        raise mistake("The seed must be a whole number. Received: nothing")
    said, begin = [], time.perf_counter()
    try:
        for more in stream(predict, preset, prompt, int(length), dict(zip(_CHOICES, choices, strict=True))):
            said += more
            yield coloured(prompt, said), f"{len(said) / (time.perf_counter() - begin):.0f} tokens a second."
    except PredictError as error:
        if not said:
            raise mistake(str(error)) from error
        # What was made before stays.
        yield coloured(prompt, said), f"It ends here: {error}"


def _calls(predict, preset, prompt, length, *choices):
    model = served_name(APP, preset)
    values = {"prompt": prompt, "max_tokens": int(length), **dict(zip(_CHOICES, choices, strict=True))}
    return (
        curl_values_call(predict.rest, model, "serving_default", values),
        python_values_call(predict.address, model, "serving_default", values),
    )
