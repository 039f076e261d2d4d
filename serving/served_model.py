"""One model and its versions, kept in line with its folder."""

import contextlib
import logging
import threading
from pathlib import Path

from serving.errors import ServingError
from serving.versions import Version

log = logging.getLogger("serving")

MAX_VERSION = 2**63 - 1


def find_versions(base_path):
    """List the numbered folders of a model.

    Args:
        base_path: The model's folder.

    Returns:
        Version numbers to folders; any other name is ignored. Of `1` and `01`, the last in alphabetical order counts.

    Raises:
        OSError: If `base_path` cannot be read.
    """
    return {
        int(entry.name): entry
        for entry in sorted(Path(base_path).iterdir())
        if entry.name.isascii() and entry.name.isdigit() and int(entry.name) <= MAX_VERSION and entry.is_dir()
    }


class Loader:
    """Where and how often versions are loaded.

    Args:
        pool: A `concurrent.futures.Executor`.
        options: `RunnerOptions`.
        max_retries: Tries after a version's first failure.
        retry_seconds: The pause between them.
    """

    def __init__(self, pool, options, max_retries, retry_seconds):
        self.pool, self.options = pool, options
        self.max_retries, self.retry_seconds = max_retries, retry_seconds


class ServedModel:
    """One model and its versions.

    Args:
        config: A `ModelConfig`.
        loader: A `Loader`.
    """

    def __init__(self, config, loader):
        self.config = config
        self._loader = loader
        self._lock = threading.RLock()
        self._aspired = set()
        self._loading = {}
        self._warning = ""
        # Replaced, never changed, so that requests read it without a lock.
        self._versions = {}

    def look(self):
        """Start to bring what is loaded in line with the folder.

        Returns:
            A list of futures, one for each version that is being loaded.
        """
        try:
            found = find_versions(self.config.base_path)
        except OSError as error:
            # A share that is away for a moment must not take the model with it.
            self._warn(f"its folder cannot be read, nothing changes: {error}")
            return []
        with self._lock:
            self._aspired = self.config.select(found)
            self._note_missing(found)
            self._versions = {n: v for n, v in self._versions.items() if n in found or v.status.state != "END"}
            for number in sorted(self._aspired, reverse=True):
                if number not in self._versions:
                    version = Version(number, found[number], self.config)
                    self._versions = {**self._versions, number: version}
                    self._start_loading(version)
                elif self._versions[number].worth_loading():
                    self._versions[number].path = found[number]
                    self._start_loading(self._versions[number])
            self._settle()
            return list(self._loading.values())

    def _note_missing(self, found):
        missing = set(self.config.versions) - set(found)
        if not self._aspired:
            self._warn(
                f"No versions of servable {self.config.name} found under base path {self.config.base_path}. "
                "Did you forget to name your leaf directory as a number (eg. '/1/')?"
            )
        elif missing:
            self._warn(f"the policy asks for versions that are not there: {', '.join(map(str, sorted(missing)))}")
        else:
            self._warning = ""

    def _warn(self, text):
        # Every look finds the same; once is enough.
        if text != self._warning:
            log.warning("model %s: %s", self.config.name, text)
        self._warning = text

    def _start_loading(self, version):
        if version.number not in self._loading:
            version.queue()
            self._loading[version.number] = self._loader.pool.submit(self._load, version)

    def _load(self, version):
        number, name = version.number, self.config.name
        try:
            if number not in self._aspired:
                return
            said = version.last_error
            version.load(self._loader.options)
            if version.available:
                log.info("model %s: version %d is available", name, number)
            elif version.last_error != said:
                log.error("model %s: version %d failed to load: %s", name, number, version.last_error)
        finally:
            with self._lock:
                del self._loading[number]
                self._settle()
                self._plan_retry(version)

    def _plan_retry(self, version):
        # Each is a thread, and a version that is being copied fails every second.
        if version.retry is not None:
            version.retry.cancel()
        version.retry = None
        if version.failed and version.failures <= self._loader.max_retries and version.number in self._aspired:
            version.retry = threading.Timer(self._loader.retry_seconds, self._retry, (version, version.failures))
            version.retry.daemon = True
            version.retry.start()

    def _retry(self, version, failures):
        with self._lock:
            # Changed files may have brought it to another try, or to life, in the meantime.
            if version.failures == failures and version.failed and version.number in self._aspired:
                self._start_loading(version)

    def _settle(self):
        # The old serve on until one of the new can.
        if not self._aspired or any(self._versions[n].available for n in self._aspired if n in self._versions):
            self._retire(set(self._versions) - self._aspired)

    def _retire(self, numbers):
        for number in numbers:
            if self._versions[number].retire():
                log.info("model %s: version %d was retired", self.config.name, number)

    def configure(self, config):
        """Change everything but the folder.

        Args:
            config: A `ModelConfig` with the same name and base path.
        """
        with self._lock:
            self.config = config
            for version in self._versions.values():
                version.config = config

    def close(self):
        """Retire every version."""
        with self._lock:
            self._aspired = set()
            self._retire(set(self._versions))

    def statuses(self):
        """List the `VersionStatus` of every version, newest first."""
        return [version.status for _, version in sorted(self._versions.items(), reverse=True)]

    @property
    def available(self):
        """Whether a request would find a version."""
        return any(version.available for version in self._versions.values())

    def number_of(self, label):
        """Give the version number that a label stands for.

        Args:
            label: The label.

        Returns:
            The number; whether that version is available is another matter.

        Raises:
            ServingError: `INVALID_ARGUMENT` if the model has no such label.
        """
        labels = dict(self.config.labels)
        if label not in labels:
            known = ", ".join(sorted(labels)) or "none"
            message = f"Unrecognized servable version label: {label}. Those of model {self.config.name} are: {known}"
            raise ServingError("INVALID_ARGUMENT", message)
        return labels[label]

    @contextlib.contextmanager
    def use(self, number=None, label=None):
        """Keep a version loaded while a request uses it.

        Args:
            number: The version's number; None for the highest available.
            label: The version's label, instead of its number.

        Yields:
            The `Version`.

        Raises:
            ServingError: `NOT_FOUND` if it is not available, `INVALID_ARGUMENT` if there is no such label.
        """
        version = self.acquire(number, label)
        try:
            yield version
        finally:
            version.release()

    def acquire(self, number=None, label=None):
        """Find a version and keep it loaded until its `release` is called.

        Args:
            number: The version's number; None for the highest available.
            label: The version's label, instead of its number.

        Returns:
            The `Version`.

        Raises:
            ServingError: `NOT_FOUND` if it is not available, `INVALID_ARGUMENT` if there is no such label.
        """
        if label:
            number = self.number_of(label)
        while True:
            version = self._newest() if number is None else self._versions.get(number)
            if version is None or not version.available:
                raise self._not_found(number)
            # Retired between the look and the grasp: look again.
            if version.acquire():
                return version

    def _newest(self):
        newest = None
        for version in self._versions.values():
            if version.available and (newest is None or version.number > newest.number):
                newest = version
        return newest

    def _not_found(self, number):
        available = [n for n, version in self._versions.items() if version.available]
        message = not_found(self.config.name, number)
        served = ", ".join(map(str, sorted(available))) or "none"
        message += f". The versions available are: {served}"
        failed = [status for status in self.statuses() if status.error_message and number in (None, status.version)]
        if failed:
            message += f". Version {failed[0].version} failed to load: {failed[0].error_message}"
        return ServingError("NOT_FOUND", message)


def not_found(name, number):
    """Say, in TensorFlow Serving's words, that a model or a version is not served."""
    wanted = f"Latest({name})" if number is None else f"Specific({name}, {number})"
    return f"Servable not found for request: {wanted}"


def require_available(models, empty=True):
    """Raise if a model has no version available.

    Args:
        models: `ServedModel`s.
        empty: Whether a folder without versions is let pass.

    Raises:
        ServingError: `UNKNOWN`, in TensorFlow Serving's words, with every error there was.
    """
    failures = []
    for model in models:
        failed = [status for status in model.statuses() if status.error_message]
        if model.available or not (failed or not empty):
            continue
        name = model.config.name
        failures += [
            f"{{{{name: {name} version: {status.version}}} due to error: {status.error_code}: {status.error_message}}}"
            for status in failed
        ]
        if not failed:
            failures.append(f"{{No versions of servable {name} found under base path {model.config.base_path}}}")
    if failures:
        message = f"{len(failures)} model(s) did not become available: {{{', '.join(failures)}}}"
        raise ServingError("UNKNOWN", message)
