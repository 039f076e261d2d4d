"""The page: a picture in, the five likeliest names as bars, and the lines that make the same call."""

import time

import gradio

from apps.calls import curl_call, python_call
from apps.components import mistakes, picture_file
from apps.image_classification import finetune_page
from apps.image_classification.examples import example_files
from apps.picture_files import read_picture
from apps.presets import preset_info, preset_names, served_name

APP = "image_classification"
TITLE = "Image classification"


def build_page(predict):
    """Builds the page.

    Args:
        predict: Function of a request, `predict({"image_bytes": [bytes]}, preset=...)`.

    Returns:
        A `gradio.Blocks`.
    """
    with gradio.Blocks() as page:
        with gradio.Tab("Ask"):
            _build_asking(predict)
        with gradio.Tab(finetune_page.TITLE) as tab:
            look, outputs = finetune_page.build_training(predict)
        if look is not None:
            tab.select(look, None, outputs, show_progress="hidden", api_name=False)
    return page


def _build_asking(predict):
    presets = preset_names(APP)
    gradio.Markdown("Upload, paste or pick a picture. The model names what it takes it for.")
    with gradio.Row():
        with gradio.Column():
            preset = gradio.Dropdown(presets, value=presets[0], label="Model", elem_id="preset")
            classes = gradio.Markdown(_describe(presets[0]))
            picture = picture_file(height=280, elem_id="picture", label="Picture")
            examples = [(path, name) for path, name in example_files() if name in presets]
            gallery = gradio.Dataset(
                components=[picture],
                samples=[[path] for path, _ in examples],
                label="Examples",
                type="index",
                elem_id="examples",
            )
        with gradio.Column():
            answer = gradio.Label(num_top_classes=5, label="Answer", elem_id="answer")
            spent = gradio.Markdown()
    with gradio.Accordion("The same call from your shell or program", open=False):
        curl = gradio.Code(language="shell", label="curl")
        python = gradio.Code(language="python", label="Python")
    outputs = [answer, spent, curl, python]

    def ask(path, name):
        return _ask(predict, path, name)

    asked = {"fn": ask, "inputs": [picture, preset], "outputs": outputs}
    picture.upload(**asked, api_name="classify")
    picture.clear(**asked, api_name=False)
    preset.input(**asked, api_name=False)
    preset.change(_describe, preset, classes, api_name=False)
    gallery.click(lambda index: examples[index], gallery, [picture, preset], api_name=False).then(
        **asked, api_name=False
    )


def _describe(preset):
    return f"It knows: {', '.join(preset_info(APP, preset)['class_names'])}."


def _ask(predict, path, preset):
    """Answers for the page: `{label: score}`, the time it took, and the two calls."""
    calls = [
        curl_call(predict.rest, served_name(APP, preset), "serving_default", "picture.jpg"),
        python_call(predict.address, served_name(APP, preset), "serving_default", "image_bytes", "picture.jpg"),
    ]
    if path is None:
        return None, "", *calls
    begin = time.perf_counter()
    with mistakes():
        answer = predict({"image_bytes": [read_picture(path)]}, preset=preset)
    spent = f"Answered in {(time.perf_counter() - begin) * 1000:.0f} ms."
    labels = [label.decode() for label in answer["labels"][0]]
    return dict(zip(labels, map(float, answer["scores"][0]), strict=True)), spent, *calls
