"""Paints by optimization in a process of its own while a page goes on: started, looked at, stopped."""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from apps.predict import PredictError
from apps.style_transfer.progress import PICTURE_FILE, Progress, read_progress

_COMMAND = (sys.executable, "-m", "apps.style_transfer.painting")
_NICENESS = 5
_SECONDS_TO_END = 5


class StudioError(PredictError):
    """A painting that cannot be begun, or has failed. Its text is for the person who wanted it."""


class Look(NamedTuple):
    """What there is to see of the last painting.

    Attributes:
        state: `""`, `painting`, `done`, `stopped` or `failed`.
        progress: How far it is.
        picture: Path of the picture as it is by now, or None.
        text: What went wrong where it failed.
    """

    state: str = ""
    progress: Progress = Progress()
    picture: Path | None = None
    text: str = ""


class Studio:
    """One painting at a time.

    Args:
        command: The command line's beginning.
    """

    def __init__(self, command=_COMMAND):
        self._command = command
        self._folder = None
        self._process = None
        self._stopped = False
        atexit.register(self.close)

    def start(self, content, style, **options):
        """Begins a painting, which goes on while this returns.

        Args:
            content: Bytes of a picture file.
            style: Bytes of another one.
            **options: Of `apps.style_transfer.painting`, such as `steps`.

        Raises:
            StudioError: One is being painted already.
        """
        if self._process is not None and self._process.poll() is None:
            raise StudioError("A picture is being painted already, and there is one at a time. Wait or stop it.")
        self.close()
        self._folder = Path(tempfile.mkdtemp(prefix="dlkeras-painting-", dir=os.environ.get("GRADIO_TEMP_DIR")))
        self._stopped = False
        paths = [self._folder / name for name in ("content", "style")]
        for path, data in zip(paths, (content, style), strict=True):
            path.write_bytes(data)
        settings = [text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", str(value))]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [*self._command, *map(str, paths), str(self._folder), *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICENESS)  # pages and the server come first

    @property
    def _log(self):
        return self._folder / "log.txt"

    def look(self):
        """Returns a `Look` at the last painting."""
        if self._process is None:
            return Look()
        code = self._process.poll()
        progress = read_progress(self._folder)
        picture = self._folder / PICTURE_FILE
        picture = picture if picture.exists() else None
        if code is None:
            return Look("painting", progress, picture)
        if self._stopped:
            return Look("stopped", progress, picture)
        return Look("failed", progress, picture, self._last_words()) if code else Look("done", progress, picture)

    def stop(self):
        """Ends the painting that goes on; the picture stays as it is by then."""
        if self._process is not None and self._process.poll() is None:
            self._stopped = True
            self._end(signal.SIGTERM)

    def close(self):
        """Ends what goes on, and removes what is left of it."""
        if self._process is not None:
            self._end(signal.SIGKILL)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._process = None

    def _end(self, how):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, how)
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _last_words(self):
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        said = [line.removeprefix("dlkeras: ") for line in lines if line.startswith("dlkeras: ")]
        return (said or lines or ["It has ended without a word."])[-1]
