"""What a run leaves on disk after every epoch, so that `kill -9` costs one epoch at most."""

import contextlib
import json
import math
import time
from pathlib import Path

import keras

from dlkeras.files import write_atomically

STATE_FILE = "state.json"
WEIGHTS_FILE = "model.weights.h5"
HISTORY_FILE = "history.csv"

# What a name contains that is better when it is lower.
_MINIMISED = ("loss", "error", "mse", "mae", "perplexity")


@contextlib.contextmanager
def without_optimizer(model):
    """Takes a model's optimizer away for a while, so that weights are saved or loaded without its variables."""
    optimizer, model.optimizer = model.optimizer, None
    try:
        yield
    finally:
        model.optimizer = optimizer


def read_state(directory):
    """Returns the state of the run in a folder, or `None` where no epoch has ended."""
    path = Path(directory, STATE_FILE)
    return json.loads(path.read_text()) if path.exists() else None


class Checkpoint(keras.callbacks.Callback):
    """Keeps the last and the best weights, the history, and stops a run that has ceased to improve.

    The state names the weights file that it belongs to, and is renamed into place after it: whenever the process ends,
    the two belong together. The other files follow from these two, and `restore` writes them anew.

    Args:
        directory: The run's folder.
        monitor: The metric to judge by, such as `"val_accuracy"`; losses and errors are minimised.
        patience: Epochs without improvement after which training stops; 0 for never.
        state: What `read_state` gave, where the run goes on.
    """

    def __init__(self, directory, monitor, patience=0, state=None):
        super().__init__()
        self._directory = Path(directory)
        self._monitor = monitor
        self._patience = patience
        self._sign = -1 if any(word in monitor for word in _MINIMISED) else 1
        self.state = state or {"epochs": 0, "best_epoch": 0, "best": None, "seconds": 0.0, "cpu_seconds": 0.0}
        self.state.setdefault("history", [])
        self.state["monitor"] = monitor

    def restore(self, model):
        """Loads the last weights and the optimizer's, and mends what a `kill -9` may have left behind.

        Args:
            model: A compiled model, of the architecture that the state was written with.
        """
        self.set_model(model)
        model.optimizer.build(model.trainable_variables)
        model.load_weights(self._directory / self.state["weights"])
        self._write_what_follows()

    def on_train_begin(self, logs=None):
        self._clocks = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        if self._monitor not in logs:
            raise ValueError(f"`monitor` must be one of {', '.join(logs)}. Received: monitor={self._monitor!r}")
        value = float(logs[self._monitor])
        best = self.state["best"]
        # A loss that is no number beats nothing, and anything beats it.
        improved = (
            best is None or value * self._sign > best * self._sign or (math.isnan(best) and not math.isnan(value))
        )
        clocks = time.perf_counter(), time.process_time()
        self.state = {
            "monitor": self._monitor,
            "epochs": epoch + 1,
            "best_epoch": epoch + 1 if improved else self.state["best_epoch"],
            "best": value if improved else best,
            "seconds": self.state["seconds"] + clocks[0] - self._clocks[0],
            "cpu_seconds": self.state["cpu_seconds"] + clocks[1] - self._clocks[1],
            "history": [*self.state["history"], {"epoch": epoch + 1, **{k: float(v) for k, v in logs.items()}}],
        }
        self._clocks = clocks
        self._write()
        if self._patience and epoch + 1 - self.state["best_epoch"] >= self._patience:
            self.model.stop_training = True

    def _write(self):
        last = f"last-{self.state['epochs']}.weights.h5"
        write_atomically(self._directory / last, lambda path: self.model.save_weights(str(path)))
        self.state["weights"] = last
        write_atomically(self._directory / STATE_FILE, lambda path: path.write_text(json.dumps(self.state, indent=1)))
        self._write_what_follows()

    def _write_what_follows(self):
        if self.state["best_epoch"] == self.state["epochs"]:
            with without_optimizer(self.model):
                write_atomically(self._directory / WEIGHTS_FILE, lambda path: self.model.save_weights(str(path)))
        write_atomically(self._directory / HISTORY_FILE, self._write_history)
        # Weights of other epochs, and files (.<process>-<name>) that were being written when a process was killed.
        for old in [*self._directory.glob("last-*.weights.h5"), *self._directory.glob(".[0-9]*-*")]:
            if old.name != self.state["weights"]:
                old.unlink()

    def _write_history(self, path):
        rows = self.state["history"]
        lines = [",".join(rows[0]), *(",".join(f"{value:.6g}" for value in row.values()) for row in rows)]
        path.write_text("\n".join(lines) + "\n")
