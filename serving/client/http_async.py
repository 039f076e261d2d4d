"""How a call travels over HTTP from an event loop: kept-alive streams of asyncio."""

import asyncio

from serving.client.http_messages import Reply, endpoint, late, request_bytes, unreachable

_RECEIVE_BYTES = 1 << 18


class AsyncHttpConnections:
    """Sends calls from one event loop, each over a connection of its own.

    Args:
        address: An `Address`.
        tls: A `Tls`.
        compress: Whether requests are compressed.
    """

    def __init__(self, address, tls, compress):
        self._address, self._compress = address, compress
        self._context = tls.context() if address.secure else None
        self._idle, self._closed = [], False

    async def send(self, call, timeout):
        """Send a `Call` and give its reply; `timeout` is in seconds or None."""
        data = request_bytes(call, self._address, self._compress)
        try:
            async with asyncio.timeout(timeout):
                reply = await self._exchange(data)
        except TimeoutError:
            raise late(self._address) from None
        except OSError as error:
            raise unreachable(self._address, error) from None
        return reply.content(self._address)

    async def _exchange(self, data):
        if self._idle:
            try:
                return await self._try(*self._idle.pop(), data)
            except TimeoutError:
                raise
            except OSError:
                # The server may have closed an idle connection: that is no failure, a fresh one tells.
                self._drop_idle()
        host, port = endpoint(self._address)
        return await self._try(
            *await asyncio.open_connection(host, port, limit=_RECEIVE_BYTES, ssl=self._context), data
        )

    async def _try(self, reader, writer, data):
        reply = Reply()
        try:
            writer.write(data)
            while not reply.feed(await reader.read(_RECEIVE_BYTES)):
                pass
        except BaseException:
            writer.transport.abort()
            raise
        if reply.keep_alive and not self._closed:
            self._idle.append((reader, writer))
        else:
            writer.close()
        return reply

    def _drop_idle(self):
        idle, self._idle = self._idle, []
        for _, writer in idle:
            writer.transport.abort()

    async def close(self):
        """Close the connections, those in use when their calls end."""
        self._closed = True
        self._drop_idle()
        # The event loop closes the sockets in its next round, which must come before it is closed itself.
        await asyncio.sleep(0)
