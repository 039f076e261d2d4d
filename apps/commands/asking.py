"""`dlkeras predict`: one question on the command line."""

import errno
import json
from pathlib import Path

import numpy as np

from apps.predict import LocalPredict, ServerPredict

_MOST_NUMBERS = 1000  # of an array that is printed
_MOST_SHOWN = 200  # characters of what is refused
_STATE = "state"  # an output for programs, which hand it back


def predict(app_name, texts, *, preset=None, run=None, server=None, endpoint="serving_default", save=None):
    """Asks a model and prints its answer as JSON.

    Args:
        app_name: The app.
        texts: What was typed: a file, whose bytes are sent, or a text, which is sent itself; for an endpoint of several
            inputs `name=value` for each. Numbers and lists are written as JSON has them.
        preset: Which preset to ask; by default the first.
        run: A run's folder to ask instead.
        server: Address of a server to ask instead of a model in this process.
        endpoint: Which endpoint to ask.
        save: Folder for outputs that are files, whose names end in `_bytes`, and large arrays, as `.npy`; made if it
            is not there.
    """
    asked = ServerPredict(app_name, server) if server else LocalPredict(app_name, run)
    answer = asked(_inputs(asked.takes_text(endpoint, preset), texts), endpoint=endpoint, preset=preset)
    shown = {name: _shown(name, value[0], save) for name, value in answer.items()}  # one question, one answer
    print(json.dumps(shown, ensure_ascii=False, indent=2))


def _inputs(takes_text, texts):
    names = list(takes_text)
    pairs = [text.split("=", 1) for text in texts] if len(names) > 1 else [(names[0], text) for text in texts]
    if sorted(name for name, *_ in pairs) != sorted(names):
        raise ValueError(f"`INPUT` must be {' '.join(f'{name}=...' for name in names)}. Received: {' '.join(texts)}")
    return {name: [_text(name, text) if takes_text[name] else _values(name, text)] for name, text in pairs}


def _text(name, text):
    path = Path(text)
    try:
        is_file = path.is_file()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        is_file = False  # a text, and a long one
    if is_file:
        return path.read_bytes()
    if name.endswith("_bytes"):
        raise ValueError(f"`{name}` must be a file. There is none at: {text[:_MOST_SHOWN]}")
    return text


def _values(name, text):
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise ValueError(f"`{name}` must be a number, or a list as in JSON. Received: {text}") from None


def _shown(name, value, folder):
    """Returns what is printed of an output; files and large arrays are written to a folder, or their sizes told."""
    if name.endswith("_bytes"):
        stem, _, kind = name.removesuffix("_bytes").rpartition("_")  # `overlay_png_bytes` is overlay.png
        file_name = f"{stem}.{kind}" if stem else kind
        return _written(file_name, f"{len(value)} bytes", folder, lambda file: file.write(value))
    if isinstance(value, bytes):
        return value.decode()
    if value.size > _MOST_NUMBERS or name == _STATE:
        what = f"{value.dtype} of shape {value.shape}"
        return _written(f"{name}.npy", what, folder, lambda file: np.save(file, value))
    return _plain(value)


def _written(name, what, folder, write):
    if not folder:
        return f"{what}, which --save DIR writes to a file"
    path = Path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write(file)
    return str(path)


def _plain(value):
    if value.dtype == object:
        value = np.vectorize(lambda item: item.decode() if isinstance(item, bytes) else item)(value)
    return value.tolist()
