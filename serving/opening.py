"""Opens a version's folder: loads it, warms it up, and finds out how it is best run."""

import os
import time
from typing import NamedTuple

from serving.config_protos import BatchingOptions, ConfigError, read_batching
from serving.errors import ServingError
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
    batching = None
    if options.per_model_batching and (path / BATCHING_FILE).exists():
        try:
            batching = read_batching(path / BATCHING_FILE, BATCHING_FILE)
        except ConfigError as error:
            raise ServingError("INVALID_ARGUMENT", str(error)) from None
    if options.prefer_tflite and (path / MODEL_FILE).exists():
        runner, plans, _ = _open(TfLiteRunner, path, options)
        return Opened(runner, plans, batching)
    runner, plans, times = _open(Runner, path, options)
    if runner.cores == 0 and (os.cpu_count() or 1) > 1 and _may_be_quicker(runner, times):
        runner, plans = _try_one_core(runner, plans, times, path, options)
    return Opened(runner, plans, batching)


def _may_be_quicker(runner, times):
    return bool(times) and (_is_quick(times) or (_has_loops(runner) and sum(times.values()) < REPEATED_SECONDS))


def _try_one_core(runner, plans, times, path, options):
    # Where operations are small, handing each of them to another thread and waiting for it is most of the work.
    one_core = options._replace(intra_op_parallelism=1, inter_op_parallelism=runner.side_by_side or 1)
    if _is_quick(times):
        # Two at a time would only take memory.
        runner.close()
        runner, plans, _ = _open(Runner, path, one_core)
        return runner, plans
    other, other_plans, other_times = _open(Runner, path, one_core)
    if sum(other_times.values()) > sum(times.values()):
        other.close()
        return runner, plans
    runner.close()
    return other, other_plans


def _is_quick(times):
    return max(times.values()) < ONE_CORE_SECONDS


def _has_loops(runner):
    return any(map(runner.has_loops, runner.signatures))


def _open(kind, path, options):
    runner = kind(path, options)
    watch = _Stopwatch(runner)
    try:
        _warm_up(watch, path, options)
        plans = plan_signatures(watch) if options.merge else {}
    except BaseException:
        runner.close()
        raise
    return runner, plans, watch.shortest


def _warm_up(watch, path, options):
    start = time.monotonic()
    warm_up(watch, path, options)
    end = time.monotonic()
    if end - start > LONGEST_FIRST_SECONDS or any(map(watch.is_stateful, watch.shortest)):
        return
    for _ in range(REPEATED):
        if time.monotonic() - end < REPEATED_SECONDS:
            warm_up(watch, path, options)


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
