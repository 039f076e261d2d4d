"""Lets an agent learn, with a look at how well it plays now and then, and with all that is needed to go on later."""

import json
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from dlkeras.checks import check_positive
from dlkeras.files import write_atomically
from dlkeras.training.checkpoint import HISTORY_FILE, STATE_FILE, WEIGHTS_FILE, read_state
from dlkeras.training.reinforce.playing import play

# Far from the seeds that anyone trains with, or reports.
VALIDATION_SEED = 1_000_000


def learn(learner, directory, *, steps, every, episodes=20, stop_at=None, report=None):
    """Lets a learner play, or goes on where an earlier call on the same folder was broken off.

    After every round the folder holds `model.weights.h5` (the best so far by the mean return of validation episodes),
    `state.json`, the learner's whole state beside it, `history.csv` and `curve.png`. A run that was broken off loses
    the steps since the last round; it goes on with new episodes, so not with the very same steps.

    Args:
        learner: A `Learner`.
        directory: The run's folder; made if it is not there.
        steps: Total number of steps of play, those of earlier calls included.
        every: Steps a round.
        episodes: Validation episodes after each round.
        stop_at: Mean return of the validation episodes that is enough; `None` to play all steps.
        report: Function of the newest row of the history, called after every round.

    Returns:
        The run's state: `history` (one dict a round: `epoch`, `steps`, `return`, `deviation`, `seconds`), `best`,
        `best_epoch`, `seconds` and `cpu_seconds`, those of learning and validation. The model has its best weights.

    Raises:
        ValueError: `steps`, `every` or `episodes` is below 1.
    """
    for name, value in (("steps", steps), ("every", every), ("episodes", episodes)):
        check_positive(name, value)
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    state = read_state(directory)
    if state is None:
        state = {"monitor": "return", "epochs": 0, "best_epoch": 0, "best": None, "seconds": 0.0, "cpu_seconds": 0.0}
        state["history"] = []
    else:
        with np.load(directory / state["last"]) as arrays:
            learner.restore(arrays)
    while learner.steps < steps and not _enough(state, stop_at):
        clocks = time.perf_counter(), time.process_time()
        learner.advance(min(learner.steps + every, steps))
        returns, _ = play(learner.act, learner.env, episodes=episodes, seed=VALIDATION_SEED)
        state["seconds"] += time.perf_counter() - clocks[0]
        state["cpu_seconds"] += time.process_time() - clocks[1]
        _note(state, learner.steps, returns)
        _keep(state, learner, directory)
        if report is not None:
            report(state["history"][-1])
    learner.model.load_weights(directory / WEIGHTS_FILE)
    return state


def plot_returns(history, path):
    """Draws the mean return of the validation episodes over the steps of play, as a PNG."""
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    ax = figure.subplots()
    steps, returns, deviations = (np.array([row[name] for row in history]) for name in ("steps", "return", "deviation"))
    ax.fill_between(steps, returns - deviations, returns + deviations, alpha=0.2)
    ax.plot(steps, returns, marker=".")
    ax.set(title="return", xlabel="steps")
    ax.grid(alpha=0.3)
    figure.savefig(path, dpi=120, format="png")


def _enough(state, stop_at):
    return stop_at is not None and bool(state["history"]) and state["history"][-1]["return"] >= stop_at


def _note(state, steps, returns):
    state["epochs"] += 1
    row = {"epoch": state["epochs"], "steps": steps, "return": float(returns.mean())}
    state["history"].append({**row, "deviation": float(returns.std()), "seconds": state["seconds"]})
    # Of equals the later one, which has seen more.
    if state["best"] is None or row["return"] >= state["best"]:
        state["best"], state["best_epoch"] = row["return"], row["epoch"]


def _keep(state, learner, directory):
    if state["best_epoch"] == state["epochs"]:
        write_atomically(directory / WEIGHTS_FILE, lambda path: learner.model.save_weights(str(path)))
    state["last"] = f"last-{state['epochs']}.npz"
    write_atomically(directory / state["last"], lambda path: _save(path, learner.arrays()))
    write_atomically(directory / STATE_FILE, lambda path: path.write_text(json.dumps(state, indent=1)))
    rows = state["history"]
    lines = [",".join(rows[0]), *(",".join(f"{value:.6g}" for value in row.values()) for row in rows)]
    write_atomically(directory / HISTORY_FILE, lambda path: path.write_text("\n".join(lines) + "\n"))
    write_atomically(directory / "curve.png", lambda path: plot_returns(rows, path))
    for old in directory.glob("last-*.npz"):
        if old.name != state["last"]:
            old.unlink()


def _save(path, arrays):
    # Given a file and not a name, `savez` adds no ending of its own.
    with path.open("wb") as file:
        np.savez(file, **arrays)
