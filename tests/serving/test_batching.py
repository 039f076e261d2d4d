"""Lanes: requests wait, are gathered, expire, and are refused when there are too many."""

import asyncio
import threading
import time
import types
from concurrent import futures

import numpy as np
import pytest

from serving.batching import Lane, LaneOptions
from serving.config_protos import BatchingOptions
from serving.errors import ServingError
from serving.line import Line, Task
from serving.merging import Plan

PLAN = Plan({1: 1.0, 2: 1.1, 4: 1.2, 8: 1.3})


class Model:
    """Doubles its input, remembers how many rows each run had, and can be held up."""

    def __init__(self):
        self.rows = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self, inputs):
        self.go.wait(10)
        if (inputs["x"] < 0).any():
            raise ServingError("INVALID_ARGUMENT", "x must be 0 or more")
        self.rows.append(len(inputs["x"]))
        return {"y": inputs["x"] * 2}


class Hold:
    """Counts what is held and given back."""

    def __init__(self):
        self.held = 0

    def __call__(self):
        self.held -= 1


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def hold():
    hold = Hold()
    yield hold
    assert hold.held == 0


def run(test, model, hold, options=None, **arguments):
    async def main():
        with futures.ThreadPoolExecutor(8) as executor:
            lane = Lane(model, "m", options or LaneOptions(), executor, **arguments)

            def submit(*rows, deadline=None, dtype=np.float32):
                future = lane.submit({"x": np.array(rows, dtype)}, deadline, hold)
                hold.held += 1
                return future

            try:
                await test(lane, submit)
            finally:
                model.go.set()
            until = time.monotonic() + 5
            while hold.held and time.monotonic() < until:
                await asyncio.sleep(0.01)

    asyncio.run(main())


async def answers(waiting):
    return [(await future)["y"].tolist() for future in waiting]


async def until_running(lane):
    while lane.waiting or lane.idle:
        await asyncio.sleep(0.001)


def test_without_a_plan_each_request_runs_alone(model, hold):
    async def test(lane, submit):
        assert await answers([submit([i]) for i in range(5)]) == [[[2.0 * i]] for i in range(5)]
        assert model.rows == [1] * 5

    run(test, model, hold)


def test_merged_runs_have_a_number_of_their_own(model, hold):
    async def test(lane, submit):
        model.go.clear()
        waiting = [submit([float(i)]) for i in range(16)]
        await asyncio.sleep(0.1)
        assert lane.waiting == 8
        model.go.set()
        await answers(waiting)
        assert model.rows == [8, 8]

    run(test, model, hold, LaneOptions(threads=8, merged_threads=1), plan=PLAN)


def test_those_that_wait_are_merged_filled_up_and_told_apart(model, hold):
    async def test(lane, submit):
        model.go.clear()
        first = submit([100.0])
        await until_running(lane)
        waiting = [submit([float(i)], [i + 0.5]) if i == 2 else submit([float(i)]) for i in range(6)]
        other_shape = submit([1.0, 2.0])
        model.go.set()
        assert await answers([first]) == [[[200.0]]]
        expected = [[[2.0 * i], [2 * i + 1.0]] if i == 2 else [[2.0 * i]] for i in range(6)]
        assert await answers(waiting) == expected
        assert await answers([other_shape]) == [[[2.0, 4.0]]]
        assert model.rows == [1, 8, 1]

    run(test, model, hold, LaneOptions(merged_threads=1), plan=PLAN)


def test_one_bad_request_is_not_the_others_error(model, hold):
    async def test(lane, submit):
        waiting = [submit([1.0]), submit([-1.0]), submit([3.0])]
        assert await answers([waiting[0], waiting[2]]) == [[[2.0]], [[6.0]]]
        with pytest.raises(ServingError, match="0 or more"):
            await waiting[1]

    run(test, model, hold, plan=PLAN)


def test_more_than_may_wait_are_refused_at_once(model, hold):
    async def test(lane, submit):
        model.go.clear()
        running = submit([0.0])
        await until_running(lane)
        waiting = [submit([1.0]) for _ in range(3)]
        with pytest.raises(ServingError, match="queue to which this task was submitted is full; 3 requests") as caught:
            submit([2.0])
        assert caught.value.code == "UNAVAILABLE"
        model.go.set()
        await answers([running, *waiting])

    run(test, model, hold, LaneOptions(max_waiting=3, threads=1))


def test_who_has_gone_or_whose_time_is_up_is_not_run(model, hold):
    async def test(lane, submit):
        model.go.clear()
        running = submit([0.0])
        await until_running(lane)
        gone, late = submit([1.0]), submit([2.0], deadline=time.monotonic() + 0.05)
        gone.cancel()
        start = time.monotonic()
        with pytest.raises(ServingError) as caught:
            await late
        assert caught.value.code == "DEADLINE_EXCEEDED"
        assert time.monotonic() - start < 1
        last = submit([3.0])
        model.go.set()
        assert await answers([running, last]) == [[[0.0]], [[6.0]]]
        assert model.rows == [1, 1]

    run(test, model, hold, LaneOptions(threads=1))


def test_each_is_told_when_its_own_time_is_up(model, hold):
    async def test(lane, submit):
        model.go.clear()
        start = time.monotonic()
        waits = [0.2, 0.05, 10.0, 0.1]
        late = [submit([float(wait)], deadline=start + wait) for wait in waits]
        ends = {}
        for future, wait in zip(late, waits, strict=True):
            future.add_done_callback(lambda _, wait=wait: ends.update({wait: time.monotonic() - start}))
        with pytest.raises(ServingError):
            await late[0]
        assert list(ends) == [0.05, 0.1, 0.2]
        assert all(wait <= end < wait + 0.1 for wait, end in ends.items())
        model.go.set()
        assert await answers([late[2]]) == [[[20.0]]]

    run(test, model, hold, LaneOptions(threads=1))


def test_what_is_answered_leaves_no_alarm_behind(model, hold):
    async def test(lane, submit):
        await submit([1.0], deadline=time.monotonic() + 1000)
        # An alarm would hold on to the lane, and the lane to its model, long after that was unloaded.
        assert lane._alarm is None and not lane._limited

    run(test, model, hold)


def test_a_short_run_is_done_on_the_loops_own_thread_and_a_long_one_is_not(hold):
    threads = []

    def model(inputs):
        threads.append(threading.current_thread())
        if inputs["x"][0] == 1:
            time.sleep(0.05)
        return {"y": inputs["x"]}

    model.go = threading.Event()

    async def test(lane, submit):
        for _ in range(5):
            await submit(0)
        assert threads[0] is not threading.main_thread() and threads[-1] is threading.main_thread()
        for _ in range(2):
            await submit(1)
        await submit(0)
        assert threads[-1] is not threading.main_thread()

    run(test, model, hold)


def test_a_plan_is_learnt_from_the_first_requests(model, hold):
    async def test(lane, submit):
        for i in range(4):
            await submit([float(i)])
        until = time.monotonic() + 5
        while lane.plan is None and time.monotonic() < until:
            await asyncio.sleep(0.01)
        assert lane.plan.max_rows > 1
        model.rows.clear()
        await answers([submit([float(i)]) for i in range(2)])
        assert model.rows == [2]

    run(test, model, hold, learn=True)


def test_what_cannot_be_merged_is_never_learnt(hold):
    def model(inputs):
        return {"y": inputs["x"] - inputs["x"].mean(0)}

    model.go = threading.Event()

    async def test(lane, submit):
        for i in range(20):
            await answers([submit([float(i)]), submit([7.0])])
        assert lane.plan is None

    run(test, model, hold, learn=True)


BATCHING = BatchingOptions(
    max_batch_size=4, batch_timeout_micros=200_000, max_enqueued_batches=2, num_batch_threads=1,
    allowed_batch_sizes=(2, 4),
)  # fmt: skip


def test_batching_waits_for_more_until_its_time_is_up(model, hold):
    async def test(lane, submit):
        start = time.monotonic()
        assert await answers([submit([float(i)]) for i in range(4)]) == [[[2.0 * i]] for i in range(4)]
        assert time.monotonic() - start < 0.15
        start = time.monotonic()
        await submit([1.0])
        assert 0.15 < time.monotonic() - start < 1
        assert model.rows == [4, 2]

    run(test, model, hold, LaneOptions(batching=BATCHING))


def test_batching_refuses_what_is_too_large_and_what_is_too_much(model, hold):
    async def test(lane, submit):
        with pytest.raises(ServingError, match="Task size 5 is larger than maximum input batch size 4"):
            submit(*[[1.0]] * 5)
        model.go.clear()
        running = [submit([0.0]) for _ in range(4)]
        await until_running(lane)
        waiting = [submit([1.0]) for _ in range(8)]
        with pytest.raises(ServingError, match="is full; 8 requests"):
            submit([2.0])
        model.go.set()
        await answers([*running, *waiting])
        assert model.rows == [4, 4, 4]

    run(test, model, hold, LaneOptions(batching=BATCHING))


def test_batching_pads_variable_lengths_when_asked(model, hold):
    async def test(lane, submit):
        received = await answers([submit([1.0, 2.0]), submit([3.0]), submit([4.0]), submit([5.0])])
        assert [len(rows[0]) for rows in received] == [2, 2, 2, 2]
        assert received[1] == [[6.0, 6.0]]

    run(test, model, hold, LaneOptions(batching=BATCHING._replace(pad_variable_length_inputs=True)))


def test_batching_runs_large_requests_in_parts_when_asked(model, hold):
    async def test(lane, submit):
        waiting = [submit([0.0], [1.0], [2.0]), submit([3.0])]
        assert await answers(waiting) == [[[0.0], [2.0], [4.0]], [[6.0]]]
        assert model.rows == [2, 2]

    options = BATCHING._replace(allowed_batch_sizes=(), enable_large_batch_splitting=True, max_execution_batch_size=2)
    run(test, model, hold, LaneOptions(batching=options))


def test_a_run_leaves_the_others_their_share(hold):
    line = Line("m", 100, plan=PLAN)
    for _ in range(8):
        line.put(Task({"x": np.zeros((1, 1))}, ((1,),), 1, None, hold, types.SimpleNamespace(done=lambda: False)))
    sizes = [len(line.take(shares).tasks) for shares in (2, 2, 1)]
    assert sizes == [4, 2, 2]
