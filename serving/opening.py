"""Opens a version's folder: loads it, warms it up, and finds out how it is best run."""

import os
import time
from typing import NamedTuple

from serving.config_protos import BatchingOptions, ConfigError, read_batching
from serving.errors import ServingError, from_exception
from serving.merging import plan_signatures
from serving.runner import Runner
from serving.tflite import MODEL_FILE, TfLiteRunner
from serving.warmup import warm_up

BATCHING_FILE = "batching_params.pbtxt"
# A model that answers sooner than this is run on one core, and others beside it: sharing a run between cores costs
# more than it brings, and a core that has to wait for another is lost to both.
ONE_CORE_SECONDS = 0.005
# The first runs, in which graphs are prepared, say little of those to come: so many more are made, unless that is long.
REPEATED = 4
REPEATED_SECONDS = 1.0
LONGEST_FIRST_SECONDS = 5.0


class Opened(NamedTuple):
    """A version that is ready to serve.

    Args:
        runner: Its `Runner`.
        plans: What `plan_signatures` found out.
        batching: The `BatchingOptions` that it brought, or None.
    """

    runner: Runner | TfLiteRunner
    plans: dict
    batching: BatchingOptions | None


def open_version(path, options):
    """Open a version's folder.

    Args:
        path: The folder, a `pathlib.Path`.
        options: `RunnerOptions`.

    Returns:
        `Opened`.

    Raises:
        Exception: Whatever a broken folder makes TensorFlow raise.
    """
    start, opened = time.monotonic(), None
    try:
        opened = _open(path, options)
        return opened
    finally:
        if options.metrics is not None:
            options.metrics.load(path, opened is not None, time.monotonic() - start)


def _open(path, options):
    batching = None
    if options.per_model_batching and (path / BATCHING_FILE).exists():
        try:
            batching = read_batching(path / BATCHING_FILE, BATCHING_FILE)
        except ConfigError as error:
            raise ServingError("INVALID_ARGUMENT", str(error)) from None
    tflite = options.prefer_tflite and (path / MODEL_FILE).exists()
    warm = _Warm(TfLiteRunner if tflite else Runner, path, options)
    try:
        if not tflite and warm.runner.cores == 0 and (os.cpu_count() or 1) > 1:
            warm = _quickest(warm, path, options)
        return Opened(warm.runner, warm.plans(), batching)
    except BaseException:
        warm.close()
        raise


def _quickest(warm, path, options):
    """Try a model on one core where that may be quicker, and close the slower."""
    # Where operations are small, handing each of them to another thread and waiting for it is most of the work.
    one_core = options._replace(intra_op_parallelism=1, inter_op_parallelism=warm.runner.side_by_side or 1)
    if warm.is_quick:
        # Two at a time would only take memory.
        warm.close()
        return _Warm(Runner, path, one_core)
    if not warm.has_loops or warm.seconds > REPEATED_SECONDS:
        return warm
    other = _Warm(Runner, path, one_core)
    slower, quicker = (other, warm) if other.seconds > warm.seconds else (warm, other)
    slower.close()
    return quicker


class _Warm:
    """A runner that has answered its recorded requests, and how long it took for them.

    Args:
        kind: The runner's class.
        path: As for `open_version`.
        options: As for `open_version`.
    """

    def __init__(self, kind, path, options):
        self.runner = kind(path, options)
        self._watch = _Stopwatch(self.runner)
        self._merge = options.merge
        self._plans = None
        try:
            _warm_up(self._watch, path, options)
            if not self._watch.shortest:
                # Without recorded requests, the runs that make a plan tell as much.
                self.plans()
        except BaseException:
            self.close()
            raise

    @property
    def seconds(self):
        """The shortest runs of all signatures together."""
        return sum(self._watch.shortest.values())

    @property
    def is_quick(self):
        """Whether every signature that was tried is."""
        times = self._watch.shortest.values()
        return bool(times) and max(times) < ONE_CORE_SECONDS

    @property
    def has_loops(self):
        """Whether a signature that was tried loops."""
        return any(map(self.runner.has_loops, self._watch.shortest))

    def plans(self):
        """What `plan_signatures` finds out; found out once."""
        if self._plans is None:
            self._plans = plan_signatures(self._watch) if self._merge else {}
        return self._plans

    def close(self):
        """Release the model's memory."""
        runner, self.runner = self.runner, None
        if runner is not None:
            runner.close()


def _warm_up(watch, path, options):
    start = time.monotonic()
    _warm_up_measured(watch, path, options)
    end = time.monotonic()
    if end - start > LONGEST_FIRST_SECONDS or any(map(watch.is_stateful, watch.shortest)):
        return
    for _ in range(REPEATED):
        if time.monotonic() - end < REPEATED_SECONDS:
            warm_up(watch, path, options)


def _warm_up_measured(watch, path, options):
    start, status = time.monotonic(), "OK"
    try:
        number = warm_up(watch, path, options)
    except Exception as error:
        number, status = 1, from_exception(error).code
        raise
    finally:
        if number and options.metrics is not None:
            options.metrics.warm_up(path, status, time.monotonic() - start)


class _Stopwatch:
    """A runner that remembers the shortest run of each signature."""

    def __init__(self, runner):
        self._runner = runner
        self.shortest = {}

    def __getattr__(self, name):
        return getattr(self._runner, name)

    def run(self, signature_name, inputs, output_names):
        start = time.perf_counter()
        outputs = self._runner.run(signature_name, inputs, output_names)
        taken = time.perf_counter() - start
        self.shortest[signature_name] = min(taken, self.shortest.get(signature_name, taken))
        return outputs
