"""The part of the page where pictures move: a video file frame by frame, and a camera as it films."""

import io
import itertools
import tempfile
import time
from pathlib import Path

import gradio

from apps.components import mistake, mistakes
from apps.object_detection.asking import ask
from apps.object_detection.drawing import draw
from apps.object_detection.video import open_clip, write_video

MOST_FRAMES = 100
_STREAM_SECONDS = 60
_PROGRESS = gradio.Progress()


def build_moving(predict, preset, score, overlap, colours_of):
    """Builds the tab.

    Args:
        predict: As pages are handed it.
        preset: The component with the preset's name.
        score: The slider of the score threshold.
        overlap: The slider of the overlap threshold.
        colours_of: Function of a preset: `{class name: (red, green, blue)}`.
    """

    def look_through(path, every, preset, score, overlap, progress=_PROGRESS):
        yield from _look_through(predict, path, every, (preset, score, overlap), colours_of(preset), progress)

    def look_at(frame, preset, score, overlap):
        if frame is None:
            return None
        with mistakes():
            return _boxed(predict, frame.convert("RGB"), (preset, score, overlap), colours_of(preset))

    settings = [preset, score, overlap]
    with gradio.Row():
        with gradio.Column():
            video = gradio.Video(label="Video", sources=["upload", "webcam"], height=300, elem_id="video")
            every = gradio.Slider(
                *(1, 30),
                value=3,
                step=1,
                label="Look at every n-th frame",
                info=f"At most {MOST_FRAMES} frames are looked at.",
                elem_id="every",
            )
            look = gradio.Button("Look through the video", variant="primary", elem_id="look")
        with gradio.Column():
            result = gradio.Video(label="Found", interactive=False, height=300, elem_id="video-found")
            spent = gradio.Markdown(elem_id="video-spent")
    look.click(look_through, [video, every, *settings], [result, spent], api_name="detect_video")
    gradio.Markdown(
        f"Or live, for {_STREAM_SECONDS} seconds at a time. Browsers open the camera only for pages on this machine or "
        "behind https."
    )
    with gradio.Row():
        camera = gradio.Image(
            label="Camera", sources=["webcam"], streaming=True, type="pil", format="jpeg", height=300, elem_id="camera"
        )
        seen = gradio.Image(
            label="Found",
            format="jpeg",
            interactive=False,
            height=300,
            buttons=["download", "fullscreen"],
            elem_id="camera-found",
        )
    # A frame that arrives while another is looked at takes the place of the one that waits.
    camera.stream(
        look_at,
        [camera, *settings],
        seen,
        stream_every=0.2,
        time_limit=_STREAM_SECONDS,
        concurrency_limit=1,
        show_progress="hidden",
        api_name=False,
    )


def _boxed(predict, picture, settings, colour_of):
    """Returns an RGB picture with what was found drawn into it."""
    preset, score, overlap = settings
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    found = ask(predict, preset, buffer.getvalue(), overlap, score)
    return draw(picture, picture.size, found, colour_of)


def _look_through(predict, path, every, settings, colour_of, progress):
    """Yields the video with boxes and a sentence about it; the file is there until the next step of the generator."""
    if path is None:
        raise mistake("There is no video yet: upload or record one first.")
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, mistakes():
        target = Path(folder) / f"{Path(path).stem}-found.mp4"
        with open_clip(path, every) as clip:
            total = min(clip.count or MOST_FRAMES, MOST_FRAMES)

            def boxed():
                for number, frame in enumerate(itertools.islice(clip.frames, MOST_FRAMES)):
                    progress((number, total), unit="frames")
                    yield _boxed(predict, frame, settings, colour_of)

            count = write_video(target, boxed(), clip.rate)
            more = next(clip.frames, None) is not None
        yield str(target), _sentence(count, time.perf_counter() - begin, more)


def _sentence(count, seconds, more):
    rest = " The video goes on: take fewer of its frames to see more of it." if more else ""
    return f"{count} frames looked at in {seconds:.1f} s, {count / seconds:.0f} a second.{rest}"
