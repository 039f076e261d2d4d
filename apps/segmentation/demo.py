"""The page: a picture in, the same in the colours of its classes out, a legend, and the lines that make the call."""

import tempfile
import time
from pathlib import Path

import gradio

from apps.calls import curl_call, python_call
from apps.components import mistakes, page_of, picture_file
from apps.presets import preset_info, preset_names, served_name
from apps.segmentation.asking import ask, opened
from apps.segmentation.colouring import legend, overlay
from apps.segmentation.examples import example_files

APP = "segmentation"
TITLE = "Segmentation"
_OPACITY = 0.55
_ABOUT = "Upload, paste or pick a picture. The model says for every pixel what it belongs to."


def build_page(predict):
    """Builds the page.

    Args:
        predict: Function of a request, `predict({"image_bytes": [bytes]}, endpoint="masks", preset=...)`.

    Returns:
        A `gradio.Blocks`.
    """
    return page_of(APP, preset_names(APP), lambda presets: _build(predict, presets))


def _build(predict, presets):
    gradio.Markdown(_ABOUT)
    with gradio.Row():
        with gradio.Column(scale=4):
            preset = gradio.Dropdown(presets, value=presets[0], label="Model", elem_id="segmentation-preset")
            known = gradio.Markdown(_describe(presets[0]))
            picture = picture_file(height=280, elem_id="segmentation-picture", label="Picture")
            examples = [(path, name) for path, name in example_files() if name in presets]
            gallery = gradio.Dataset(
                components=[picture],
                samples=[[path] for path, _ in examples],
                label="Examples: drawn by rule",
                type="index",
                visible=bool(examples),
                elem_id="segmentation-examples",
            )
        with gradio.Column(scale=6):
            shown = gradio.Image(
                label="Classes", interactive=False, format="png", elem_id="overlay", buttons=["download", "fullscreen"]
            )
            opacity = gradio.Slider(0, 1, value=_OPACITY, step=0.05, label="Opacity of the colours", elem_id="opacity")
            shares = gradio.HTML(padding=False, elem_id="shares")
            spent = gradio.Markdown(elem_id="segmentation-spent")
            file = gradio.DownloadButton(
                "Mask as PNG: a class number a pixel", visible=False, size="sm", elem_id="mask-file"
            )
    with gradio.Accordion("The same call from your shell or program", open=False):
        calls = _calls(predict, presets[0])
        curl = gradio.Code(calls[0], language="shell", label="curl")
        python = gradio.Code(calls[1], language="python", label="Python")

    answered = gradio.State()
    asked = {
        "fn": lambda path, name: _ask(predict, path, name),
        "inputs": [picture, preset],
        "outputs": [answered, shares, spent, file],
    }
    show = {"fn": _show, "inputs": [answered, opacity], "outputs": shown}
    for event, name in ((picture.upload, "segment"), (picture.clear, False), (preset.input, False)):
        event(**asked, api_name=name).then(**show, api_name=False)
    # Nothing is asked again: the mask is laid over the picture anew while the slider moves.
    opacity.change(**show, show_progress="hidden", trigger_mode="always_last", api_name=False)
    preset.change(_describe, preset, known, api_name=False)
    preset.change(lambda name: _calls(predict, name), preset, [curl, python], api_name=False)
    gallery.click(lambda index: examples[index], gallery, [picture, preset], api_name=False).then(
        **asked, api_name=False
    ).then(**show, api_name=False)


def _describe(preset):
    return f"It knows: {', '.join(preset_info(APP, preset)['class_names'])}."


def _ask(predict, path, preset):
    """Answers for the page: what was answered, the legend, the time it took, and the mask to download."""
    nothing = gradio.update(value=None, visible=False)
    if path is None:
        return None, "", "", nothing
    begin = time.perf_counter()
    with mistakes():
        answered = ask(predict, preset, path)
    milliseconds = (time.perf_counter() - begin) * 1000
    spent = "{} x {} pixels, answered in {:.0f} ms.".format(*answered.size, milliseconds)
    file = gradio.update(value=_mask_file(path, answered.mask_file), visible=True)
    return answered, legend(answered.classes, answered.shares), spent, file


def _mask_file(path, data):
    # Beside the upload, so that it goes when the upload does.
    file = Path(tempfile.mkdtemp(dir=Path(path).parent)) / f"{Path(path).stem}_mask.png"
    file.write_bytes(data)
    return str(file)


def _show(answered, opacity):
    return None if answered is None else overlay(*opened(answered), answered.classes, opacity)


def _calls(predict, preset):
    model = served_name(APP, preset)
    return (
        curl_call(predict.rest, model, "masks", "picture.jpg"),
        python_call(predict.address, model, "masks", "image_bytes", "picture.jpg"),
    )
