"""Finds the versions of each model, loads new ones, and retires the old without interrupting a request."""

import contextlib
import logging
import threading
from pathlib import Path

from serving.errors import ServingError
from serving.versions import Version

log = logging.getLogger("serving")


def find_versions(base_path):
    """List the numbered folders of a model.

    Args:
        base_path: The model's folder.

    Returns:
        Version numbers to folders; any other name is ignored.

    Raises:
        OSError: If `base_path` cannot be read.
    """
    return {
        int(entry.name): entry
        for entry in Path(base_path).iterdir()
        if entry.name.isascii() and entry.name.isdigit() and entry.is_dir()
    }


class ServedModel:
    """One model and its versions.

    Args:
        config: A `ModelConfig`.
        options: `RunnerOptions`.
    """

    def __init__(self, config, options):
        self.config = config
        self._options = options
        # Replaced, never changed, so that requests read it without a lock.
        self._versions = {}

    def poll(self):
        """Bring what is loaded in line with the folder."""
        try:
            found = find_versions(self.config.base_path)
        except OSError as error:
            # A share that is away for a moment must not take the model with it.
            log.warning("model %s: its folder cannot be read, nothing changes: %s", self.config.name, error)
            return
        aspired = self.config.select(found)
        self._versions = {n: v for n, v in self._versions.items() if n in found or v.status.state != "END"}
        for number in sorted(aspired, reverse=True):
            if number not in self._versions or self._versions[number].worth_loading():
                self._load(number, found[number])
        # The old serve on until one of the new can.
        if not aspired or any(self._versions[number].available for number in aspired):
            self._retire(set(self._versions) - aspired)

    def _load(self, number, path):
        version = Version(number, path)
        self._versions = {**self._versions, number: version}
        version.load(self._options)
        if version.available:
            log.info("model %s: version %d is available", self.config.name, number)
        else:
            log.error("model %s: version %d failed to load: %s", self.config.name, number, version.status.error_message)

    def _retire(self, numbers):
        for number in numbers:
            if self._versions[number].available:
                log.info("model %s: version %d is being unloaded", self.config.name, number)
                self._versions[number].retire()

    def close(self):
        """Retire every version."""
        self._retire(set(self._versions))

    def statuses(self):
        """List the `VersionStatus` of every version, newest first."""
        return [version.status for _, version in sorted(self._versions.items(), reverse=True)]

    @contextlib.contextmanager
    def use(self, number=None):
        """Keep a version loaded while a request uses it.

        Args:
            number: The version's number; None for the highest available.

        Yields:
            The `Version`.

        Raises:
            ServingError: `NOT_FOUND` if it is not served, `UNAVAILABLE` if no version is available.
        """
        version = self._acquire(number)
        try:
            yield version
        finally:
            version.release()

    def _acquire(self, number):
        while True:
            available = {n: version for n, version in self._versions.items() if version.available}
            if number is not None and number not in available:
                served = ", ".join(map(str, sorted(available))) or "none"
                message = f"model {self.config.name!r} has the versions {served} available. Received: version {number}"
                raise ServingError("NOT_FOUND", message)
            if not available:
                raise ServingError("UNAVAILABLE", f"model {self.config.name!r} has no version available")
            version = available[max(available) if number is None else number]
            # Retired between the look and the grasp: look again.
            if version.acquire():
                return version


class Manager:
    """All models, kept in line with their folders.

    Args:
        configs: A list of `ModelConfig`.
        options: `RunnerOptions`.
        poll_wait_seconds: The pause between two looks at the folders; 0 looks once, at the start.
    """

    def __init__(self, configs, options, poll_wait_seconds=1):
        self._models = {config.name: ServedModel(config, options) for config in configs}
        self._poll_wait_seconds = poll_wait_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._poll_forever, name="poll-models", daemon=True)

    def start(self):
        """Load what is there, then go on looking in the background."""
        self.poll()
        if self._poll_wait_seconds:
            self._thread.start()

    def poll(self):
        """Look at every model's folder once."""
        for model in self._models.values():
            model.poll()

    def _poll_forever(self):
        while not self._stopping.wait(self._poll_wait_seconds):
            try:
                self.poll()
            # The server outlives whatever a file system comes up with.
            except Exception:
                log.exception("looking for new versions failed")

    def stop(self):
        """Stop looking, and unload every version as soon as its last request is done."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        for model in self._models.values():
            model.close()

    def model(self, name):
        """Find a model by name.

        Args:
            name: The model's name.

        Returns:
            The `ServedModel`.

        Raises:
            ServingError: `NOT_FOUND` if there is none of that name.
        """
        if name not in self._models:
            served = ", ".join(sorted(self._models))
            raise ServingError("NOT_FOUND", f"the models served are {served}. Received: {name!r}")
        return self._models[name]

    def statuses(self):
        """List every model's `VersionStatus`es by name."""
        return {name: model.statuses() for name, model in self._models.items()}
