"""One version of one model, from its folder to its last request."""

import ctypes
import threading
from pathlib import Path

from serving.errors import from_exception
from serving.opening import open_version
from serving.specs import VersionStatus


class Version:
    """A version that is loaded, used by many requests, and unloaded when the last of them is done.

    Args:
        number: The version's number.
        path: Its folder.
        config: The `ModelConfig` of its model.
    """

    def __init__(self, number, path, config):
        self.number = number
        self.path = Path(path)
        self.config = config
        self.status = VersionStatus(number, "START")
        self.runner = None
        # The model's own `BatchingOptions`, if it brought some.
        self.batching = None
        # Belong to the batching code: what it keeps for this version, gone when the version is.
        self.lanes, self.plans = {}, {}
        self.failures = 0
        self.last_error = ""
        self._fingerprint = None
        self._lock = threading.Lock()
        self._in_flight = 0
        self._retired = False

    @property
    def model_name(self):
        """The name of the model that this is a version of."""
        return self.config.name

    def load(self, options):
        """Load and warm the model; a failure is kept in `status` and not raised.

        Args:
            options: `RunnerOptions`.
        """
        files = self._files()
        if files != self._fingerprint:
            self.failures = 0
        # The `threading.Timer` of the next try.
        self.retry = None
        self._fingerprint = files
        with self._lock:
            self._retired = False
            self.status = VersionStatus(self.number, "LOADING")
        try:
            runner, plans, batching = open_version(self.path, options)
        # Whatever a broken folder makes TensorFlow raise, the other versions go on.
        except Exception as error:
            failure = from_exception(error)
            self.failures += 1
            self.last_error = failure.message
            trim_memory()
            self.status = VersionStatus(self.number, "END", failure.code, failure.message)
            return
        with self._lock:
            self.failures, self.runner, self.batching, self.lanes, self.plans = 0, runner, batching, {}, plans
            unwanted = self._retired
            self.status = VersionStatus(self.number, "UNLOADING" if unwanted else "AVAILABLE")
        if unwanted:
            self._unload()

    @property
    def available(self):
        """Whether new requests may use this version."""
        return self.status.state == "AVAILABLE"

    @property
    def failed(self):
        """Whether the last try to load it came to nothing."""
        return self.status.error_code != "OK"

    def worth_loading(self):
        """Tell whether a version that has ended may load now: it never failed, or its files have changed since."""
        return self.status.state == "END" and not (self.failed and self._fingerprint == self._files())

    def queue(self):
        """Note that it is about to be loaded."""
        self.status = VersionStatus(self.number, "START")

    def acquire(self):
        """Keep the version loaded for one request.

        Returns:
            False if it is too late, and the version is being unloaded.
        """
        with self._lock:
            if not self.available:
                return False
            self._in_flight += 1
            return True

    def release(self):
        """Give back what `acquire` took; after the last one, a retired version is unloaded on a thread of its own."""
        with self._lock:
            self._in_flight -= 1
            last = self._retired and self._in_flight == 0
        if last:
            threading.Thread(target=self._unload, name="unload-version", daemon=True).start()

    def retire(self):
        """Take no new requests, and unload as soon as those in flight are done.

        Returns:
            Whether it was serving until now.
        """
        with self._lock:
            self._retired = True
            if self.status.state == "START":
                self.status = VersionStatus(self.number, "END")
            if not self.available:
                return False
            self.status = VersionStatus(self.number, "UNLOADING")
            idle = self._in_flight == 0
        if idle:
            self._unload()
        return True

    def _unload(self):
        self.lanes, self.plans = {}, {}
        runner, self.runner = self.runner, None
        runner.close()
        del runner
        trim_memory()
        self.status = VersionStatus(self.number, "END")

    def _files(self):
        try:
            stats = [(str(file), file.stat()) for file in sorted(self.path.rglob("*"))]
        except OSError:
            # Files come and go while a version is being copied: this state equals no other.
            return object()
        return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


def trim_memory():
    """Hand freed memory back to the system; glibc keeps what lies between blocks still in use."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        # Another C library, which has its own way.
        return
