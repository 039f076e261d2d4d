"""What a test looks like: the return of each episode, and a random agent's beside it."""

import csv
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from dlkeras.files import write_atomically


def write_report(directory, seed, returns, lengths, random_returns):
    """Writes `episodes.csv` and `returns.png`.

    Args:
        directory: Where they go; made if it is not there.
        seed: Of the first episode; each further one has the next.
        returns: Of the agent's episodes, `(episodes,)`.
        lengths: Their steps, `(episodes,)`.
        random_returns: Of a random agent's episodes with the same seeds, `(episodes,)`.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    rows = zip(range(seed, seed + len(returns)), returns, lengths, random_returns, strict=True)
    write_atomically(directory / "episodes.csv", lambda path: _write(path, rows))
    write_atomically(directory / "returns.png", lambda path: _plot(path, returns, random_returns))


def _write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["seed", "return", "steps", "random return"])
        writer.writerows(rows)


def _plot(path, returns, random_returns):
    """Draws the returns of either, from the worst to the best."""
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for label, values in (("agent", returns), ("random agent", random_returns)):
        axes.plot(np.sort(values), label=label)
    axes.set(xlabel="episodes, by return", ylabel="return")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120, format="png")
