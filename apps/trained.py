"""A trained model's folder, a run's or a preset's: `config.json`, `model.weights.h5`, `state.json`, `metrics.json`."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from apps.presets import CONFIG_FILE
from dlkeras.files import write_atomically
from dlkeras.training.checkpoint import WEIGHTS_FILE


@dataclasses.dataclass(frozen=True)
class Trained:
    """A model that has been trained, with what it was trained from."""

    directory: Path
    config: Any
    info: dict
    model: Any


def write_json(path, value):
    """Writes a JSON file, whole or not at all."""
    write_atomically(path, lambda beside: beside.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n"))


def save_settings(directory, config, info):
    """Writes `config.json`: what a model is trained from and what it knows of its data.

    Raises:
        ValueError: The folder holds a run of other settings, which going on would spoil.
    """
    path = Path(directory, CONFIG_FILE)
    settings = json.loads(json.dumps({"config": dataclasses.asdict(config), "info": info}))
    differing = _differences(json.loads(path.read_text()), settings) if path.exists() else []
    if differing:
        raise ValueError(
            f"{path.parent} holds a run of other settings ({'; '.join(differing)}). "
            "Go on with those, name another folder by --run, or give --fresh to begin anew."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, settings)


def _differences(old, new):
    return [
        f"{key}: {old[part].get(key)!r} there, {new[part].get(key)!r} now"
        for part in ("config", "info")
        for key in sorted({*old[part], *new[part]})
        if old[part].get(key) != new[part].get(key)
    ]


def open_trained(app, directory):
    """Rebuilds the model of a folder and loads its weights.

    Raises:
        FileNotFoundError: There is no such folder, or no epoch of its run has ended.
    """
    directory = Path(directory)
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (directory / name).exists():
            raise FileNotFoundError(f"{directory} holds no trained model of {app.name}: it has no {name}.")
    settings = json.loads((directory / CONFIG_FILE).read_text())
    config = app.Config(**settings["config"])
    model = app.build(config, settings["info"])
    model.load_weights(directory / WEIGHTS_FILE)
    return Trained(directory, config, settings["info"], model)
