"""Asks a detector about pictures, and keeps what it said so that it can be shown again at another score."""

import io
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from apps.object_detection.drawing import draw, preview
from apps.picture_files import PictureError, read_picture
from apps.predict import PredictError

LOWEST_SCORE = 0.05
"""What pictures are asked with. Suppression goes from the best box down, so the answer at a higher score is a part."""


class Found(NamedTuple):
    """One thing: its name, its score, and its box (left, top, right, bottom) in pixels of the picture as stored."""

    name: str
    score: float
    box: tuple


class Answered(NamedTuple):
    """A picture and all that was found in it.

    Attributes:
        name: The file's name.
        size: Its width and height in pixels.
        preview: A small copy to draw into, JPEG bytes.
        found: List of `Found` by falling score.
    """

    name: str
    size: tuple
    preview: bytes
    found: list


def ask(predict, preset, data, iou_threshold, score_threshold=LOWEST_SCORE):
    """Asks about one picture.

    Args:
        predict: As pages are handed it.
        preset: The preset to ask.
        data: Bytes of a JPEG or PNG.
        iou_threshold: Overlap above which two boxes of a class show the same thing, in [0, 1].
        score_threshold: Score that a box must exceed, in [0, 1].

    Returns:
        List of `Found` by falling score.

    Raises:
        PredictError: There was no answer.
    """
    inputs = {"image_bytes": [data], "score_threshold": [score_threshold], "iou_threshold": [iou_threshold]}
    answer = predict(inputs, endpoint="thresholds", preset=preset)
    rows = zip(answer["labels"][0], answer["scores"][0], answer["boxes"][0], strict=True)
    return [
        Found(label.decode(), float(score), tuple(map(float, box)))
        for (label, score, box), _ in zip(rows, range(int(answer["count"][0])), strict=False)
    ]


def ask_files(predict, preset, paths, iou_threshold):
    """Asks about each of several files.

    Returns:
        A list of `Answered`, and one of sentences about the files that could not be.

    Raises:
        PredictError: It is not the pictures' fault: none was answered, or two were refused with the same words.
    """
    answered, refused, unanswered = [], [], []
    for path in map(Path, paths):
        try:
            data = read_picture(path)
            answered.append(_answered(path.name, data, ask(predict, preset, data, iou_threshold)))
        except PictureError as error:
            refused.append(str(error))
        except PredictError as error:
            # A server that is not there need not be waited for again and again.
            if str(error) in unanswered:
                raise
            unanswered.append(str(error))
            refused.append(f"{path.name}: {error}")
            failure = error
    if unanswered and not answered:
        raise failure
    return answered, refused


def _answered(name, data, found):
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        size = picture.size
        preview(picture).save(buffer, "JPEG", quality=90)
    return Answered(name, size, buffer.getvalue(), found)


def above(found, score):
    """Returns those of a list of `Found` whose score exceeds a threshold."""
    return [thing for thing in found if thing.score > score]


def drawn(answered, score, colour_of):
    """Returns an `Answered` as a `PIL.Image` with the boxes above a score."""
    with Image.open(io.BytesIO(answered.preview)) as picture:
        return draw(picture.convert("RGB"), answered.size, above(answered.found, score), colour_of)


def rows(answered, score):
    """Returns the rows of a table: picture, name, score, left, top, right, bottom."""
    return [
        [picture.name, thing.name, round(thing.score, 3), *(round(edge) for edge in thing.box)]
        for picture in answered
        for thing in above(picture.found, score)
    ]
