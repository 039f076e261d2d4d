"""Asks what a text says, and which of its words made the model say so."""

from typing import NamedTuple

MAX_CHARACTERS = 100_000
"""The longest text that the page takes."""


class Answered(NamedTuple):
    """What was answered.

    Attributes:
        scores: `{label: probability}`.
        parts: The text in parts, `(text, weight)`: the weight is a number in [-1, 1] for a word that moved the answer,
            above 0 towards it and below 0 away from it, and `None` for what stands between words.
    """

    scores: dict
    parts: list


def ask(predict, preset, text):
    """Asks about one text.

    Args:
        predict: As pages are handed it.
        preset: The preset to ask.
        text: `str`.

    Returns:
        `Answered`.

    Raises:
        PredictError: There was no answer.
    """
    answer = predict({"text": [text]}, endpoint="explain", preset=preset)
    labels = [label.decode() for label in answer["classes"][0]]
    scores = dict(zip(labels, map(float, answer["probabilities"][0]), strict=True))
    spans = zip(*(answer[name][0].tolist() for name in ("starts", "ends", "weights")), strict=True)
    return Answered(scores, _parts(text, spans))


def _parts(text, spans):
    """Cuts a text at its words; behind the last of them the spans are empty."""
    spans = [span for span in spans if span[1] > span[0]]
    largest = max((abs(weight) for *_, weight in spans), default=0) or 1
    parts, place = [], 0
    for start, end, weight in spans:
        if start > place:
            parts.append((text[place:start], None))
        parts.append((text[start:end], weight / largest))
        place = end
    return [*parts, (text[place:], None)] if place < len(text) else parts
