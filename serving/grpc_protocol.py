"""gRPC over HTTP/2: messages, status codes, deadlines and compression; it knows no service.

Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md.
"""

import asyncio
import contextlib
import logging
import re
import time
import urllib.parse
import zlib
from typing import NamedTuple

from google.protobuf.message import DecodeError

from serving.budget import add_piece
from serving.errors import GRPC_CODES, ServingError, from_exception
from serving.frames import literal

log = logging.getLogger("serving")

_OK_STATUS = b"\x88"  # ":status: 200" is entry 8 of HPACK's static table.
_CONTENT_TYPE = literal(b"content-type", b"application/grpc")
HEAD = _OK_STATUS + _CONTENT_TYPE
OK_TRAILERS = literal(b"grpc-status", b"0")
_NOT_GRPC = literal(b":status", b"415") + literal(b"content-type", b"text/plain")
_ACCEPTED_ENCODINGS = literal(b"grpc-accept-encoding", b"identity,deflate,gzip")
_WINDOW_BITS = {b"gzip": 31, b"deflate": 15}
_UNITS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_GRPC = re.compile(rb"application/grpc(?:\+proto)?(?:\s*;.*)?", re.IGNORECASE)
_TIMEOUT = re.compile(rb" *([0-9]{1,20}) *([HMSmun])")
_PRINTABLE = "".join(chr(code) for code in range(32, 127) if chr(code) != "%")
MAX_TIMEOUT_SECONDS = 1e8


class Method(NamedTuple):
    """One remote procedure.

    Args:
        request: Its request's message class, or what reads requests as that does.
        handle: `async def handle(request, deadline) -> response`, a message or its bytes; where it streams,
            `handle(requests)` takes an async iterator of requests and is one of responses.
        streams: Whether it does.
    """

    request: object
    handle: object
    streams: bool = False


class Head(NamedTuple):
    """What the headers of a request say.

    Args:
        path: `/service/method`.
        timeout: Seconds, or None.
        encoding: How messages are compressed, where they are.
        is_grpc: Whether the request is one.
    """

    path: str
    timeout: float | None
    encoding: bytes
    is_grpc: bool


class GrpcApplication:
    """Answers the streams of HTTP/2 connections.

    Args:
        methods: Paths to `Method`s.
        max_message_bytes: The size of the largest request message.
        budget: A `Budget`.
    """

    def __init__(self, methods, max_message_bytes, budget):
        self._methods = methods
        self._max_message_bytes = max_message_bytes
        self.budget = budget
        self._loop = asyncio.get_running_loop()

    def read_head(self, headers):
        """Read a request's headers.

        Args:
            headers: Pairs of bytes.

        Returns:
            A `Head`.
        """
        values = dict(headers)
        return Head(
            values[b":path"].decode("latin-1"),
            _read_timeout(values.get(b"grpc-timeout")),
            values.get(b"grpc-encoding", b"identity"),
            values[b":method"] == b"POST" and _GRPC.fullmatch(values.get(b"content-type", b"")) is not None,
        )

    def opened(self, stream):
        """Begin with a request whose headers are here."""
        head = stream.head
        method = self._methods.get(head.path)
        if not head.is_grpc:
            stream.body = None
            stream.send_headers(_NOT_GRPC, end=True)
        elif method is None:
            self._fail(stream, "UNIMPLEMENTED", f"unknown method {head.path[:200]}")
        elif head.encoding != b"identity" and head.encoding not in _WINDOW_BITS:
            message = f"messages may be compressed by gzip or deflate. Received: {head.encoding.decode('latin-1')[:40]}"
            self._fail(stream, "UNIMPLEMENTED", message, _ACCEPTED_ENCODINGS)
        else:
            if head.timeout is not None:
                stream.deadline = time.monotonic() + head.timeout
            if method.streams:
                stream.patient, stream.body = True, _Incoming(self, stream, method.request)
                stream.task = self._loop.create_task(self._answer_stream(stream, method, stream.body))

    def received(self, stream, data):
        """Take in a piece of a request."""
        body = stream.body
        if body is None:
            # It was refused, and its client does not know yet.
            return
        if not self.budget.take(len(data)):
            return body.refuse(_FULL) if isinstance(body, _Incoming) else self._refuse(stream, _FULL)
        stream.size += len(data)
        if isinstance(body, _Incoming):
            return body.feed(data)
        add_piece(body, data)
        if stream.size == len(data) and len(data) >= 5:
            declared = int.from_bytes(data[1:5], "big")
            if declared > self._max_message_bytes:
                self._refuse(stream, _too_large(declared, self._max_message_bytes))
        elif stream.size > self._max_message_bytes + 5:
            self._refuse(stream, _too_large(stream.size - 5, self._max_message_bytes))

    def _refuse(self, stream, message):
        self._fail(stream, "RESOURCE_EXHAUSTED", message)
        self.cancelled(stream)

    def finished(self, stream):
        """Answer a request that is complete."""
        if isinstance(stream.body, _Incoming):
            stream.body.end()
        elif stream.body is not None:
            stream.task = self._loop.create_task(self._answer(stream, self._methods[stream.head.path]))

    def cancelled(self, stream):
        """Give up a request whose client has gone."""
        if stream.task is not None:
            stream.task.cancel()
        # Not left to the task: one that is cancelled before it begins never runs at all.
        self._release(stream)

    def _release(self, stream):
        self.budget.give(stream.size)
        stream.size, stream.body = 0, None

    async def _answer(self, stream, method):
        try:
            body = b"".join(stream.body)
            stream.body = None
            request = self.read_message(stream, method.request, body, self._max_message_bytes)
            if stream.deadline is not None and time.monotonic() >= stream.deadline:
                raise _late()
            response = await method.handle(request, stream.deadline)
            stream.send(HEAD, _prefixed(response), OK_TRAILERS)
        except Exception as error:
            self._fail_with(stream, error)
        finally:
            self._release(stream)

    async def _answer_stream(self, stream, method, requests):
        try:
            stream.send_headers(HEAD)
            async with asyncio.timeout(stream.head.timeout), contextlib.aclosing(method.handle(requests)) as answers:
                async for response in answers:
                    stream.send_data(_prefixed(response))
                    await stream.drained()
            stream.send_headers(OK_TRAILERS, end=True)
        except Exception as error:
            failure = _late() if isinstance(error, TimeoutError) else _failure(error)
            stream.send_headers(_status_headers(failure.code, failure.message), end=True)
        finally:
            self._release(stream)

    def read_message(self, stream, message_class, body, max_bytes):
        """Read one message from its length-prefixed form.

        Args:
            stream: The `Stream`.
            message_class: The message's class.
            body: Bytes.
            max_bytes: The size of the largest message.

        Returns:
            The message.

        Raises:
            ServingError: If the bytes are not one such message.
        """
        size = int.from_bytes(body[1:5], "big") if len(body) >= 5 else 0
        if not body or len(body) > 5 + size:
            received = "more" if body else "none"
            raise ServingError("UNIMPLEMENTED", f"the method takes exactly one message. Received: {received}")
        if len(body) < 5 + size or body[0] > 1:
            raise ServingError("INTERNAL", f"a message must be length-prefixed. Received: {len(body)} other bytes")
        data = memoryview(body)[5:]
        if body[0]:
            data = self._decompress(stream, data, max_bytes)
        try:
            return message_class.FromString(data)
        except DecodeError:
            name = message_class.DESCRIPTOR.full_name
            raise ServingError("INVALID_ARGUMENT", f"the request must be a {name}. Received: other bytes") from None

    def _decompress(self, stream, data, max_bytes):
        encoding = stream.head.encoding
        if encoding not in _WINDOW_BITS:
            raise ServingError("INTERNAL", "a compressed message needs the header grpc-encoding")
        decompressor = zlib.decompressobj(_WINDOW_BITS[encoding])
        try:
            text = decompressor.decompress(data, max_bytes + 1)
        except zlib.error as error:
            raise ServingError("INTERNAL", f"the message cannot be decompressed: {error}") from None
        if len(text) > max_bytes:
            raise ServingError("RESOURCE_EXHAUSTED", _too_large(len(text), max_bytes))
        if not decompressor.eof or decompressor.unused_data:
            raise ServingError("INTERNAL", "the message cannot be decompressed: it ends too early or too late")
        if not self.budget.take(len(text)):
            raise ServingError("RESOURCE_EXHAUSTED", _FULL)
        stream.size += len(text)
        return text

    def _fail_with(self, stream, error):
        failure = _failure(error)
        self._fail(stream, failure.code, failure.message)

    def _fail(self, stream, code, message, more=b""):
        stream.body = None
        stream.send_headers(HEAD + more + _status_headers(code, message), end=True)


class _Incoming:
    """The messages of a client that streams, as an async iterator; what it holds is in its stream's `size`."""

    def __init__(self, application, stream, message_class):
        self._application = application
        self._stream = stream
        self._message_class = message_class
        self._buffer = b""
        self._messages = asyncio.Queue()

    def feed(self, data):
        self._buffer += data
        while len(self._buffer) >= 5:
            size = 5 + int.from_bytes(self._buffer[1:5], "big")
            if size > MAX_STREAMED_MESSAGE:
                return self.refuse(_too_large(size - 5, MAX_STREAMED_MESSAGE))
            if len(self._buffer) < size:
                break
            self._messages.put_nowait(self._buffer[:size])
            self._buffer = self._buffer[size:]
        if self._stream.size > MAX_STREAMED_WAITING:
            self.refuse(f"{self._stream.size} bytes wait to be answered and {MAX_STREAMED_WAITING} may")

    def refuse(self, message):
        self._stream.body = None
        self._messages.put_nowait(ServingError("RESOURCE_EXHAUSTED", message))

    def end(self):
        # Half a message is one that cannot be read.
        if self._buffer:
            self._messages.put_nowait(self._buffer)
        self._messages.put_nowait(None)

    def __aiter__(self):
        return self

    async def __anext__(self):
        message = await self._messages.get()
        if message is None:
            raise StopAsyncIteration
        if isinstance(message, ServingError):
            raise message
        stream, before = self._stream, self._stream.size
        try:
            return self._application.read_message(stream, self._message_class, message, MAX_STREAMED_MESSAGE)
        finally:
            # With it goes what it was decompressed to.
            read = stream.size - before + len(message)
            stream.size -= read
            self._application.budget.give(read)


# What streams are for here, health and reflection, is small.
MAX_STREAMED_MESSAGE = 2**16
MAX_STREAMED_WAITING = 2**18
_FULL = "the server holds as many bytes of requests as it may: try again later"


def _read_timeout(text):
    # A timeout that cannot be read is none, as in gRPC's own servers.
    match = _TIMEOUT.fullmatch(text) if text is not None else None
    return min(int(match[1]) * _UNITS[match[2]], MAX_TIMEOUT_SECONDS) if match else None


def _late():
    return ServingError("DEADLINE_EXCEEDED", "the request's time was up before it was answered")


def _failure(error):
    if not isinstance(error, ServingError):
        log.error("a request failed", exc_info=error)
    return from_exception(error)


def _prefixed(message):
    data = message if isinstance(message, bytes) else message.SerializeToString()
    return b"\0%b%b" % (len(data).to_bytes(4, "big"), data)


def _too_large(size, limit):
    return f"SERVER: Received message larger than max ({size} vs. {limit})"


def _status_headers(code, message):
    text = urllib.parse.quote(message, safe=_PRINTABLE).encode()
    return literal(b"grpc-status", str(GRPC_CODES[code]).encode()) + literal(b"grpc-message", text)
