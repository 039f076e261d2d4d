"""The part of the page where a picture is painted by optimization, and seen as it develops."""

import html

import gradio
from PIL import Image

from apps.components import mistake, mistakes
from apps.picture_files import read_picture
from apps.style_transfer.studio import Studio

_BAR = (
    '<p>{words}</p><div style="height: 8px; border-radius: 4px; margin-top: 8px; '
    'background: var(--border-color-primary)"><div style="height: 8px; border-radius: 4px; width: {share}; '
    'background: var(--color-accent)"></div></div>'
)


def build_optimizing(page, content, style):
    """Builds the tab.

    Args:
        page: The `gradio.Blocks` that it is on.
        content: The component of the content's path.
        style: The component of the style's path.
    """
    _Optimizing().build(page, content, style)


class _Optimizing:
    def __init__(self):
        self._studio = Studio()

    def build(self, page, content, style):
        with gradio.Row():
            with gradio.Column(scale=4):
                steps = gradio.Slider(20, 500, value=150, step=10, label="Steps", elem_id="steps")
                size = gradio.Slider(
                    *(64, 512), value=256, step=32, label="Longer side of the result, pixels", elem_id="optimized-size"
                )
                weight = gradio.Slider(
                    *(0.0, 0.5),
                    value=0.05,
                    step=0.01,
                    label="Weight of what is shown, beside 1 of how it is painted",
                    elem_id="content-weight",
                )
                with gradio.Row():
                    start = gradio.Button("Start", variant="primary", elem_id="start")
                    stop = gradio.Button("Stop", interactive=False, elem_id="stop")
                state = gradio.HTML(elem_id="optimizing")
            with gradio.Column(scale=6):
                picture = gradio.Image(
                    label="As it develops",
                    format="png",
                    interactive=False,
                    height=400,
                    buttons=["download", "fullscreen"],
                    elem_id="optimized",
                )
        shown, timer = gradio.State(None), gradio.Timer(1, active=False)
        seen = {
            "outputs": [shown, state, picture, start, stop, timer],
            "show_progress": "hidden",
            "api_name": False,
        }
        start.click(self._start, [content, style, steps, size, weight], None, api_name="optimize").then(
            self._open, None, **seen
        )
        stop.click(self._studio.stop, None, None, api_name="stop").then(self._open, None, **seen)
        timer.tick(self._watch, shown, **seen)
        page.load(self._open, None, **seen)

    def _start(self, content, style, steps, size, weight):
        if content is None or style is None:
            raise mistake("Two pictures are needed, one to be painted and one of the style.")
        with mistakes():
            options = {"steps": int(steps), "size": int(size), "content_weight": weight}
            self._studio.start(read_picture(content), read_picture(style), **options)

    def _open(self):
        return self._watch(None)

    def _watch(self, shown):
        """Shows what is new since `shown`."""
        look = self._studio.look()
        now = (look.state, look.progress.step)
        if now == shown:
            return [gradio.skip()] * 6
        running = look.state == "painting"
        return [
            now,
            _describe(look),
            _open(look.picture),
            gradio.update(interactive=not running),
            gradio.update(interactive=running),
            gradio.update(active=running),
        ]


def _open(path):
    """Returns the picture itself: browsers would show what they have once seen under a path."""
    if path is None:
        return None
    with Image.open(path) as picture:
        return picture.copy()


def _describe(look):
    """Returns words, and a bar while it is painted, as HTML."""
    progress = look.progress
    if look.state == "painting":
        words = f"Step {progress.step} of {progress.steps}" if progress.steps else "Opening the network ..."
        words += f", loss {progress.loss:.3f}" if progress.loss is not None else ""
        share = f"{progress.step / progress.steps:.0%}" if progress.steps else "0%"
        return _BAR.format(words=html.escape(words), share=share)
    words = {
        "": "",
        "done": f"Done: {progress.steps} steps, loss {progress.loss or 0:.3f}, features of {progress.features}.",
        "stopped": f"Stopped after {progress.step} steps.",
        "failed": f"It has failed: {look.text}",
    }[look.state]
    return f"<p>{html.escape(words)}</p>"
