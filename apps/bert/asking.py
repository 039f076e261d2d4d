"""Asks what stands in a text's blanks, and whether a sentence follows another one."""

from typing import NamedTuple

from apps.bert.examples import MASK

NEXT = "next_sentence"
"""The endpoint that judges pairs."""
MAX_CHARACTERS = 5_000
"""The longest text that the page takes."""
_PREFIX = "##"  # of a piece that goes on with a word


class Filled(NamedTuple):
    """What was answered.

    Attributes:
        text: The text with the likeliest piece in each blank.
        blanks: For each blank the likeliest pieces, `[(piece, probability), ...]`.
    """

    text: str
    blanks: list


def fill(predict, preset, text):
    """Asks about one text.

    Args:
        predict: As pages are handed it.
        preset: The preset to ask.
        text: `str` with a `[MASK]` or several.

    Returns:
        `Filled`.

    Raises:
        PredictError: There was no answer.
    """
    answer = predict({"text": [text]}, preset=preset)
    rows = zip(answer["tokens"][0], answer["probabilities"][0], strict=True)
    blanks = [[(token.decode(), float(part)) for token, part in zip(*row, strict=True)] for row in rows]
    filled = text
    for (best, _), *_ in blanks:
        filled = _put(filled, best)
    return Filled(filled, blanks)


def _put(text, piece):
    """Puts a piece into the first blank; what goes on with a word is written right behind it."""
    before, _, after = text.partition(MASK)
    if piece.startswith(_PREFIX):
        return before.rstrip() + piece.removeprefix(_PREFIX) + after
    return before + piece + after


def follows(predict, preset, first, second):
    """Returns the probability that a second text follows a first; raises `PredictError` where there was no answer."""
    answer = predict({"first": [first], "second": [second]}, endpoint=NEXT, preset=preset)
    return float(answer["probability"][0])
