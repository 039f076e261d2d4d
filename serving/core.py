"""The one place that answers: both fronts only translate to and from this."""

import asyncio
import functools
import logging
import threading
import time
from concurrent import futures

from serving.batching import Lane, LaneOptions
from serving.errors import ServingError, from_exception, listed
from serving.examples import (
    CLASSIFY_METHOD,
    INPUT_NAME,
    REGRESS_METHOD,
    classification_result,
    examples_array,
    plan,
    regression_result,
)
from serving.exposition import merged
from serving.health import waiting
from serving.merging import is_row_wise
from serving.multi_inference import assemble_multi_inference, multi_inference_spec, plan_multi_inference
from serving.request_log import RequestLogs
from serving.siblings import PAGE, RELOAD, STATUS, WAITING
from serving.signatures import DEFAULT_SIGNATURE, did_you_mean
from serving.specs import ModelSpec, least_far

log = logging.getLogger("serving")

MAX_THREADS = 64
MAX_LANES = 64

# TensorFlow Serving's own words and codes, by the API: gRPC's Predict and REST's.
_NO_SIGNATURE = {
    "Predict": ("FAILED_PRECONDITION", 'Serving signature key "{}" not found.'),
    "predict": ("INVALID_ARGUMENT", 'Serving signature name: "{}" not found in signature def.'),
}
_NO_TASK = "Requested signature not found in model graph: {}."


class Core:
    """Answers requests from the models of a manager. For one thread, the event loop's.

    Args:
        manager: A `Manager`.
        options: `LaneOptions`.
        check_method_names: Whether Classify and Regress refuse signatures that were not saved for them.
        metrics: `Metrics`; None to measure nothing.
        siblings: `Siblings`; None where this is the only process.
    """

    def __init__(self, manager, options=None, check_method_names=False, metrics=None, siblings=None):
        self.manager = manager
        self.metrics = metrics
        self._siblings = siblings
        self.in_flight = 0
        self.logs = RequestLogs(manager)
        self._options = options or LaneOptions()
        self._check_method_names = check_method_names
        self._executor = futures.ThreadPoolExecutor(MAX_THREADS, "run")

    async def predict(self, spec, read_inputs, output_filter=(), deadline=None, api="Predict"):
        """Run a signature.

        Args:
            spec: A `ModelSpec`.
            read_inputs: A function from the signature's name and the `Signature` to its inputs: names to arrays.
            output_filter: The names of the outputs wanted; empty for all.
            deadline: When the client stops waiting, on `time.monotonic`'s clock; None for never.
            api: What the metrics call it.

        Returns:
            The `ModelSpec` that answered, and its outputs: names to numpy arrays.

        Raises:
            ServingError: If the request cannot be answered; the server goes on.
        """
        with _Watch(self, spec, api) as watch:
            name = spec.signature_name or DEFAULT_SIGNATURE
            version, inputs, waiting, misfit = self._begin(spec, name, read_inputs, output_filter, deadline, api)
            watch.rows = _rows(inputs)
            try:
                return ModelSpec(spec.name, version.number, name), await _outputs(waiting, spec.name)
            except ServingError as error:
                if misfit is None:
                    raise
                # The model's own words may be about anything: most likely this is why.
                raise ServingError(error.code, f"{error.message}. {misfit(inputs, name)}") from None

    def _begin(self, spec, name, read_inputs, output_filter, deadline, api):
        version = self._acquire(spec)
        waiting = None
        try:
            signature = _find_signature(version, name, *_NO_SIGNATURE[api])
            inputs = signature.check_inputs(read_inputs(name, signature), name)
            lane = self._lane(version, name, signature.select_outputs(output_filter, name))
            misfit = None if signature.fits(inputs) else signature.misfit
            waiting = lane.submit(inputs, deadline, version.release, alone=misfit is not None)
        finally:
            if waiting is None:
                version.release()
        return version, inputs, waiting, misfit

    async def classify(self, spec, examples, deadline=None, api="Classify"):
        """Classify tf.Examples.

        Args:
            spec: A `ModelSpec`.
            examples: An `Input` message.
            deadline: As for `predict`.
            api: What the metrics call it.

        Returns:
            The `ModelSpec` that answered, and a `ClassificationResult` message.

        Raises:
            ServingError: If the request cannot be answered.
        """
        return await self._infer_one(spec, examples, CLASSIFY_METHOD, classification_result, deadline, api)

    async def regress(self, spec, examples, deadline=None, api="Regress"):
        """Give tf.Examples a number each; as `classify`, with a `RegressionResult`."""
        return await self._infer_one(spec, examples, REGRESS_METHOD, regression_result, deadline, api)

    async def _infer_one(self, spec, examples, method, read_result, deadline, api):
        name = spec.signature_name or DEFAULT_SIGNATURE
        with _Watch(self, spec, api) as watch:
            spec, watch.rows, _, outputs = await self._infer(
                spec, examples, lambda find: [plan(find(name), name, method, self._check_method_names)], deadline
            )
            return spec._replace(signature_name=name), read_result(outputs[0], watch.rows)

    async def multi_inference(self, request, read_spec, deadline=None):
        """Run several signatures on the same tf.Examples.

        Args:
            request: A `MultiInferenceRequest` message.
            read_spec: A function from a `ModelSpec` message to a `ModelSpec`.
            deadline: As for `predict`.

        Returns:
            The `ModelSpec` that answered, and a `MultiInferenceResponse` message.

        Raises:
            ServingError: If the request cannot be answered.
        """
        spec = read_spec(multi_inference_spec(request))
        with _Watch(self, spec, "MultiInference") as watch:
            spec, watch.rows, tasks, outputs = await self._infer(
                spec,
                request.input,
                lambda find: plan_multi_inference(
                    request, functools.partial(find, wording=_NO_TASK), self._check_method_names
                ),
                deadline,
            )
            return spec, assemble_multi_inference(tasks, outputs, watch.rows, spec.name, spec.version)

    async def _infer(self, spec, examples, plan_tasks, deadline):
        version = self._acquire(spec)
        release = _LastOf(version.release)
        waiting = []
        try:
            tasks = plan_tasks(functools.partial(_find_signature, version))
            array = examples_array(examples)
            for task in tasks:
                signature = version.runner.signatures[task.signature_name]
                inputs = signature.check_inputs({INPUT_NAME: array}, task.signature_name)
                lane = self._lane(version, task.signature_name, task.output_names)
                waiting.append(lane.submit(inputs, deadline, release))
                # Not before: a request that is refused gives nothing back.
                release.expect()
        finally:
            release()
        outputs = await asyncio.gather(*(_outputs(future, spec.name) for future in waiting))
        return ModelSpec(spec.name, version.number), len(array), tasks, outputs

    def _acquire(self, spec):
        version = self.manager.acquire(spec.name, spec.version, spec.label)
        if self.metrics is not None and not version.lanes:
            self.metrics.serves(version.model_name, version.runner.signatures)
        return version

    def _lane(self, version, name, outputs):
        lane = version.lanes.get((name, outputs))
        if lane is None:
            if len(version.lanes) >= MAX_LANES:
                # A client chooses which outputs it asks for: what it no longer uses goes.
                for key in [key for key, lane in version.lanes.items() if lane.idle]:
                    del version.lanes[key]
            lane = version.lanes[name, outputs] = self._make_lane(version, name, outputs)
        return lane

    def _make_lane(self, version, name, outputs):
        runner = version.runner
        return Lane(
            lambda inputs: runner.run(name, inputs, outputs),
            f"signature {name!r} of model {version.model_name!r}",
            self._lane_options(version, name),
            self._executor,
            observe=self._observer(version.model_name, name),
            plan=version.plans.get(name),
            learn=name not in version.plans and is_row_wise(runner.signatures[name]) and not runner.is_stateful(name),
            may_be_quick=not runner.has_loops(name),
        )

    def _lane_options(self, version, name):
        options = self._options
        if version.batching is not None:
            options = options._replace(batching=version.batching)
        if version.runner.cores == 1:
            # One core each: more would only take turns. What loops may take long, and must not shut others out.
            threads = options.threads if version.runner.has_loops(name) else options.cores
            return options._replace(threads=threads, merged_threads=options.cores)
        return options

    def _observer(self, model_name, signature_name):
        metrics, padded = self.metrics, self._options.batching is not None
        if metrics is None:
            return None

        def observe(tasks, size, started, seconds):
            metrics.runtime(model_name, "Predict", seconds)
            if size is not None:
                waits = [started - task.since for task in tasks]
                metrics.batch(
                    model_name, signature_name, [task.rows for task in tasks], waits, size if padded else None
                )

        return observe

    def check(self, spec):
        """Raise what a request for this `ModelSpec` would, if there is no such model, version or label."""
        self.manager.acquire(spec.name, spec.version, spec.label).release()

    def metadata(self, spec):
        """Describe a model's signatures.

        Args:
            spec: A `ModelSpec`; its signature name does not matter.

        Returns:
            The `ModelSpec` that answered, and a `SignatureDefMap` message.

        Raises:
            ServingError: `NOT_FOUND` if there is no such model or version.
        """
        version = self.manager.acquire(spec.name, spec.version, spec.label)
        try:
            return ModelSpec(spec.name, version.number), version.runner.signature_defs
        finally:
            version.release()

    async def status(self, spec):
        """Tell the state of a model's versions: a list of `VersionStatus`, newest first.

        Of several processes, a version is told of when all know it, and is no further than where it is least far.
        """
        asked = spec.name, spec.version, spec.label
        if self._siblings is None:
            return self.manager.status(*asked)
        statuses = least_far(await self._siblings.ask(STATUS, asked))
        if not statuses:
            raise ServingError("NOT_FOUND", f"Could not find any versions of model {spec.name}")
        return statuses

    async def waiting(self):
        """List the models that have no available version, or not in every process."""
        if self._siblings is None:
            return waiting(self.manager)
        return sorted(set().union(*await self._siblings.ask(WAITING)))

    async def reload(self, config):
        """Take over another config, as `Manager.reload` does, in every process.

        Args:
            config: A `ModelServerConfig` message.

        Raises:
            ServingError: If it could not be, by all of them.
        """
        if self._siblings is None:
            await self.in_thread(self.manager.reload, config)
        else:
            await self._siblings.ask(RELOAD, config.SerializeToString())

    async def page(self):
        """Write the page of metrics, of all processes together."""
        if self._siblings is None:
            return self.metrics.page()
        return merged(await self._siblings.ask(PAGE))

    async def in_thread(self, function, *arguments):
        """Call a function that may block, and give what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)


class _Watch:
    """Counts and measures a request; `rows` is for the request to tell."""

    __slots__ = ("_api", "_core", "_spec", "_start", "rows")

    def __init__(self, core, spec, api):
        self._core = core
        self._spec = spec
        self._api = api
        self.rows = 0

    def __enter__(self):
        self._core.in_flight += 1
        self._start = time.perf_counter()
        return self

    def __exit__(self, kind, error, traceback):
        self._core.in_flight -= 1
        if self._core.metrics is None:
            return
        spec, status = self._spec, "OK"
        if error is not None:
            status = "CANCELLED" if kind is asyncio.CancelledError else from_exception(error).code
        seconds = time.perf_counter() - self._start
        self._core.metrics.request(spec.name, spec.signature_name, self._api, status, seconds, self.rows)


class _LastOf:
    """Releases a model when it has been called once for its maker and once for each use that was expected."""

    def __init__(self, release):
        self._release = release
        self._expected = 1
        self._lock = threading.Lock()

    def expect(self):
        with self._lock:
            self._expected += 1

    def __call__(self):
        with self._lock:
            self._expected -= 1
            last = self._expected == 0
        if last:
            self._release()


def _find_signature(version, name, code="INVALID_ARGUMENT", wording="No signature was found with the name: {}."):
    signatures = version.runner.signatures
    if name not in signatures:
        known = f"The model's signatures are: {listed(signatures)}.{did_you_mean(name, signatures)}"
        raise ServingError(code, f"{wording.format(name[:200])} {known}")
    return signatures[name]


def _rows(inputs):
    array = next(iter(inputs.values()), None)
    return len(array) if array is not None and array.ndim else 1


async def _outputs(waiting, model_name):
    try:
        return await waiting
    except ServingError:
        raise
    # A model may raise anything; no request may end the server.
    except Exception as error:
        failure = from_exception(error)
        if failure.code == "INTERNAL":
            log.error("model %s: a request failed", model_name, exc_info=error)
        raise failure from error
