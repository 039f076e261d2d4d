"""What ships with the project: presets, and the names they are served by. Imports neither Keras nor TensorFlow."""

import json
from pathlib import Path

CONFIG_FILE = "config.json"
METRICS_FILE = "metrics.json"


def presets_folder(app_name):
    """Returns the folder of an app's presets, a folder each."""
    return Path(__file__).parent / app_name / "preset"


def preset_names(app_name):
    """Returns an app's presets in alphabetical order; the first is the one that is asked by default."""
    return sorted(path.parent.name for path in presets_folder(app_name).glob(f"*/{CONFIG_FILE}"))


def model_folder(app_name, preset=None, run=None):
    """Returns the folder of a trained model: a run's, or a preset's, by default the first.

    Raises:
        ValueError: There is no such preset.
    """
    if run:
        return Path(run)
    names = preset_names(app_name)
    if (preset or (names and names[0])) not in names:
        raise ValueError(f"`--preset` must be one of {', '.join(names) or 'none: none ships'}. Received: {preset}")
    return presets_folder(app_name) / (preset or names[0])


def is_preset(app_name, directory):
    """Tells whether a model's folder is that of a preset."""
    return Path(directory).resolve().parent == presets_folder(app_name).resolve()


def preset_info(app_name, preset):
    """Returns a preset's `info`: what the model knows of its data, such as `class_names`."""
    return json.loads((presets_folder(app_name) / preset / CONFIG_FILE).read_text())["info"]


def served_name(app_name, preset=None):
    """Returns the name a preset is served by: the app's for the first one, `<app>_<preset>` for the others."""
    if preset is None or preset == preset_names(app_name)[0]:
        return app_name
    return f"{app_name}_{preset}"
