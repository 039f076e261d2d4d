"""Coroutines that are begun at once, for requests: most of them wait for one thing alone."""

import asyncio


class EagerTask:
    """Runs a coroutine up to where it first waits, and from there on when it need not wait any longer.

    So do the eager tasks of asyncio, from Python 3.12 on. This one has no context of its own and is nobody's
    `current_task`, which takes half the time; its coroutine may wait for futures and for nothing else.

    Args:
        coroutine: A coroutine that raises nothing but `asyncio.CancelledError`.
    """

    __slots__ = ("_coroutine", "_future")

    def __init__(self, coroutine):
        self._coroutine = coroutine
        self._future = None

    def start(self):
        """Begin; to be called once, when whoever may be told of the end knows this task."""
        self._go_on(None)

    def _go_on(self, _):
        try:
            self._future = future = self._coroutine.send(None)
        except (StopIteration, asyncio.CancelledError):
            self._future = None
            return
        # What tells a future that it was waited for as it should be.
        future._asyncio_future_blocking = False
        future.add_done_callback(self._go_on)

    def cancel(self):
        """Raise `asyncio.CancelledError` in the coroutine, unless what it waits for is there."""
        if self._future is not None:
            self._future.cancel()
