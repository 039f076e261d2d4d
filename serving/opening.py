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
# A first run says little of those to come; where it took no longer than this, there is time for a second.
REPEATED_SECONDS = 1.0


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
    runner, plans, quick = _open(Runner, path, options)
    if quick and runner.cores == 0 and (os.cpu_count() or 1) > 1:
        runner.close()
        runner, plans, _ = _open(Runner, path, options._replace(intra_op_parallelism=1))
    return Opened(runner, plans, batching)


def _open(kind, path, options):
    runner = kind(path, options)
    watch = _Stopwatch(runner)
    try:
        warm_up(watch, path, options)
        if sum(watch.shortest.values()) < REPEATED_SECONDS and not any(map(runner.is_stateful, watch.shortest)):
            warm_up(watch, path, options)
        plans = plan_signatures(watch) if options.merge else {}
    except BaseException:
        runner.close()
        raise
    quick = bool(watch.shortest) and max(watch.shortest.values()) < ONE_CORE_SECONDS
    return runner, plans, quick


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
