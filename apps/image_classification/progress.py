"""How far a fine-tuning run is, read from its folder. Imports neither Keras nor TensorFlow."""

import json
from pathlib import Path
from typing import NamedTuple

from apps.presets import CONFIG_FILE

HEAD_FOLDER = "head"
_STATE_FILE = "state.json"


class Progress(NamedTuple):
    """How far a run is.

    Attributes:
        done: Epochs that have ended, of both phases.
        total: Epochs that there will be; 0 where the run has not begun.
        history: One dict an epoch: `epoch` counted over both phases, `phase` ("head" or "last layers") and metrics.
    """

    done: int
    total: int
    history: list


def progress(run):
    """Reads how far a run is.

    Args:
        run: The run's folder, which need not be there yet.

    Returns:
        `Progress`.
    """
    settings = _read(Path(run, CONFIG_FILE))
    if not settings:
        return Progress(0, 0, [])
    phases = {"head": Path(run, HEAD_FOLDER), "last layers": Path(run)}
    rows = [
        {**row, "phase": phase}
        for phase, folder in phases.items()
        for row in _read(folder / _STATE_FILE).get("history", [])
    ]
    history = [{**row, "epoch": epoch} for epoch, row in enumerate(rows, start=1)]
    config = settings["config"]
    return Progress(len(history), config["head_epochs"] + config["epochs"], history)


def _read(path):
    return json.loads(path.read_text()) if path.exists() else {}
