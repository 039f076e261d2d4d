"""Prometheus metrics under TensorFlow Serving's own names, and under `dlkeras_...` where it has none.

Source: https://www.tensorflow.org/tfx/serving/serving_config#monitoring_configuration.
"""

import os
import resource
import sys
import threading
from pathlib import Path

from serving.exposition import Family, Histogram, exponential
from serving.signatures import DEFAULT_SIGNATURE

CONTENT_TYPE = "text/plain"
UNKNOWN = "__unknown__"
MAX_PATHS = 100

LATENCY = exponential(10, 1.8, 33)  # microseconds, up to 25 minutes
QUEUING = exponential(100, 1.2, 52)  # microseconds, up to a second
EXAMPLES = exponential(1, 2, 15)
BATCH_SIZES = exponential(1, 2, 14)

_TFS, _BATCHING = ":tensorflow:serving:", ":tensorflow:serving:batching_session:"
_LOADING, _PATH = ":tensorflow:cc:saved_model:", ("model_path",)
_MODEL, _SIGNATURE, _CALLER = ("model_name",), ("model_name", "signature_name"), ("API", "entrypoint")

# Name, help, labels, and the limits where it is a histogram.
_REQUESTS = {
    "count": (f"{_TFS}request_count", "Requests.", (*_MODEL, "status")),
    "latency": (f"{_TFS}request_latency", "Wall time of answered requests (us).", (*_MODEL, *_CALLER), LATENCY),
    "examples": (f"{_TFS}request_example_counts", "The tensorflow.Examples per request.", ("model",), EXAMPLES),
    "total": (f"{_TFS}request_example_count_total", "The tensorflow.Examples of all requests.", ("model",)),
    "by_signature": ("dlkeras_request_count", "Requests by signature.", (*_SIGNATURE, *_CALLER, "status")),
    "signature_latency": ("dlkeras_request_latency", "Wall time by signature (us).", (*_SIGNATURE, *_CALLER), LATENCY),
    "rows": ("dlkeras_request_rows", "Rows per answered request.", _SIGNATURE, EXAMPLES),
}
_RUNS = {
    "runtime": (f"{_TFS}runtime_latency", "Wall time in TensorFlow (us).", (*_MODEL, "API", "runtime"), LATENCY),
    "queuing": (f"{_BATCHING}queuing_latency", "Time spent waiting to merge (us).", ("thread_pool_name",), QUEUING),
    "runs": (f"{_BATCHING}wrapped_run_count", "Runs of merged requests.", ()),
    "input": (f"{_BATCHING}input_batch_size", "Rows of each request to merge.", (), BATCH_SIZES),
    "processed": (f"{_BATCHING}processed_batch_size", "Rows of each run, with padding.", (), BATCH_SIZES),
    "padding": (f"{_BATCHING}padding_size", "Rows that padding added.", ("execution_batch_size",), BATCH_SIZES),
    "batch": ("dlkeras_batch_rows", "Rows of each run, without padding.", _SIGNATURE, BATCH_SIZES),
}
_LOADS = {
    "attempts": (f"{_LOADING}load_attempt_count", "Tries to load a version.", (*_PATH, "status")),
    "load": (f"{_LOADING}load_latency", "Wall time of loading versions (us).", _PATH),
    "warm_up": (f"{_TFS}model_warmup_latency", "Wall time of warming up (us).", (*_PATH, "status"), LATENCY),
}


class _Series:
    __slots__ = ("count", "latency", "rows")

    def __init__(self):
        self.count = 0
        self.latency = Histogram(LATENCY)
        self.rows = Histogram(EXAMPLES)


class Metrics:
    """What the server counts and measures. `request` is for one thread only, the rest for any."""

    def __init__(self):
        self._lock = threading.Lock()
        self._signatures = {}
        self._series = {}
        # Other keys to some of `_series`, as requests have them, so that `request` finds its own in one look.
        self._by_request = {}
        self._families = {key: Family(*family) for key, family in _RUNS.items()}
        # Each new version is a new path, and a server may see thousands of them.
        self._families |= {key: Family(*family, most=MAX_PATHS) for key, family in _LOADS.items()}
        self._watched = list(_PROCESS)

    def serves(self, model_name, signature_names):
        """Tell which names exist; whatever else clients ask for is counted under one label.

        Args:
            model_name: The model's name.
            signature_names: The names of its signatures; those told before stay known.
        """
        with self._lock:
            known = self._signatures.get(model_name, frozenset())
            self._signatures = {**self._signatures, model_name: known | frozenset(signature_names)}

    def request(self, model_name, signature_name, api, status, seconds, rows):
        """Count a request that has been answered.

        Args:
            model_name: The model's name as the request gave it.
            signature_name: The signature's name; empty for `serving_default`.
            api: TensorFlow Serving's label: `Predict`, `Classify`, `Regress` or `MultiInference` by gRPC, and
                `predict`, `classify` or `regress` by REST.
            status: The gRPC status code name.
            seconds: How long the answer took; measured only when the status is `OK`, as is `rows`.
            rows: How many examples the request held.
        """
        series = self._by_request.get((model_name, signature_name, api, status))
        if series is None:
            series = self._find(model_name, signature_name, api, status)
        series.count += 1
        if status == "OK":
            series.latency.add(seconds * 1e6)
            series.rows.add(rows)

    def _find(self, model_name, signature_name, api, status):
        signatures = self._signatures.get(model_name)
        name = signature_name or DEFAULT_SIGNATURE
        known = signatures is not None and name in signatures
        labels = (UNKNOWN if signatures is None else model_name, name if known else UNKNOWN, api, status)
        series = self._series.setdefault(labels, _Series())
        if known:
            self._by_request[model_name, signature_name, api, status] = series
        return series

    def runtime(self, model_name, api, seconds):
        """Measure how long TensorFlow worked on a request; `api` is gRPC's name of it, however it came."""
        with self._lock:
            # TensorFlow Serving's word for a model that runs in a session, whichever release wrote it.
            self._families["runtime"].histogram(model_name, api, "TF1").add(seconds * 1e6)

    def batch(self, model_name, signature_name, sizes, waits, executed=None):
        """Measure a run of merged requests.

        Args:
            model_name: The model's name, which also stands where TensorFlow Serving has a thread pool's.
            signature_name: The signature's name.
            sizes: The rows of each request in it.
            waits: The seconds that each has waited for it.
            executed: The rows run, padding included, where only some sizes are allowed; None where all are.
        """
        size = sum(sizes)
        with self._lock:
            families = self._families
            families["runs"].add(1)
            families["input"].histogram().add_all(sizes)
            families["queuing"].histogram(model_name).add_all([seconds * 1e6 for seconds in waits])
            families["processed"].histogram().add(executed or size)
            families["batch"].histogram(model_name, signature_name).add(size)
            if executed is not None:
                families["padding"].histogram(executed).add(executed - size)

    def load(self, path, succeeded, seconds):
        """Count an attempt to load a version.

        Args:
            path: The version's folder.
            succeeded: Whether it loaded.
            seconds: How long that took; measured only when it loaded.
        """
        with self._lock:
            self._families["attempts"].add(1, str(path), "success" if succeeded else "fail")
            if succeeded:
                self._families["load"].add(round(seconds * 1e6), str(path))

    def warm_up(self, path, status, seconds):
        """Measure the warm-up of a version that has requests for it; `status` is a gRPC status code name."""
        with self._lock:
            self._families["warm_up"].histogram(str(path), status).add(seconds * 1e6)

    def watch(self, name, kind, help_text, labels, read):
        """Show numbers that are kept elsewhere.

        Args:
            name: The metric's name.
            kind: `"counter"` or `"gauge"`.
            help_text: What it is, with its unit.
            labels: A tuple of label names.
            read: A function that returns tuples of label values to numbers; called for every page.
        """
        self._watched.append((name, kind, help_text, labels, read))

    def page(self):
        """Write all metrics as Prometheus's text, of type `CONTENT_TYPE`.

        Returns:
            Bytes.
        """
        lines = []
        for family in self._request_families():
            family.write(lines)
        with self._lock:
            for family in self._families.values():
                family.write(lines)
        for name, kind, help_text, labels, read in self._watched:
            family = Family(name, help_text, labels, kind=kind)
            family.cells = read()
            family.write(lines)
        return ("\n".join(lines) + "\n").encode()

    def _request_families(self):
        families = {key: Family(*family) for key, family in _REQUESTS.items()}
        for (model, signature, api, status), series in list(self._series.items()):
            entrypoint = "REST" if api.islower() else "GRPC"
            families["count"].add(series.count, model, status)
            families["by_signature"].add(series.count, model, signature, api, entrypoint, status)
            if status != "OK":
                continue
            families["latency"].histogram(model, api, entrypoint).merge(series.latency)
            families["signature_latency"].histogram(model, signature, api, entrypoint).merge(series.latency)
            families["rows"].histogram(model, signature).merge(series.rows)
            # A Predict request holds tensors, no tf.Examples.
            if api.lower() != "predict":
                families["examples"].histogram(model).merge(series.rows)
                families["total"].add(series.rows.total, model)
        return families.values()


def _resident_bytes():
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return {(): pages * resource.getpagesize()}
    except OSError:
        # Where there is no /proc: the most it ever was, which macOS tells in bytes and others in KiB.
        return {(): resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)}


def _cpu_seconds():
    times = os.times()
    return {(): times.user + times.system}


_PROCESS = (
    ("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", (), _resident_bytes),
    ("process_cpu_seconds_total", "counter", "User and system CPU time in seconds.", (), _cpu_seconds),
)
