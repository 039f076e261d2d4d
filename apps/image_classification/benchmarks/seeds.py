"""A table of ways that are tried with several seeds each."""

import statistics

import keras

from apps.results import markdown
from apps.trained import save_settings


def train_and_test(app, config, splits, directory, fit=None):
    """Trains a model, or goes on with it, and looks at the test split once.

    Args:
        app: The app.
        config: Its `Config`.
        splits: The data.
        directory: The row's folder; the run is in `run` there.
        fit: What to fit by, with the arguments of `App.fit`; by default that.

    Returns:
        A row's result: `accuracy` (test), `parameters`, `seconds` and `cpu_seconds`.
    """
    save_settings(directory / "run", config, splits.info)
    keras.utils.set_random_seed(config.seed)
    model = app.build(config, splits.info)
    state = (fit or app.fit)(model, splits, config, directory / "run")
    return {
        "accuracy": app.evaluate(model, splits)["accuracy"],
        "parameters": model.count_params(),
        "seconds": state["seconds"],
        "cpu_seconds": state["cpu_seconds"],
    }


def table_of_seeds(title, ways, seeds, results):
    """Returns a Markdown table: a line a way, a column a seed, then their mean and what a run costs.

    Args:
        title: Head of the first column.
        ways: `{way: its words}`.
        seeds: The seeds.
        results: `{"<way>-<seed>": {"accuracy", "cpu_seconds", ...}}`, as far as they are there.
    """
    head = [title, *(f"seed {seed}" for seed in seeds), "mean test accuracy", "parameters", "CPU minutes a run"]
    lines = [head, ["---"] * len(head)]
    for way, words in ways.items():
        found = [results.get(f"{way}-{seed}") for seed in seeds]
        there = [result for result in found if result]
        if there:
            cells = [f"{result['accuracy']:.4f}" if result else "" for result in found]
            mean = statistics.mean(result["accuracy"] for result in there)
            minutes = statistics.mean(result["cpu_seconds"] for result in there) / 60
            lines.append([words, *cells, f"{mean:.4f}", f"{there[0]['parameters']:,}", f"{minutes:.1f}"])
    return markdown(lines)
