"""Writes a sample of the requests and their answers to TFRecord files of `PredictionLog`, beside the serving."""

import collections
import datetime
import logging
import random
import secrets
import threading
import time

import tensorflow as tf

from serving.errors import ServingError
from serving.protocol import PredictionLog

MAX_RECORDS = 1000
MAX_BYTES = 64 * 2**20
RETRY_SECONDS = 10

log = logging.getLogger("serving")


class RequestLog:
    """A file of sampled requests, written on a thread of its own.

    What the thread cannot keep up with is dropped and counted: no request waits for it. A model can be warmed up with
    such a file of up to 1,000 requests, named `assets.extra/tf_serving_warmup_requests`.

    Args:
        options: What the model's `LoggingConfig` asks for: `filename_prefix`, the path that files begin with (a time, a
            random word and `.tfrecord` follow), and `sampling_rate`, the share of requests to log, in [0, 1].
        seed: Chooses the sample; by chance when None.
    """

    def __init__(self, options, seed=None):
        self.options = options
        self.written = 0
        self.dropped = 0
        self._random = random.Random(seed).random
        self._waiting = collections.deque()
        self._waiting_bytes = 0
        self._closing = False
        self._changed = threading.Condition()
        self._file = _File(options.filename_prefix)
        self._thread = threading.Thread(target=self._write_forever, name="request-log", daemon=True)
        self._thread.start()

    def wants(self):
        """Tell whether to log the next request."""
        return self._random() < self.options.sampling_rate

    def write(self, kind, request, response, model_spec):
        """Hand over a request and its answer.

        Args:
            kind: `"predict"`, `"classify"`, `"regress"` or `"multi_inference"`.
            request: The request's message.
            response: The response's message.
            model_spec: The `ModelSpec` that answered.
        """
        # Written out here, so that what waits has a known size and nobody changes it meanwhile.
        record = _record(kind, request, response, model_spec, self.options.sampling_rate)
        with self._changed:
            full = len(self._waiting) >= MAX_RECORDS or self._waiting_bytes + len(record) > MAX_BYTES
            if full or self._closing:
                self.dropped += 1
                return
            self._waiting.append(record)
            self._waiting_bytes += len(record)
            self._changed.notify()

    def close(self):
        """Write what is waiting, and close the file."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _write_forever(self):
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                records = list(self._waiting)
                self._waiting.clear()
                self._waiting_bytes = 0
            if not records:
                break
            kept = self._file.write(records)
            with self._changed:
                self.written += kept
                self.dropped += len(records) - kept
        self._file.close()


class RequestLogs:
    """The logs that the models' configs ask for, begun when the first request comes.

    Args:
        manager: A `Manager`.
    """

    def __init__(self, manager):
        self._manager = manager
        self._logs = {}

    def find(self, model_name):
        """Find the log that the next request for a model is to be written to.

        Args:
            model_name: The name of a model that is served.

        Returns:
            A `RequestLog`; None if the request is not in the sample, or the model's requests are not logged.
        """
        try:
            options = self._manager.model(model_name).config.logging
        except ServingError:
            # It was answered, and taken away since.
            return None
        if options is None:
            return None
        if options not in self._logs:
            self._logs[options] = RequestLog(options)
        log = self._logs[options]
        return log if log.wants() else None

    def close(self):
        """Write what is waiting, and close the files."""
        for log in self._logs.values():
            log.close()


class _File:
    def __init__(self, prefix):
        self._prefix = prefix
        self._writer = None
        self._retry_at = 0.0
        self._failing = False

    def write(self, records):
        """Write and flush; return how many records are safe, which is all of them or none."""
        if self._writer is None and time.monotonic() < self._retry_at:
            return 0
        try:
            if self._writer is None:
                # Not by pathlib: the prefix may be the address of a bucket.
                tf.io.gfile.makedirs(self._prefix.rpartition("/")[0] or ".")
                self._writer = tf.io.TFRecordWriter(_file_name(self._prefix))
            for record in records:
                self._writer.write(record)
            self._writer.flush()
        except (tf.errors.OpError, OSError) as error:
            self._fail(error)
            return 0
        self._failing = False
        return len(records)

    def _fail(self, error):
        if not self._failing:
            log.error("request log %s: cannot be written, requests are not logged: %s", self._prefix, error)
        self._failing = True
        # The file may end in half a record: the next try begins another, and not at once.
        self._retry_at = time.monotonic() + RETRY_SECONDS
        self.close()

    def close(self):
        writer, self._writer = self._writer, None
        try:
            if writer is not None:
                writer.close()
        except (tf.errors.OpError, OSError):
            # What it could not write was dropped, and logged, before.
            pass


def _record(kind, request, response, model_spec, sampling_rate):
    prediction = PredictionLog()
    metadata = prediction.log_metadata
    metadata.model_spec.name = model_spec.name
    metadata.model_spec.version.value = model_spec.version
    metadata.model_spec.signature_name = model_spec.signature_name
    metadata.sampling_config.sampling_rate = sampling_rate
    metadata.timestamp_secs = int(time.time())
    entry = getattr(prediction, f"{kind}_log")
    entry.request.CopyFrom(request)
    entry.response.CopyFrom(response)
    return prediction.SerializeToString()


def _file_name(prefix):
    # Processes and machines may share a prefix, and a restart must not overwrite what was there.
    now = datetime.datetime.now(datetime.UTC)
    return f"{prefix}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.tfrecord"
