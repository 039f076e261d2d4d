"""Asks whether a hypothesis follows, and how the model has aligned the words of both texts."""

from typing import NamedTuple

import numpy as np

from apps.presets import preset_info

MAX_CHARACTERS = 20_000
"""The longest text that the page takes."""
_ALIGNING = ("words",)  # kinds of readers, by `info`


class Alignment(NamedTuple):
    """How words were aligned.

    Attributes:
        premise: The premise's words.
        hypothesis: The hypothesis' words.
        to_premise: Array `(premise, hypothesis)`: how much each word of the hypothesis looked at each of the premise's;
            columns sum to 1.
        to_hypothesis: The other way round; rows sum to 1.
    """

    premise: list
    hypothesis: list
    to_premise: np.ndarray
    to_hypothesis: np.ndarray


class Answered(NamedTuple):
    """What was answered.

    Attributes:
        scores: `{label: probability}`.
        alignment: An `Alignment`, or `None` where the model has none.
    """

    scores: dict
    alignment: Alignment | None


def endpoint_of(app_name, preset):
    """Returns the endpoint of a preset that says most: `align` where there is one."""
    return "align" if preset_info(app_name, preset)["reader"]["kind"] in _ALIGNING else "serving_default"


def ask(predict, preset, endpoint, premise, hypothesis):
    """Asks about one pair.

    Args:
        predict: As pages are handed it.
        preset: The preset to ask.
        endpoint: `align` or `serving_default`.
        premise: `str`.
        hypothesis: `str`.

    Returns:
        `Answered`.

    Raises:
        PredictError: There was no answer.
    """
    answer = predict({"premise": [premise], "hypothesis": [hypothesis]}, endpoint=endpoint, preset=preset)
    labels = [label.decode() for label in answer["classes"][0]]
    scores = dict(zip(labels, map(float, answer["probabilities"][0]), strict=True))
    return Answered(scores, _alignment(answer) if "premise_words" in answer else None)


def _alignment(answer):
    premise, hypothesis = (
        [word.decode() for word in answer[name][0]] for name in ("premise_words", "hypothesis_words")
    )
    weights = answer["hypothesis_to_premise"][0].T, answer["premise_to_hypothesis"][0]
    return Alignment(premise, hypothesis, *weights)
