"""The versions of one served model: what is on disk, which of them the server answers with, and changing that."""

import datetime
import json
import threading
import time
from pathlib import Path
from typing import NamedTuple

from apps.commands.exporting import choose_version
from apps.predict import PredictError
from serving.client import Client, ClientError

_EXTRA = "assets.extra"
_NOTE_FILE = "training.json"


class Version(NamedTuple):
    """One exported version.

    Attributes:
        number: Its number.
        date: When it was exported.
        class_names: What it tells apart.
        note: What was noted of its training: `accuracy`, `pictures`, `backbone`; empty where nothing was.
    """

    number: int
    date: datetime.datetime
    class_names: list
    note: dict


class Versions:
    """The versions of a model.

    Args:
        models: Folder of exported models, which the server serves.
        name: The model's name.
        address: The server's address.
    """

    def __init__(self, models, name, address):
        self.models = Path(models).resolve()
        self.name = name
        self.folder = self.models / name
        self._client = Client(address)
        self._changing = threading.Lock()

    def on_disk(self):
        """Lists the `Version`s there are, newest first."""
        folders = [path.parent for path in self.folder.glob("*/saved_model.pb") if path.parent.name.isdecimal()]
        return [_read(path) for path in sorted(folders, key=lambda path: -int(path.name))]

    def note(self, number, note):
        """Keeps beside a version what is known of its training, a dict of plain values."""
        (self.folder / str(number) / _EXTRA / _NOTE_FILE).write_text(json.dumps(note))

    def answering(self):
        """Returns the number of the version that the server answers with, None for none.

        Raises:
            PredictError: The server does not answer.
        """
        return max((status.version for status in self._statuses() if status.state == "AVAILABLE"), default=None)

    def use(self, number, seconds=120):
        """Has the server answer with a version, and waits until it does. The newest is followed by those to come.

        Raises:
            PredictError: There is no such version, the server cannot load it, or has not done so in time.
        """
        with self._changing:
            numbers = [version.number for version in self.on_disk()]
            if number not in numbers:
                there = ", ".join(map(str, numbers)) or "none"
                raise PredictError(f"There is no version {number} of {self.name}. Those there are: {there}")
            choose_version(self.name, None if number == numbers[0] else number, self.models)
            self._wait_for(number, time.monotonic() + seconds, seconds)

    def _wait_for(self, number, end, seconds):
        while self.answering() != number:
            failed = [status for status in self._statuses() if status.version == number and status.error_message]
            if failed:
                raise PredictError(f"The server cannot load version {number}: {failed[0].error_message}")
            if time.monotonic() > end:
                raise PredictError(f"The server has not loaded version {number} in {seconds} s. It may do so yet.")
            time.sleep(0.2)

    def ask(self, data):
        """Asks for what is in a picture.

        Args:
            data: Bytes of a JPEG or PNG.

        Returns:
            `(number, answer)`: the version that answered, and its answer, a dict of numpy arrays.

        Raises:
            PredictError: No version is served, or the server refuses.
        """
        number = self.answering()
        if number is None:
            raise PredictError("There is no model of your own yet. Train one first.")
        try:
            return number, self._client.predict(self.name, {"image_bytes": [data]}, version=number)
        except ClientError as error:
            raise PredictError(str(error)) from error

    def _statuses(self):
        try:
            return self._client.status(self.name)
        except ClientError as error:
            if error.code == "NOT_FOUND":  # the server does not know of the model yet
                return []
            raise PredictError(str(error)) from error


def _read(folder):
    labels, note = folder / _EXTRA / "labels.txt", folder / _EXTRA / _NOTE_FILE
    return Version(
        int(folder.name),
        datetime.datetime.fromtimestamp((folder / "saved_model.pb").stat().st_mtime),
        labels.read_text().splitlines() if labels.exists() else [],
        json.loads(note.read_text()) if note.exists() else {},
    )
