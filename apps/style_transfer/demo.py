"""The page: two pictures in, the one painted in the style of the other out, at once or by optimization."""

import io
import time

import gradio
from PIL import Image

from apps.components import calls_of, mistake, mistakes, picture_file
from apps.picture_files import read_picture
from apps.presets import preset_names, served_name
from apps.style_transfer.calls import curl_call, python_call
from apps.style_transfer.examples import example_files
from apps.style_transfer.optimizing_page import build_optimizing

APP = "style_transfer"
TITLE = "Style transfer"
_ABOUT = (
    "Give a picture of what is to be painted and one of how: a painting, a drawing, a texture. One network has learned "
    "to paint in any style at once; the other way trains the pixels themselves, which takes its time."
)


def build_page(predict):
    """Builds the page.

    Args:
        predict: Function of a request, `predict({"content_bytes": [bytes], ...}, endpoint="settings", preset=...)`.

    Returns:
        A `gradio.Blocks`.
    """
    with gradio.Blocks() as page:
        presets = preset_names(APP)
        if presets:
            _Page(predict, presets).build(page)
        else:
            gradio.Markdown(f"No model ships yet. Train one: `dlkeras train {APP}`.")
    return page


class _Page:
    def __init__(self, predict, presets):
        self._predict = predict
        self._presets = presets

    def build(self, page):
        gradio.Markdown(_ABOUT)
        with gradio.Row():
            content = picture_file(height=260, label="What is painted", elem_id="content")
            style = picture_file(height=260, label="How it is painted", elem_id="style")
        gallery = gradio.Dataset(
            components=[gradio.Image(render=False)],
            samples=[[both] for *_, both in example_files()],
            label="Examples, drawn by rule: what, and how",
            type="index",
            elem_id="style-examples",
        )
        with gradio.Tab("At once"):
            asked = self._build_asking(content, style)
        with gradio.Tab("By optimization"):
            build_optimizing(page, content, style)
        for event in (content.upload, style.upload):
            event(**asked, api_name=False)
        gallery.click(lambda index: example_files()[index][:2], gallery, [content, style], api_name=False).then(
            **asked, api_name=False
        )

    def _build_asking(self, content, style):
        with gradio.Row():
            with gradio.Column(scale=4):
                preset = gradio.Dropdown(self._presets, value=self._presets[0], label="Model", elem_id="style-preset")
                strength = gradio.Slider(0, 1, value=1, step=0.05, label="Strength", elem_id="strength")
                size = gradio.Slider(
                    *(32, 1024), value=384, step=32, label="Longer side of the result, pixels", elem_id="size"
                )
                again = gradio.Button("Paint", variant="primary", elem_id="paint")
            with gradio.Column(scale=6):
                result = gradio.Image(
                    label="Painted",
                    format="png",
                    interactive=False,
                    height=400,
                    buttons=["download", "fullscreen"],
                    elem_id="painted",
                )
                spent = gradio.Markdown(elem_id="style-spent")
        settings = [preset, strength, size]
        asked = {"fn": self._ask, "inputs": [content, style, *settings], "outputs": [result, spent]}
        again.click(self._ask_aloud, asked["inputs"], asked["outputs"], api_name="paint")
        for event in (preset.input, strength.release, size.release):
            event(**asked, api_name=False)
        calls_of(self._calls, settings, "style-curl")
        return asked

    def _ask_aloud(self, content, style, *settings):
        for path, which in ((content, "to be painted"), (style, "of the style")):
            if path is None:
                raise mistake(f"There is no picture {which} yet. Upload one, or pick an example.")
        return self._ask(content, style, *settings)

    def _ask(self, content, style, preset, strength, size):
        """Answers for the page: the picture, and the time it took."""
        if content is None or style is None:
            return None, ""
        begin = time.perf_counter()
        with mistakes():
            inputs = {"content_bytes": [read_picture(content)], "style_bytes": [read_picture(style)]}
            inputs |= {"strength": [strength], "size": [int(size)]}
            answer = self._predict(inputs, endpoint="settings", preset=preset)
        picture = Image.open(io.BytesIO(answer["image_png_bytes"][0]))
        milliseconds = (time.perf_counter() - begin) * 1000
        return picture, f"{picture.width} x {picture.height} pixels, painted in {milliseconds:.0f} ms."

    def _calls(self, preset, strength, size):
        rest = (served_name(APP, preset), strength, int(size))
        return curl_call(self._predict.rest, *rest), python_call(self._predict.address, *rest)
