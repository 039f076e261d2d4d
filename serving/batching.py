"""Lanes: one for each signature, where requests wait, are gathered, and are run, here or on a thread."""

import asyncio
import functools
import logging
import os
import time
from typing import NamedTuple

import numpy as np

from serving.errors import ServingError, from_exception
from serving.line import Line, Task, Turn
from serving.merging import SAMPLES, find_plan, join, pad_alike, rows_of, run_in_parts

log = logging.getLogger("serving")

# A run as short as this is cheaper on the event loop's own thread than handed to another and back.
QUICK_SECONDS = 0.0006
# Waiting for the processor counts here, so that a model that waits for something else does not hold up the loop.
QUICK_WALL_SECONDS = 0.006
# The event loop goes back to its connections after this long.
SLICE_SECONDS = 0.003
SMOOTHING = 0.2
MAX_SAMPLE_BYTES = 2**24
MAX_SHAPES = 8
NOTHING = Turn([], None, None, [])


class LaneOptions(NamedTuple):
    """How a lane gathers.

    Args:
        max_waiting: Requests that may wait; further ones are refused.
        threads: Runs side by side of requests that are not merged.
        merged_threads: Runs side by side of those that are.
        merge: Whether requests that wait are merged where that is found to change no answer.
        batching: `BatchingOptions`, which merge whatever fits and may wait for more; None for the above.
        cores: Runs side by side of what runs on one core.
    """

    max_waiting: int = 1000
    threads: int = 4 * (os.cpu_count() or 1)
    merged_threads: int = 2
    merge: bool = True
    batching: object = None
    cores: int = os.cpu_count() or 1


class Lane:
    """The requests for one signature of one version of a model. For one thread, the event loop's.

    Args:
        run: A blocking function from inputs to outputs, names to arrays each.
        name: What to call it in messages.
        options: `LaneOptions`.
        executor: Where runs go that are not quick.
        plan: The `Plan` by which requests are merged; None if that is not known to be safe.
        learn: Whether to find a plan from the first requests.
        may_be_quick: Whether runs may be done on the event loop's thread when they are short.
        observe: A function that is told of every run: its tasks, the rows they were run as or None, when it started on
            `time.monotonic`'s clock, and the seconds it took.
    """

    def __init__(self, run, name, options, executor, plan=None, learn=False, may_be_quick=True, observe=None):
        batching = options.batching
        parts = batching is not None and batching.enable_large_batch_splitting
        self._run = functools.partial(run_in_parts, run, batching.max_execution_batch_size) if parts else run
        self._name = name
        self._options = options
        self._executor = executor
        self._line = Line(name, options.max_waiting, batching, plan)
        self._samples = {} if learn and options.merge and plan is None else None
        self._may_be_quick = may_be_quick
        self._observe = observe
        self._loop = asyncio.get_running_loop()
        self._running = 0
        self._was_quick = False
        self._scheduled = False
        self._timer = None
        # Requests whose clients will stop waiting, and when the next is looked for: an alarm for each would cost more.
        self._limited = set()
        self._alarm, self._alarm_at = None, 0.0
        self._clocks = {}

    @property
    def plan(self):
        """The `Plan` by which requests are merged, or None."""
        return self._line.plan

    @property
    def _threads(self):
        if self._options.batching is not None:
            return self._options.batching.num_batch_threads
        # Many small runs side by side would leave nothing to merge.
        return self._options.threads if self._line.plan is None else self._options.merged_threads

    @property
    def waiting(self):
        """How many requests wait."""
        return len(self._line)

    @property
    def idle(self):
        """Whether nothing waits or runs."""
        return not self._line and not self._running

    def submit(self, inputs, deadline, release, alone=False):
        """Put a request in line.

        Args:
            inputs: Names to arrays.
            deadline: When its client stops waiting, on `time.monotonic`'s clock; None for never.
            release: A function to call when the model is no longer needed for it, whatever becomes of it.
            alone: Whether it must not share a run, because its shapes are not the signature's.

        Returns:
            An `asyncio.Future` of the outputs; cancel it to take the request out of the line.

        Raises:
            ServingError: `UNAVAILABLE` if too many wait already, `INVALID_ARGUMENT` if it is larger than a batch;
                `release` is not called then.
        """
        key, rows = (None, 1) if alone else self._shape_of(inputs)
        self._line.check(rows)
        task = Task(inputs, key, rows, deadline, release, self._loop.create_future())
        self._line.put(task)
        # Not at once: the other connections may have brought requests that can go along.
        self._schedule()
        if deadline is not None:
            self._expire_at(task)
        return task.future

    def _shape_of(self, inputs):
        batching = self._options.batching
        if self._line.plan is None and self._samples is None and batching is None:
            return None, 1
        key, rows = _shape_of(inputs)
        if key is not None and batching is not None and batching.pad_variable_length_inputs:
            key = tuple(map(len, key))
        return key, rows

    def _expire_at(self, task):
        self._limited.add(task)
        if self._alarm is None or task.deadline < self._alarm_at:
            self._set_alarm(task.deadline)

    def _forget(self, tasks):
        self._limited.difference_update(tasks)
        if self._alarm is not None and not self._limited:
            # It would keep the model from being forgotten.
            self._alarm.cancel()
            self._alarm = None

    def _bury(self, tasks):
        self._forget(tasks)
        for task in tasks:
            _expire(task.future)
            task.release()

    def _set_alarm(self, deadline):
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = deadline
        self._alarm = self._loop.call_later(max(0.0, deadline - time.monotonic()), self._on_alarm)

    def _on_alarm(self):
        self._alarm = None
        now = time.monotonic()
        for task in [task for task in self._limited if task.deadline <= now]:
            self._limited.discard(task)
            _expire(task.future)
        if self._limited:
            self._set_alarm(min(task.deadline for task in self._limited))

    def _schedule(self):
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._start)

    def _start(self):
        self._scheduled = False
        until = time.monotonic() + SLICE_SECONDS
        while self._line and self._running < self._threads:
            turn = self._line.take(1 if self._was_quick else self._threads)
            self._bury(turn.dead)
            if not turn.tasks:
                if turn.wait is not None and self._timer is None:
                    self._timer = self._loop.call_later(turn.wait, self._on_timer)
                break
            self._was_quick = self._is_quick(turn.size)
            if self._was_quick:
                self._finish(turn.tasks, self._attempt(turn.tasks, turn.size))
                if time.monotonic() > until:
                    return self._schedule()
            else:
                self._running += 1
                self._executor.submit(self._work, turn)

    def _on_timer(self):
        self._timer = None
        self._schedule()

    # Running.

    def _is_quick(self, size):
        clock = self._clocks.get(size)
        return (
            self._may_be_quick and clock is not None and clock.cpu < QUICK_SECONDS and clock.wall < QUICK_WALL_SECONDS
        )

    def _work(self, turn):
        while turn.tasks:
            done, results = turn.tasks, self._attempt(turn.tasks, turn.size)
            # The next is begun before the loop has sent the answers to the last, or a core would stand still.
            turn = NOTHING if self._is_quick(turn.size) else self._line.take(self._threads)
            try:
                self._loop.call_soon_threadsafe(self._worked, done, results, turn)
            except RuntimeError:
                # The loop was closed while this ran: nobody waits any more.
                for task in (*done, *turn.tasks, *turn.dead):
                    task.release()
                return

    def _worked(self, tasks, results, turn):
        self._bury(turn.dead)
        if not turn.tasks:
            self._running -= 1
            if self._line:
                self._schedule()
        self._finish(tasks, results)

    def _attempt(self, tasks, size):
        """Run tasks together: a list of outputs or exceptions, one for each."""
        if len(tasks) == 1 and size in (None, tasks[0].rows):
            return [self._attempt_one(tasks[0], size)]
        try:
            parts = [task.inputs for task in tasks]
            if self._options.batching is not None and self._options.batching.pad_variable_length_inputs:
                parts = pad_alike(parts)
            return _split(self._timed(join(parts, size), tasks, size), tasks, size)
        except Exception:
            # One request's bad input must not be the others' error.
            return [self._attempt_one(task, None) for task in tasks]

    def _attempt_one(self, task, size):
        try:
            return None if task.future.cancelled() else self._timed(task.inputs, [task], size)
        except Exception as error:
            return error

    def _timed(self, inputs, tasks, size):
        start, cpu = time.monotonic(), time.thread_time()
        outputs = self._run(inputs)
        wall, cpu = time.monotonic() - start, time.thread_time() - cpu
        self._clocks.setdefault(size, _Clock()).add(cpu, wall)
        if self._observe is not None:
            self._observe(tasks, size, start, wall)
        return outputs

    def _finish(self, tasks, results):
        self._forget(tasks)
        for task, result in zip(tasks, results, strict=True):
            if self._samples is None or not self._learn(task, result):
                task.release()
            if task.future.done():
                continue
            if isinstance(result, Exception):
                task.future.set_exception(result)
            else:
                task.future.set_result(result)

    # Learning.

    def _learn(self, task, result):
        """Keep a request as a sample; True if its model must stay loaded while a plan is made of what was kept."""
        if task.key is None or task.rows != 1 or not isinstance(result, dict):
            return False
        if sum(array.nbytes for array in task.inputs.values()) > MAX_SAMPLE_BYTES:
            return False
        samples = self._samples.setdefault(task.key, [])
        if not any(_equal(task.inputs, sample) for sample in samples):
            samples.append(task.inputs)
        if len(samples) >= SAMPLES:
            self._samples = None
            self._executor.submit(self._make_plan, samples, task.release)
            return True
        if len(self._samples) > MAX_SHAPES:
            # Every request has another shape: there is nothing to merge.
            self._samples = None
        return False

    def _make_plan(self, samples, release):
        try:
            plan = find_plan(self._run, samples)
        except Exception as error:
            plan = None
            log.warning("%s: requests are not merged: %s", self._name, from_exception(error).message)
        release()
        if plan is not None:
            self._loop.call_soon_threadsafe(self._use, plan)

    def _use(self, plan):
        self._line.plan = plan


class _Clock:
    """The time that runs of one size take, smoothed: of the processor, and in all."""

    __slots__ = ("cpu", "runs", "wall")

    def __init__(self):
        self.runs = 0
        self.cpu = self.wall = float("inf")

    def add(self, cpu, wall):
        self.runs += 1
        if self.runs == 2:
            # The first run of a size is not like the others.
            self.cpu, self.wall = cpu, wall
        elif self.runs > 2:
            self.cpu += SMOOTHING * (cpu - self.cpu)
            self.wall += SMOOTHING * (wall - self.wall)


def _expire(future):
    if not future.done():
        future.set_exception(ServingError("DEADLINE_EXCEEDED", "the request's time was up before it was answered"))


def _shape_of(inputs):
    rows, key = None, ()
    for array in inputs.values():
        shape = array.shape
        if not shape or not shape[0] or rows not in (None, shape[0]):
            return None, 1
        rows = shape[0]
        key += (shape[1:],)
    return (key, rows) if key else (None, 1)


def _equal(inputs, others):
    return all(np.array_equal(array, others[name]) for name, array in inputs.items())


def _split(outputs, tasks, size):
    rows = sum(task.rows for task in tasks) if size is None else size
    if any(not array.shape or len(array) != rows for array in outputs.values()):
        raise ValueError("an output has not a row for every row of the inputs")
    results, start = [], 0
    for task in tasks:
        results.append(rows_of(outputs, start, start + task.rows))
        start += task.rows
    return results
