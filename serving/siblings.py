"""One of several processes on the same ports: how it tells the one that keeps them, and asks all of them."""

import asyncio
import itertools
import logging
import os
import signal
import threading
from concurrent import futures

from serving.errors import ServingError, from_exception

log = logging.getLogger("serving")

# Words of the messages between a process and its keeper.
READY, FAILED, ASK, DO, TOLD, ANSWERS = "ready", "failed", "ask", "do", "told", "answers"
# What all of them can be asked, each by one of them at a time, and beside the others.
KINDS = RELOAD, PAGE, STATUS, WAITING = "reload", "page", "status", "waiting"


class Siblings:
    """The processes that answer on the same ports, this one among them. Every method may be called from any thread.

    Where the keeper has ended, this process ends too, as by SIGTERM.

    Args:
        connection: Its end of the `multiprocessing.Pipe` to the keeper.
    """

    def __init__(self, connection):
        self._connection, self._sending = connection, threading.Lock()
        self._actions, self._asked, self._numbers = {}, {}, itertools.count()
        self._executor = futures.ThreadPoolExecutor(len(KINDS), "siblings")
        threading.Thread(target=self._listen, name="siblings", daemon=True).start()

    def ready(self, text):
        """Tell the keeper that requests are answered from now on, and what to say of it."""
        self._send(READY, text)

    def failed(self, text):
        """Tell the keeper why this process is about to end."""
        self._send(FAILED, text)

    def on(self, what, action):
        """Say how this process does what all of them are asked.

        Args:
            what: One of `KINDS`.
            action: A function of what `ask` was given; what it returns, or the `ServingError` it raises, is told.
        """
        self._actions[what] = action

    async def ask(self, what, payload=None):
        """Have all processes do something, this one too.

        Args:
            what: One of `KINDS`.
            payload: What each one's action is given.

        Returns:
            A list of what they returned.

        Raises:
            ServingError: If one of them raised it.
        """
        number, future = next(self._numbers), futures.Future()
        future.set_running_or_notify_cancel()  # an answer may come when nobody waits any more
        self._asked[number] = future
        self._send(ASK, number, what, payload)
        results = await asyncio.wrap_future(future)
        failures = [failure for failure, _ in results if failure]
        if failures:
            code, message = failures[0]
            if what == RELOAD and len(failures) < len(results):
                message = f"{len(failures)} of {len(results)} processes: {message}"
            raise ServingError(code, message)
        return [value for _, value in results]

    def _send(self, *message):
        with self._sending:
            self._connection.send(message)

    def _listen(self):
        while True:
            try:
                kind, number, *rest = self._connection.recv()
            except (EOFError, OSError):
                log.error("the process that keeps this one has ended")
                os.kill(os.getpid(), signal.SIGTERM)
                return
            if kind == DO:
                self._executor.submit(self._do, number, *rest)
            else:
                self._asked.pop(number).set_result(*rest)

    def _do(self, number, what, payload):
        try:
            result = None, self._actions[what](payload)
        except Exception as error:
            failure = from_exception(error)
            result = (failure.code, failure.message), None
        self._send(TOLD, number, result)
