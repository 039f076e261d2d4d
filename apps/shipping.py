"""Makes a preset of a run: `python -m apps.shipping APP RUN`, where RUN is named for the config that made it."""

import argparse
import shutil
import sys
from pathlib import Path

from apps.presets import CONFIG_FILE, presets_folder
from apps.registry import APPS
from dlkeras.models.weights import halve
from dlkeras.training.checkpoint import STATE_FILE, WEIGHTS_FILE


def ship(app_name, run, half=False):
    """Copies what a preset is of a run's folder; returns the preset's.

    Args:
        app_name: The app.
        run: The run's folder; the preset has its name.
        half: Whether weights are kept in half precision.
    """
    run = Path(run)
    folder = presets_folder(app_name) / run.resolve().name
    folder.mkdir(parents=True, exist_ok=True)
    for name in (CONFIG_FILE, STATE_FILE, WEIGHTS_FILE):
        shutil.copyfile(run / name, folder / name)
    if half:
        halve(folder / WEIGHTS_FILE)
    return folder


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m apps.shipping", description=__doc__)
    parser.add_argument("app", choices=APPS, metavar="APP", help=f"one of {', '.join(APPS)}")
    parser.add_argument("run", metavar="RUN", help="folder of a run, such as runs/image_classification/default")
    parser.add_argument("--half", action="store_true", help="keep weights in half precision")
    arguments = parser.parse_args()
    try:
        folder = ship(arguments.app, arguments.run, arguments.half)
    except OSError as error:
        sys.exit(f"dlkeras: {error}")
    print(f"In {folder}. Measure it: dlkeras evaluate {arguments.app} --preset {folder.name} --record")


if __name__ == "__main__":
    main()
