"""One version of one model, from its folder to its last request."""

import threading
from pathlib import Path

from serving.errors import from_exception
from serving.runner import Runner
from serving.specs import VersionStatus
from serving.warmup import warm_up


class Version:
    """A version that is loaded once, used by many requests, and unloaded when the last of them is done.

    Args:
        number: The version's number.
        path: Its folder.
    """

    def __init__(self, number, path):
        self.number = number
        self.path = Path(path)
        self.status = VersionStatus(number, "START")
        self.runner = None
        self._fingerprint = None
        self._lock = threading.Lock()
        self._in_flight = 0
        self._retired = False

    def load(self, options):
        """Load and warm the model; a failure is kept in `status` and not raised.

        Args:
            options: `RunnerOptions`.
        """
        self.status = VersionStatus(self.number, "LOADING")
        self._fingerprint = self._files()
        runner = None
        try:
            runner = Runner(self.path, options)
            warm_up(runner, self.path)
        # Whatever a broken folder makes TensorFlow raise, the other versions go on.
        except Exception as error:
            if runner is not None:
                runner.close()
            failure = from_exception(error)
            self.status = VersionStatus(self.number, "END", failure.code, failure.message)
            return
        self.runner = runner
        self.status = VersionStatus(self.number, "AVAILABLE")

    @property
    def available(self):
        """Whether new requests may use this version."""
        return self.status.state == "AVAILABLE"

    def worth_loading(self):
        """Tell whether a version that has ended may load now: it never failed, or its files have changed since."""
        failed = self.status.error_code != "OK"
        return self.status.state == "END" and not (failed and self._fingerprint == self._files())

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
        """Give back what `acquire` took; the last request of a retired version unloads it."""
        with self._lock:
            self._in_flight -= 1
            last = self._retired and self._in_flight == 0
        if last:
            self._unload()

    def retire(self):
        """Take no new requests, and unload as soon as those in flight are done."""
        with self._lock:
            if not self.available:
                return
            self.status = VersionStatus(self.number, "UNLOADING")
            self._retired = True
            idle = self._in_flight == 0
        if idle:
            self._unload()

    def _unload(self):
        self.runner.close()
        self.runner = None
        self.status = VersionStatus(self.number, "END")

    def _files(self):
        try:
            stats = [(str(file), file.stat()) for file in sorted(self.path.rglob("*"))]
        except OSError:
            # Files come and go while a version is being copied: this state equals no other.
            return object()
        return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
