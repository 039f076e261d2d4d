"""Asks for translations, and for where each piece of one looked."""

from typing import NamedTuple

import numpy as np

from apps.presets import preset_info

MAX_CHARACTERS = 5000
"""The longest text that the page takes."""
ATTENTION = "attention"
"""The endpoint that tells where a translation looked."""
LANGUAGES = {"de": "German", "en": "English", "fr": "French"}


class Translated(NamedTuple):
    """A sentence and its translations.

    Attributes:
        translations: `[(translation, score)]`, the best first.
        tokens: The pieces of the best one.
        source_tokens: The pieces of the sentence.
        attention: Array `(tokens, source_tokens)`, rows that sum to 1; `None` of a model without.
    """

    translations: list
    tokens: list
    source_tokens: list
    attention: np.ndarray | None


def language_of(app_name, preset):
    """Returns the name of the language that a preset translates into."""
    code = preset_info(app_name, preset)["language"]
    return LANGUAGES.get(code, code)


def endpoint_of(app_name, preset):
    """Returns the endpoint of a preset that says most."""
    return ATTENTION if preset_info(app_name, preset)[ATTENTION] else "serving_default"


def ask(predict, preset, endpoint, text):
    """Asks for the translation of one sentence.

    Args:
        predict: As pages are handed it.
        preset: The preset to ask.
        endpoint: `attention` or `serving_default`.
        text: `str`.

    Returns:
        `Translated`.

    Raises:
        PredictError: There was no answer.
    """
    answer = predict({"text": [text]}, endpoint=endpoint, preset=preset)
    texts = [text.decode() for text in answer["translations"][0]]
    # A search may find fewer than it has beams.
    found = [(text, float(score)) for text, score in zip(texts, answer["scores"][0], strict=True) if text]
    attention = answer[ATTENTION][0] if ATTENTION in answer else None
    return Translated(found, _texts(answer, "tokens"), _texts(answer, "source_tokens"), attention)


def _texts(answer, name):
    return [text.decode() for text in answer[name][0]] if name in answer else []
