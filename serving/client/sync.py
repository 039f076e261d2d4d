"""The client that waits for its answers."""

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from serving.client.calls import ClientError, Sleep, advance
from serving.client.grpc_channel import GrpcChannel
from serving.client.http_connections import HttpConnections
from serving.client.operations import Operations, check_many


class Client(Operations):
    """Calls models on a server. Safe to use from many threads, and as a context manager.

    Its arguments and what it can ask are those of `Operations`.
    """

    def _open(self, address, tls, compress):
        return (HttpConnections if address.rest else GrpcChannel)(address, tls, compress)

    def _run(self, flow):
        reply = error = None
        while True:
            try:
                step = advance(flow, reply, error)
            except StopIteration as end:
                return end.value
            reply = error = None
            if isinstance(step, Sleep):
                time.sleep(step.seconds)
                continue
            try:
                reply = self._transport.send(step.call, step.timeout)
            except ClientError as failure:
                error = failure

    def predict_many(self, model, inputs, window=32, errors="raise", **options):
        """Run a model on many inputs, several at a time, and give the answers in the inputs' order.

        Args:
            model: The model's name.
            inputs: An iterable of what `predict` takes, read only as fast as answers are taken.
            window: How many requests may be in flight.
            errors: `"raise"` ends with the first failure, at its place; `"return"` gives the `ClientError` there and
                goes on.
            options: What else `predict` takes; the timeout is each request's own.

        Yields:
            What `predict` gives.

        Raises:
            ValueError: If `window` or `errors` is none of these.
        """
        check_many(window, errors)
        return self._predict_many(model, inputs, window, errors, options)

    def _predict_many(self, model, inputs, window, errors, options):
        waiting = deque()

        def first():
            try:
                return waiting.popleft().result()
            except ClientError as error:
                if errors == "raise":
                    raise
                return error

        pool = ThreadPoolExecutor(window, "predict_many")
        try:
            for one in inputs:
                waiting.append(pool.submit(self.predict, model, one, **options))
                while waiting and (len(waiting) >= window or waiting[0].done()):
                    yield first()
            while waiting:
                yield first()
        finally:
            # Whoever stops early must not wait for answers that nobody wants.
            pool.shutdown(wait=False, cancel_futures=True)

    def close(self):
        """Close the connection."""
        self._transport.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
