"""Video files to frames and back. PyAV is imported when a video is first seen, so that the page starts without it."""

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from apps.predict import PredictError

_ACCEPTED = "MP4, WebM, MOV, MKV or AVI"
_USUAL_RATE = Fraction(30)
_LONGEST = 960
_PIXEL_FORMAT = "yuv420p"


class VideoError(PredictError):
    """A file that is no video. Its text is for the person who gave it."""


class Clip(NamedTuple):
    """An open video.

    Attributes:
        frames: Iterator of every n-th frame, `PIL.Image` in RGB with a longer side of at most 960 pixels, upright.
        count: How many these are, 0 where the file does not tell.
        rate: How many of them go by in a second, `Fraction`.
    """

    frames: object
    count: int
    rate: Fraction


@contextlib.contextmanager
def open_clip(path, every=1):
    """Opens a video to be read frame by frame.

    Args:
        path: The file.
        every: Take the first of so many frames.

    Yields:
        A `Clip`.

    Raises:
        VideoError: The file is no video, or breaks off in a way that cannot be read over.
    """
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise VideoError(_refusal(path, "a file without pictures"))
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            rate = stream.average_rate or _USUAL_RATE
            length = container.duration / av.time_base if container.duration else 0  # seconds
            count = stream.frames or round(length * rate)
            yield Clip(_every(container.decode(stream), every), -(-count // every), Fraction(rate) / every)
    except av.FFmpegError as error:
        raise VideoError(_refusal(path, error.strerror or "bytes that cannot be read as one")) from error


def _refusal(path, received):
    return f"The file must be a video: {_ACCEPTED}. Received: {Path(path).name}, {received}."


def _every(frames, every):
    for number, frame in enumerate(frames):
        if number % every == 0:
            picture = frame.to_image()
            picture.thumbnail((_LONGEST, _LONGEST))
            # Telephones store what they film lying down, and beside it how it is to be turned.
            yield picture.rotate(frame.rotation, expand=True) if frame.rotation else picture


def write_video(path, pictures, rate):
    """Writes pictures as an MP4 that browsers play.

    Args:
        path: The file, which is overwritten.
        pictures: Iterable of `PIL.Image` in RGB, all of the first one's size.
        rate: Pictures a second.

    Returns:
        How many were written.
    """
    import av

    count = 0
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1000))
        stream.options = {"preset": "veryfast", "crf": "23"}
        stream.pix_fmt = _PIXEL_FORMAT
        for count, picture in enumerate(pictures, start=1):
            if count == 1:
                # The colours of two by two pixels are stored as one.
                stream.width, stream.height = (max(2, side // 2 * 2) for side in picture.size)
            frame = av.VideoFrame.from_image(picture.crop((0, 0, stream.width, stream.height)))
            container.mux(stream.encode(frame))
        if count:
            container.mux(stream.encode(None))
    return count
