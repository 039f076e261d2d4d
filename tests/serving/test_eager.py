"""Eager tasks begin at once, go on when what they wait for is there, and can be cancelled."""

import asyncio

from serving.eager import EagerTask


def test_an_eager_task_begins_at_once_and_goes_on_when_it_can():
    steps = []

    async def work(futures):
        for future in futures:
            steps.append(await future)

    async def run():
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in range(3)]
        futures[0].set_result("ready")
        task = EagerTask(work(futures))
        assert not steps
        task.start()
        assert steps == ["ready"]
        futures[1].set_result("later")
        assert steps == ["ready"]
        await asyncio.sleep(0)
        assert steps == ["ready", "later"]
        task.cancel()
        assert futures[2].cancelled()

    asyncio.run(run())


def test_cancelling_is_heard_of_where_it_waits_and_is_too_late_for_what_is_there():
    heard = []

    async def work(future):
        try:
            heard.append(await future)
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    async def run():
        loop = asyncio.get_running_loop()
        waiting, done = EagerTask(work(loop.create_future())), loop.create_future()
        waiting.start()
        waiting.cancel()
        late = EagerTask(work(done))
        late.start()
        done.set_result("answer")
        late.cancel()
        await asyncio.sleep(0)
        waiting.cancel()
        late.cancel()

    asyncio.run(run())
    assert heard == ["cancelled", "answer"]


def test_a_coroutine_that_waits_for_nothing_ends_at_once():
    ended = []

    async def work():
        ended.append(True)

    task = EagerTask(work())
    task.start()
    task.cancel()
    assert ended == [True]
