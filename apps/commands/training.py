"""`dlkeras train` and `dlkeras evaluate`."""

import dataclasses
import os
import platform
import shutil
from pathlib import Path

import keras

from apps import registry
from apps.base import replace
from apps.presets import METRICS_FILE, is_preset, model_folder
from apps.results import write_table
from apps.trained import open_trained, save_settings, write_json
from dlkeras.training import strategy_scope
from dlkeras.training.checkpoint import read_state


def train(app_name, *, config=None, settings=None, run=None, strategy="auto", fresh=False):
    """Trains an app's model, or goes on with a run that was broken off; returns the run's folder."""
    app, chosen, directory = _choose(app_name, config, settings, run)
    if fresh and directory.exists():
        shutil.rmtree(directory)
    splits = app.load(chosen)
    save_settings(directory, chosen, splits.info)
    keras.utils.set_random_seed(chosen.seed)
    with strategy_scope(strategy):
        model = app.build(chosen, splits.info)
        state = app.fit(model, splits, chosen, directory)
    print(
        f"Best {state['monitor']} {state['best']:.4f} in epoch {state['best_epoch']} of {state['epochs']}, "
        f"{state['seconds']:.0f} s, {state['cpu_seconds'] / 60:.1f} CPU minutes. In {directory}"
    )
    return directory


def find_rate(app_name, *, config=None, settings=None, run=None, strategy="auto"):
    """Tries learning rates on the first batches of a run that is not begun; draws their losses into its folder."""
    from dlkeras.training.learning_rate_finder import find_learning_rate

    app, chosen, directory = _choose(app_name, config, settings, run)
    splits = app.load(chosen)
    keras.utils.set_random_seed(chosen.seed)
    with strategy_scope(strategy):
        model = app.build(chosen, splits.info)
        app.prepare(model, chosen)
        app.compile(model, chosen, steps=1)
        found = find_learning_rate(model, splits.train, batch_size=chosen.batch_size, seed=chosen.seed)
    directory.mkdir(parents=True, exist_ok=True)
    found.plot(directory / "learning_rate.png")
    print(f"The loss falls fastest at a learning rate of {found.suggestion:.2g}. {directory / 'learning_rate.png'}")
    return found


def _choose(app_name, config, settings, run):
    """Returns the app, the config with its overrides, and the run's folder."""
    app = registry.create(app_name)
    config = config or app.config_name(settings or {})
    if config not in app.configs:
        raise ValueError(f"`--config` must be one of {', '.join(app.configs)}. Received: {config}")
    return app, replace(app.configs[config], settings or {}), Path(run or Path("runs", app_name, config))


def evaluate(app_name, *, preset=None, run=None, data=None, report=None, record=False):
    """Measures a model on its test split, writes the report, and returns the figures."""
    app = registry.create(app_name)
    trained = open_trained(app, model_folder(app_name, preset, run))
    if data:
        splits = app.load_other(data, trained.config, trained.info)
    else:
        splits = app.load(trained.config, trained.info)
    split = "test" if len(splits.test.y) else "validation"
    if split == "validation":
        print("The data has no part to test on. These are figures of the validation part, which chose the best epoch.")
        splits = dataclasses.replace(splits, test=splits.validation)
    report = Path(report or Path("runs", app_name, trained.directory.name, "report"))
    figures = app.evaluate(trained.model, splits, report)
    for name, value in figures.items():
        print(f"{name:28} {value:.4f}")
    print(f"Tables and pictures are in {report}")
    if record:
        _record(app, trained, figures, splits.info["data"], split)
    return figures


def _record(app, trained, figures, data, split):
    """Writes `metrics.json`, and for a preset the results table of the app's README."""
    state = read_state(trained.directory)
    metrics = {
        **{name: round(value, 4) for name, value in figures.items()},
        "parameters": trained.model.count_params(),
        "epochs": state["epochs"],
        "seconds": round(state["seconds"]),
        "cpu_seconds": round(state["cpu_seconds"]),
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}",
        "seed": trained.config.seed,
        "data": data,
        "split": split,
        "published": app.published.get(trained.directory.name, ""),
    }
    write_json(trained.directory / METRICS_FILE, metrics)
    if is_preset(app.name, trained.directory):
        write_table(app.name)
