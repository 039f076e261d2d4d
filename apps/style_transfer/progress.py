"""How far a painting is, in a file of its folder. Imports neither Keras nor TensorFlow."""

import json
from pathlib import Path
from typing import NamedTuple

from dlkeras.files import write_atomically

PICTURE_FILE = "picture.png"
_PROGRESS_FILE = "progress.json"


class Progress(NamedTuple):
    """How far a painting is.

    Attributes:
        step: Steps that were taken.
        steps: Steps that there will be; 0 where it has not begun.
        loss: Of the picture; None where there is none yet.
        features: The network by whose maps it is painted.
    """

    step: int = 0
    steps: int = 0
    loss: float | None = None
    features: str = ""


def write_progress(folder, step, steps, loss, features):
    """Writes the `Progress` of the picture that is in a folder."""
    text = json.dumps(Progress(step, steps, loss, features)._asdict())
    write_atomically(Path(folder, _PROGRESS_FILE), lambda path: path.write_text(text))


def read_progress(folder):
    """Returns the `Progress` of the painting in a folder, which need not be there yet."""
    path = Path(folder, _PROGRESS_FILE)
    return Progress(**json.loads(path.read_text())) if path.exists() else Progress()
