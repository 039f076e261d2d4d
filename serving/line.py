"""A line of requests that wait for the same signature, and which of them are run next."""

import threading
import time
from collections import deque
from typing import NamedTuple

from serving.errors import ServingError


class Task:
    """A request that waits for its outputs.

    Attributes:
        inputs: Names to arrays.
        key: What requests must have in common to be run together; None for those that cannot be.
        rows: How many rows the inputs have.
        deadline: When its client stops waiting, on `time.monotonic`'s clock; None for never.
        release: A function to call when the model is no longer needed for it.
        future: Where its outputs go.
        since: When it came.
    """

    __slots__ = ("deadline", "future", "inputs", "key", "release", "rows", "since")

    def __init__(self, inputs, key, rows, deadline, release, future):
        self.inputs = inputs
        self.key = key
        self.rows = rows
        self.deadline = deadline
        self.release = release
        self.future = future
        self.since = time.monotonic()

    def is_dead(self, now):
        """Tell whether its client has gone, or its time is up."""
        return self.future.done() or (self.deadline is not None and self.deadline <= now)


class Turn(NamedTuple):
    """What is to be done next.

    Args:
        tasks: The requests to run together; none if there is nothing to run now.
        size: The rows to run them as; None for as they are.
        wait: Seconds after which to ask again, where more requests are waited for; None where not.
        dead: Requests taken out of the line that nobody waits for any more.
    """

    tasks: list
    size: int | None
    wait: float | None
    dead: list


class Line:
    """Requests that wait. Every method may be called from any thread.

    Args:
        name: What to call it in messages.
        max_waiting: Requests that may wait; further ones are refused.
        batching: `BatchingOptions`, which merge whatever fits and may wait for more; None to merge by the plan.
        plan: The `Plan` by which requests are merged; None not to merge. It may be set later.
    """

    def __init__(self, name, max_waiting, batching=None, plan=None):
        self._name = name
        self._batching = batching
        self._max_waiting = max_waiting
        if batching is not None:
            self._max_waiting = batching.max_enqueued_batches * batching.max_batch_size
        self.plan = plan
        self._lock = threading.Lock()
        self._tasks = deque()

    def __len__(self):
        return len(self._tasks)

    def check(self, rows):
        """Refuse a request before it is put in line.

        Args:
            rows: How many rows it has.

        Raises:
            ServingError: `UNAVAILABLE` if too many wait, `INVALID_ARGUMENT` if it has more rows than a batch.
        """
        if len(self._tasks) >= self._max_waiting:
            raise ServingError(
                "UNAVAILABLE",
                "The batch scheduling queue to which this task was submitted is full; "
                f"{len(self._tasks)} requests wait for {self._name} and {self._max_waiting} may: try again later",
            )
        if self._batching is not None and rows > self._batching.max_batch_size:
            limit = self._batching.max_batch_size
            message = f"Task size {rows} is larger than maximum input batch size {limit}"
            raise ServingError("INVALID_ARGUMENT", message)

    def put(self, task):
        """Put a request at the end."""
        with self._lock:
            self._tasks.append(task)

    def take(self, shares=1):
        """Take out what is to be run next.

        Args:
            shares: How many runs side by side the line is for: no more than that part of it is taken, because a
                run that took all would leave the others nothing to do.

        Returns:
            A `Turn`.
        """
        now, dead = time.monotonic(), []
        with self._lock:
            while self._tasks and self._tasks[0].is_dead(now):
                dead.append(self._tasks.popleft())
            if not self._tasks:
                return Turn([], None, None, dead)
            first = self._tasks[0]
            if first.key is not None and self._batching is not None:
                return self._take_batch(first, now, dead)
            if first.key is None or self.plan is None or first.rows > self.plan.max_rows:
                return Turn([self._tasks.popleft()], None, None, dead)
            return self._take_planned(first, now, dead, shares)

    def _take_planned(self, first, now, dead, shares):
        share = -(-len(self._tasks) // shares)
        alike, rows = self._alike(first, self.plan.max_rows, now, share)
        size = self.plan.choose(rows)
        if size < first.rows:
            return Turn([self._tasks.popleft()], None, None, dead)
        while rows > size:
            rows -= alike.pop().rows
        self._remove(alike)
        return Turn(alike, size, None, dead)

    def _take_batch(self, first, now, dead):
        batching = self._batching
        alike, rows = self._alike(first, batching.max_batch_size, now)
        wait = first.since + batching.batch_timeout_micros * 1e-6 - now
        full = rows >= batching.max_batch_size or len(alike) < len(self._tasks)
        if wait > 0 and not full:
            return Turn([], None, wait, dead)
        self._remove(alike)
        return Turn(alike, next((size for size in batching.allowed_batch_sizes if size >= rows), rows), None, dead)

    def _alike(self, first, max_rows, now, most=None):
        alike, rows = [], 0
        for task in self._tasks:
            if task.key == first.key and not task.is_dead(now):
                if rows + task.rows > max_rows or len(alike) == most:
                    break
                alike.append(task)
                rows += task.rows
        return alike, rows

    def _remove(self, tasks):
        if len(tasks) == len(self._tasks):
            self._tasks.clear()
        else:
            taken = set(map(id, tasks))
            self._tasks = deque(task for task in self._tasks if id(task) not in taken)
