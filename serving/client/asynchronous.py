"""The client for asyncio."""

import asyncio

from serving.client.calls import ClientError, Sleep, advance
from serving.client.grpc_channel import AsyncGrpcChannel
from serving.client.http_async import AsyncHttpConnections
from serving.client.operations import Operations, check_many


class AsyncClient(Operations):
    """Calls models on a server from one event loop; an async context manager.

    Its arguments and what it can ask are those of `Operations`, with `await` before each.
    """

    def _open(self, address, tls, compress):
        return (AsyncHttpConnections if address.rest else AsyncGrpcChannel)(address, tls, compress)

    async def _run(self, flow):
        reply = error = None
        while True:
            try:
                step = advance(flow, reply, error)
            except StopIteration as end:
                return end.value
            reply = error = None
            if isinstance(step, Sleep):
                await asyncio.sleep(step.seconds)
                continue
            try:
                reply = await self._transport.send(step.call, step.timeout)
            except ClientError as failure:
                error = failure

    def predict_many(self, model, inputs, window=32, errors="raise", **options):
        """Run a model on many inputs, several at a time, and give the answers in the inputs' order.

        Args:
            model: The model's name.
            inputs: An iterable or async iterable of what `predict` takes, read only as fast as answers are taken.
            window: How many requests may be in flight.
            errors: `"raise"` ends with the first failure, at its place; `"return"` gives the `ClientError` there and
                goes on.
            options: What else `predict` takes; the timeout is each request's own.

        Yields:
            What `predict` gives, for `async for`.

        Raises:
            ValueError: If `window` or `errors` is none of these.
        """
        check_many(window, errors)
        return self._predict_many(model, inputs, window, errors, options)

    async def _predict_many(self, model, inputs, window, errors, options):
        tasks, free = asyncio.Queue(), asyncio.Semaphore(window)

        async def send_all():
            try:
                async for one in _each(inputs):
                    await free.acquire()
                    tasks.put_nowait(asyncio.ensure_future(self.predict(model, one, **options)))
            finally:
                tasks.put_nowait(None)

        # A task of its own, so that an answer need not wait for a source that is slow to give the next input.
        sender = asyncio.ensure_future(send_all())
        try:
            while (task := await tasks.get()) is not None:
                try:
                    answer = await task
                except ClientError as error:
                    if errors == "raise":
                        raise
                    answer = error
                free.release()
                yield answer
            await sender
        finally:
            unwanted = [sender, *(tasks.get_nowait() for _ in range(tasks.qsize()))]
            await _cancel([task for task in unwanted if task is not None])

    async def close(self):
        """Close the connection."""
        await self._transport.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()


async def _each(items):
    if hasattr(items, "__aiter__"):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


async def _cancel(tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
