"""What discount, exploration and learning rate do: Q-learning on Taxi-v4, one of them changed at a time.

A plot each, `curves.png` in the row's folder: the mean return of validation episodes, of three seeds, as the agent
learns.
"""

import dataclasses

import numpy as np
from matplotlib.figure import Figure

from apps.agents.configs import CONFIGS
from apps.agents.learning import learner_of
from apps.results import markdown
from dlkeras.files import write_atomically
from dlkeras.training.reinforce import learn

STEPS, EVERY, EPISODES, SEEDS = 100_000, 10_000, 20, (0, 1, 2)
_BASE = dataclasses.replace(CONFIGS["taxi"], exploration_steps=50_000)
_CHANGES = {
    "discount": [{"discount": value} for value in (0.5, 0.8, 0.9, 0.99, 1.0)],
    "exploration": [
        {"epsilon": 1.0, "final_epsilon": 0.05},
        *({"epsilon": value, "final_epsilon": value} for value in (0.0, 0.05, 0.3, 1.0)),
    ],
    "learning_rate": [{"learning_rate": value, "final_learning_rate": value} for value in (0.02, 0.1, 0.5, 1.0)],
}
ROWS = tuple(_CHANGES)


def run(row, directory):
    """Makes one row and its plot: every value, three seeds each."""
    curves = {}
    for change in _CHANGES[row]:
        name = " to ".join(f"{value:g}" for value in dict.fromkeys(change.values()))
        folder = directory / name.replace(" ", "_")
        curves[name] = [_learn(dataclasses.replace(_BASE, seed=seed, **change), folder / str(seed)) for seed in SEEDS]
    write_atomically(directory / "curves.png", lambda path: _plot(row, curves, path))
    last = {name: float(np.mean(some, axis=0)[-1]) for name, some in curves.items()}
    return {"returns": last, "steps": STEPS, "seeds": list(SEEDS)}


def table(results):
    """Returns the table of the rows that are there: the mean return at the end by each value."""
    lines = [["setting", "value", "return at the end"], ["---"] * 3]
    for row, result in results.items():
        lines += [[row, name, f"{value:.1f}"] for name, value in result["returns"].items()]
    return markdown(lines)


def _learn(config, folder):
    """Returns the returns of the validation episodes, one a round."""
    learner = learner_of(config)
    try:
        state = learn(learner, folder, steps=STEPS, every=EVERY, episodes=EPISODES)
    finally:
        learner.close()
    return [row["return"] for row in state["history"]]


def _plot(row, curves, path):
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, some in curves.items():
        steps = EVERY * np.arange(1, len(some[0]) + 1)
        axes.plot(steps, np.mean(some, axis=0), marker=".", label=name)
        axes.fill_between(steps, np.min(some, axis=0), np.max(some, axis=0), alpha=0.15)
    # Far below it all that has not learned is alike.
    axes.set(ylim=(-400, 30), xlabel="steps of play", ylabel="return", title=row.replace("_", " "))
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=100, format="png")
