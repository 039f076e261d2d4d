"""Trains a model on a person's pictures in a process of its own, and has the server take it over."""

import atexit
import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from typing import NamedTuple

from apps.image_classification.progress import Progress, progress
from apps.image_classification.versions import Versions
from apps.predict import PredictError

APP = "image_classification"
NAME = f"{APP}_mine"
"""The name that a person's model is served by."""

_COMMAND = (sys.executable, "-m", "apps.commands.chain")
_NICENESS = 5
_SECONDS_TO_END = 5
# No server takes a folder for a version that has no number.
_WORK_FOLDER, _LOCK_FILE = ".training", ".training.lock"


class WorkshopError(ValueError):
    """A training that cannot be started, or has failed. Its text is for the person who wanted it."""


class Look(NamedTuple):
    """What there is to see of the last training.

    Attributes:
        number: Which training it is, counted from 1; 0 where there was none.
        step: `""`, `training`, `exporting`, `loading`, `cancelling`, `done`, `failed` or `cancelled`.
        progress: How far its epochs are.
        text: What went wrong where it failed.
        version: The version that came of it, where it is done.
    """

    number: int = 0
    step: str = ""
    progress: Progress = Progress(0, 0, [])
    text: str = ""
    version: int | None = None

    @property
    def running(self):
        """Whether it has not ended."""
        return self.step in ("training", "exporting", "loading", "cancelling")


class Workshop:
    """One training at a time, for one folder of models.

    Args:
        models: Folder of exported models, which the server serves.
        address: The server's address.
        name: The name to serve the model by.
        command: The command line's beginning, to which `train ... , export ...` is added.
    """

    def __init__(self, models, address, name=NAME, command=_COMMAND):
        self.versions = Versions(models, name, address)
        self._command = tuple(command)
        self._work = self.versions.folder / _WORK_FOLDER
        self._look = Look()
        self._thread = None
        self._cancelled = threading.Event()
        self._patience = _SECONDS_TO_END
        atexit.register(self.close)

    def start(self, fill, backbone, settings):
        """Starts a training, which goes on while this returns.

        Args:
            fill: Function of a folder that writes the pictures there and returns an `Upload`.
            backbone: What `dlkeras train --finetune` takes.
            settings: Function of the `Upload` that returns fields of the config.

        Returns:
            The `Upload`.

        Raises:
            WorkshopError: A training is running already.
            UploadError: What `fill` raises; nothing is left behind.
        """
        if self._thread is not None and not self._look.running:
            self._thread.join()  # it may be tidying up still
        with contextlib.ExitStack() as stack:
            stack.enter_context(_claim(self.versions.folder))
            self._empty()
            stack.callback(shutil.rmtree, self._work, ignore_errors=True)
            upload = fill(self._work / "data")
            self._cancelled.clear()
            self._look = Look(self._look.number + 1, "training")
            note = {"pictures": sum(upload.counts.values()), "backbone": backbone}
            arguments = (stack.pop_all(), backbone, settings(upload), note)
            self._thread = threading.Thread(target=self._run, args=arguments, name="training", daemon=True)
            self._thread.start()
            return upload

    def look(self):
        """Returns a `Look` at the last training."""
        look = self._look
        if look.step != "training":
            return look
        now = self._progress()
        step = "exporting" if now.total and now.done >= now.total else "training"
        return look._replace(progress=now, step="cancelling" if self._cancelled.is_set() else step)

    def _progress(self):
        try:
            return progress(self._work / "run")
        except FileNotFoundError:  # it has just ended, and its folder is gone
            return self._look.progress

    def cancel(self):
        """Ends the training that is running; versions that are there stay as they are."""
        self._cancelled.set()

    def close(self):
        """Ends what is running, at once, with what it has written."""
        self._patience = 0
        self._cancelled.set()
        if self._thread is not None:
            self._thread.join(_SECONDS_TO_END)

    def _empty(self):
        """Removes what a process that was killed has left."""
        for left in (self._work, *self.versions.folder.glob(".incomplete-*")):
            shutil.rmtree(left, ignore_errors=True)
        self._work.mkdir()

    def _run(self, stack, backbone, settings, note):
        ending = {"step": "failed", "text": "It has ended for a reason that was not foreseen."}
        try:
            ending = {"step": "done", "version": self._make(backbone, settings, note)}
        except _CancelledError:
            ending = {"step": "cancelled"}
        except (WorkshopError, PredictError, OSError) as error:
            ending = {"step": "failed", "text": str(error)}
        finally:
            self._look = self._look._replace(progress=self._progress(), **ending)
            stack.close()

    def _make(self, backbone, settings, note):
        """Trains, exports, and has the server load what came of it; returns the version's number."""
        run = self._work / "run"
        fields = [argument for name, value in settings.items() for argument in ("--set", f"{name}={value}")]
        before = {version.number for version in self.versions.on_disk()}
        self._execute(
            *("train", APP, "--finetune", backbone, "--data", self._work / "data", "--run", run, *fields, ","),
            *("export", APP, "--run", run, "--name", self.versions.name, "--models", self.versions.models),
        )
        self._look = self._look._replace(step="loading", progress=self._progress())
        number = max({version.number for version in self.versions.on_disk()} - before)
        # The epoch whose weights a run keeps is the one of the lowest loss.
        best = min(self._look.progress.history, key=lambda row: row["val_loss"])
        self.versions.note(number, {**note, "accuracy": best["val_accuracy"]})
        self.versions.use(number)
        return number

    def _execute(self, *arguments):
        """Runs a command line with its words in a log; raises where it fails or is cancelled."""
        log = self._work / "log.txt"
        with log.open("w") as output:
            process = subprocess.Popen(
                [*self._command, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)  # pages and the server come first
            while process.poll() is None and not self._cancelled.wait(0.1):
                pass
        finally:
            _end(process, self._patience)
        if process.returncode:
            raise _CancelledError if self._cancelled.is_set() else WorkshopError(_last_words(log))


class _CancelledError(Exception):
    pass


@contextlib.contextmanager
def _claim(folder):
    """Holds the folder's lock, which a process that is killed gives back."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkshopError(
                "A training is running already, and there is one at a time. Wait or cancel it."
            ) from None
        yield


def _end(process, patience):
    """Ends a process and those that it has started: by Ctrl-C, on which it tidies up, then without asking."""
    if process.poll() is None and patience:
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(log):
    """Returns the error sentence of a command, or else the last line that it wrote."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", log.read_text(errors="replace")) if line.strip()]
    said = [line.removeprefix("dlkeras: ") for line in lines if line.startswith("dlkeras: ")]
    return (said or lines or ["It has ended without a word."])[-1]
