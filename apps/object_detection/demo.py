"""The page: pictures, a video or a camera in, the same with boxes and names out, and the lines that make the call."""

import html
import time

import gradio

from apps.calls import curl_row_call, python_row_call
from apps.colours import colours
from apps.components import calls_of, mistake, mistakes, page_of
from apps.object_detection.asking import LOWEST_SCORE, above, ask_files, drawn, rows
from apps.object_detection.examples import example_files
from apps.object_detection.video_page import build_moving
from apps.presets import preset_info, preset_names, served_name

APP = "object_detection"
TITLE = "Object detection"
MOST_FILES = 50
_SCORE, _OVERLAP = 0.5, 0.45
_ABOUT = (
    "Give pictures, a video or your camera. The model draws a box around each thing that it knows, with its name and a "
    "score from 0 to 1: how sure it is."
)
_REFUSAL = '<p style="border-left: 3px solid #f97316; padding-left: 0.7em; margin: 0.4em 0">{}</p>'
_COLUMNS = ["picture", "name", "score", "left", "top", "right", "bottom"]


def build_page(predict):
    """Builds the page.

    Args:
        predict: Function of a request, `predict({"image_bytes": [bytes], ...}, endpoint="thresholds", preset=...)`.

    Returns:
        A `gradio.Blocks`.
    """
    return page_of(APP, preset_names(APP), lambda presets: _Page(predict, presets).build())


class _Page:
    def __init__(self, predict, presets):
        self._predict = predict
        self._presets = presets

    def build(self):
        gradio.Markdown(_ABOUT)
        with gradio.Row():
            with gradio.Column():
                preset = gradio.Dropdown(
                    self._presets, value=self._presets[0], label="Model", elem_id="detection-preset"
                )
                known = gradio.Markdown(_describe(self._presets[0]))
            with gradio.Column():
                score = gradio.Slider(
                    LOWEST_SCORE, 0.95, value=_SCORE, step=0.05, label="Show what scores above", elem_id="score"
                )
                with gradio.Accordion("Overlap", open=False):
                    overlap = gradio.Slider(
                        *(0.05, 0.95),
                        value=_OVERLAP,
                        step=0.05,
                        label="Two boxes of one name that overlap more show the same thing",
                        info="The area that they share over the area that they cover together",
                        elem_id="overlap",
                    )
        settings = [preset, score, overlap]
        with gradio.Tab("Pictures"):
            self._build_pictures(*settings)
        with gradio.Tab("Webcam or video"):
            build_moving(self._predict, *settings, colours_of)
        preset.change(_describe, preset, known, api_name=False)
        calls_of(self._calls, settings, "detection-curl")

    def _build_pictures(self, preset, score, overlap):
        with gradio.Row():
            with gradio.Column(scale=4):
                files = gradio.File(
                    file_count="multiple", label="Pictures, several at once", height=190, elem_id="pictures"
                )
                examples = [(path, name) for path, name in example_files() if name in self._presets]
                gallery = gradio.Dataset(
                    components=[gradio.Image(render=False)],
                    samples=[[path] for path, _ in examples],
                    label="Examples: drawn by rule, each with one banana",
                    type="index",
                    visible=bool(examples),
                    elem_id="detection-examples",
                )
            with gradio.Column(scale=6):
                shown = gradio.Gallery(
                    label="Found",
                    format="jpeg",
                    columns=2,
                    object_fit="contain",
                    height="auto",
                    buttons=["download", "download_all", "fullscreen"],
                    elem_id="found",
                )
                spent = gradio.Markdown(elem_id="spent")
                refused = gradio.HTML(padding=False, elem_id="refused")
        table = gradio.Dataframe(
            headers=_COLUMNS, datatype=["str", "str", *["number"] * 5], label="Boxes, in pixels", elem_id="boxes"
        )
        answered = gradio.State([])
        asked = {"fn": self._ask, "inputs": [files, preset, overlap], "outputs": [answered, spent, refused]}
        show = {"fn": _show, "inputs": [answered, preset, score], "outputs": [shown, table]}
        for event, name in ((files.upload, "detect"), (files.delete, False), (files.clear, False)):
            event(**asked, api_name=name).then(**show, api_name=False)
        for event in (preset.input, overlap.release):
            event(**asked, api_name=False).then(**show, api_name=False)
        # Nothing is asked again: what the model said at the lowest score is drawn anew while the slider moves.
        score.change(**show, show_progress="hidden", trigger_mode="always_last", api_name=False)
        gallery.click(
            lambda index: ([examples[index][0]], examples[index][1]), gallery, [files, preset], api_name=False
        ).then(**asked, api_name=False).then(**show, api_name=False)

    def _ask(self, paths, preset, overlap):
        """Answers for the page: the list of `Answered`, the time it took, and what was refused."""
        if not paths:
            return [], "", ""
        if len(paths) > MOST_FILES:
            raise mistake(f"At most {MOST_FILES} pictures are taken at once. Received: {len(paths)}")
        begin = time.perf_counter()
        with mistakes():
            answered, refused = ask_files(self._predict, preset, paths, overlap)
        milliseconds = (time.perf_counter() - begin) * 1000
        pictures = "1 picture" if len(answered) == 1 else f"{len(answered)} pictures"
        spent = f"{pictures} answered in {milliseconds:.0f} ms." if answered else ""
        return answered, spent, "".join(_REFUSAL.format(html.escape(sentence)) for sentence in refused)

    def _calls(self, preset, score, overlap):
        model, values = served_name(APP, preset), {"score_threshold": score, "iou_threshold": overlap}
        rest = ("thresholds", "image_bytes", "picture.jpg", values)
        return curl_row_call(self._predict.rest, model, *rest), python_row_call(self._predict.address, model, *rest)


def _describe(preset):
    return f"It finds: {', '.join(preset_info(APP, preset)['class_names'])}."


def colours_of(preset):
    """Returns the colour of each of a preset's classes."""
    return colours(preset_info(APP, preset)["class_names"])


def _show(answered, preset, score):
    """Gives the gallery and the table of what scores above a threshold."""
    colour_of = colours_of(preset)
    pictures = [(drawn(picture, score, colour_of), _caption(picture, score)) for picture in answered]
    return gradio.update(value=pictures, columns=min(2, len(pictures) or 1)), rows(answered, score)


def _caption(picture, score):
    count = len(above(picture.found, score))
    if count or not picture.found:
        return f"{picture.name}: {count or 'nothing'} found"
    return f"{picture.name}: nothing; the best scores {picture.found[0].score:.0%}"
