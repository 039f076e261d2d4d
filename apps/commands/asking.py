"""`dlkeras predict`: one question on the command line."""

import json
from pathlib import Path

import numpy as np

from apps.predict import LocalPredict, ServerPredict


def predict(app_name, texts, *, preset=None, run=None, server=None, endpoint="serving_default"):
    """Asks a model and prints its answer as JSON.

    Args:
        app_name: The app.
        texts: What was typed: a file, whose bytes are sent, or a text, which is sent itself; for an endpoint of several
            inputs `name=value` for each. Numbers are written as JSON has them.
        preset: Which preset to ask; by default the first.
        run: A run's folder to ask instead.
        server: Address of a server to ask instead of a model in this process.
        endpoint: Which endpoint to ask.
    """
    asked = ServerPredict(app_name, server) if server else LocalPredict(app_name, run)
    answer = asked(_inputs(asked.takes_text(endpoint, preset), texts), endpoint=endpoint, preset=preset)
    print(json.dumps({name: _plain(value) for name, value in answer.items()}, ensure_ascii=False, indent=2))


def _inputs(takes_text, texts):
    names = list(takes_text)
    pairs = [text.split("=", 1) for text in texts] if len(names) > 1 else [(names[0], text) for text in texts]
    if sorted(name for name, *_ in pairs) != sorted(names):
        raise ValueError(f"`INPUT` must be {' '.join(f'{name}=...' for name in names)}. Received: {' '.join(texts)}")
    return {name: [_text(text) if takes_text[name] else _numbers(name, text)] for name, text in pairs}


def _text(text):
    path = Path(text)
    return path.read_bytes() if path.is_file() else text


def _numbers(name, text):
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise ValueError(f"`{name}` must be a number, or a list of them as in JSON. Received: {text}") from None


def _plain(value):
    value = value[0]  # one question, one answer
    if value.dtype == object:
        value = np.vectorize(lambda item: item.decode() if isinstance(item, bytes) else item)(value)
    return value.tolist()
