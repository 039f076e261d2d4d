"""`--num_processes`: several processes that answer on the same ports, and the one that keeps them.

The kernel deals connections out to them. Each has the models to itself; what concerns all of them, a new config or the
page of metrics, goes through the keeper, which loads nothing itself.
"""

import contextlib
import itertools
import logging
import multiprocessing
import os
import signal
import sys
import time
from multiprocessing import connection as connections

from serving.siblings import ANSWERS, ASK, DO, FAILED, READY, RELOAD, Siblings

log = logging.getLogger("serving")

# Longer than a server takes to answer what was asked.
STOP_SECONDS = 20
# One that ends is replaced at once; one that ends again and again, after pauses of up to so long.
LONGEST_PAUSE_SECONDS = 30
SETTLED_SECONDS = 60
# Of a config that was refused nothing was taken over.
_REFUSED = ("INVALID_ARGUMENT", "FAILED_PRECONDITION")


class Keeper:
    """Keeps processes going, and passes on between them what concerns all.

    Args:
        number: How many.
        run: What each of them does: a function of its `Siblings` and of the config, as bytes, that was taken over
            since the start, or None; it returns the process's exit code.
    """

    def __init__(self, number, run):
        self._number, self._run = number, run
        # A fork of a process without threads or TensorFlow begins where this one is.
        self._context = multiprocessing.get_context("fork")
        self._signalled, self._signal = self._context.Pipe(duplex=False)
        self._children = {}
        self._config = None
        self._asks, self._keys = {}, itertools.count()
        self._starts = []
        self._pause = 0
        self._announced = False
        self._stop_at = None
        self._exit_code = 0

    def keep(self):
        """Keep them until `stop` is called.

        Returns:
            The exit code: 0 after `stop`, 1 if one of them failed before all were ready once.
        """
        self._starts = [0.0] * self._number
        while self._children or self._starts:
            self._start_due()
            for ready in connections.wait([*self._children, self._signalled], self._seconds_to_wait()):
                self._hear(ready)
            if self._stop_at is not None and time.monotonic() > self._stop_at:
                for child in self._children.values():
                    child.process.kill()
        return self._exit_code

    def stop(self):
        """Have `keep` end all of them and return; may be called by a signal's handler."""
        self._signal.send(None)

    def _seconds_to_wait(self):
        times = [*self._starts, *([] if self._stop_at is None else [self._stop_at])]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _start_due(self):
        for start in [start for start in self._starts if start <= time.monotonic()]:
            self._starts.remove(start)
            ours, theirs = self._context.Pipe()
            process = self._context.Process(target=self._begin, args=(theirs, [*self._children, ours]))
            process.start()
            theirs.close()
            self._children[ours] = _Child(process, self._config)

    def _begin(self, connection, others):
        # While another held an end of theirs, none would notice that the keeper is gone.
        for other in others:
            other.close()
        exit_code = self._run(Siblings(connection), self._config)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)

    def _hear(self, ready):
        if ready is self._signalled:
            ready.recv()
            self._stop()
        elif ready in self._children:
            try:
                kind, *rest = ready.recv()
            except (EOFError, OSError):
                self._bury(ready)
            else:
                self._take(ready, kind, rest)

    def _take(self, connection, kind, rest):
        child = self._children[connection]
        if kind == READY:
            self._take_ready(connection, child, *rest)
        elif kind == FAILED:
            child.failure = rest[0]
        elif kind == ASK:
            self._asks[next(self._keys)] = _Ask(connection, *rest)
            self._begin_asks()
        else:
            key, result = rest
            if key is not None:
                self._asks[key].results.append(result)
                self._has_told(key, connection)

    def _take_ready(self, connection, child, text):
        child.is_ready = True
        if child.config is not self._config:
            # It began before the others took this over.
            _send(connection, DO, None, RELOAD, self._config)
        if not self._announced and all(child.is_ready for child in self._children.values()) and not self._starts:
            self._announced = True
            print(f"serving ready: {text}; {self._number} processes", flush=True)

    def _begin_asks(self):
        begun = {ask.what for ask in self._asks.values() if ask.asked}
        for key, ask in self._asks.items():
            if ask.what not in begun:
                begun.add(ask.what)
                ready = {connection for connection, child in self._children.items() if child.is_ready}
                ask.asked = ready | {ask.asker}  # which may be asked before it has said that it is ready
                ask.waiting = set(ask.asked)
                for connection in ask.asked:
                    _send(connection, DO, key, ask.what, ask.payload)

    def _has_told(self, key, connection):
        ask = self._asks[key]
        ask.waiting.discard(connection)
        if ask.waiting:
            return
        del self._asks[key]
        if ask.what == RELOAD and any(failure is None or failure[0] not in _REFUSED for failure, _ in ask.results):
            self._config = ask.payload
            for late in [late for late, child in self._children.items() if child.is_ready and late not in ask.asked]:
                _send(late, DO, None, RELOAD, self._config)
        _send(ask.asker, ANSWERS, ask.number, ask.results)
        self._begin_asks()

    def _bury(self, connection):
        child = self._children.pop(connection)
        connection.close()
        child.process.join()
        self._asks = {key: ask for key, ask in self._asks.items() if ask.asked or ask.asker is not connection}
        for key in [key for key, ask in self._asks.items() if connection in ask.waiting]:
            self._has_told(key, connection)
        if self._stop_at is not None:
            return
        if not self._announced:
            # The first word of it is for whoever started this; what the others say after it would be the same.
            print(f"serving: {child.failure or _how_it_ended(child.process)}", file=sys.stderr)
            self._exit_code = 1
            self._stop()
            return
        lived = time.monotonic() - child.since
        self._pause = 0 if lived > SETTLED_SECONDS else min(max(1, 2 * self._pause), LONGEST_PAUSE_SECONDS)
        why = child.failure or _how_it_ended(child.process)
        log.error("one of %d processes ended: %s; another is started in %d s", self._number, why, self._pause)
        self._starts.append(time.monotonic() + self._pause)

    def _stop(self):
        if self._stop_at is None:
            self._stop_at = time.monotonic() + STOP_SECONDS
        self._starts = []
        for child in self._children.values():
            child.process.terminate()


class _Child:
    """A process, and the config that it began with."""

    def __init__(self, process, config):
        self.process, self.config = process, config
        self.since = time.monotonic()
        self.is_ready = False
        self.failure = ""


class _Ask:
    """What a process wants all of them to do: who was `asked`, nobody before it has begun, and who has not done it."""

    def __init__(self, asker, number, what, payload):
        self.asker, self.number, self.what, self.payload = asker, number, what, payload
        self.asked, self.waiting, self.results = set(), set(), []


def _send(connection, *message):
    # One that has ended is noticed where it is listened to.
    with contextlib.suppress(OSError):
        connection.send(message)


def _how_it_ended(process):
    code = process.exitcode
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
