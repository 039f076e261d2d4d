"""HTTP/1.1 on asyncio, with httptools for the parsing: requests in, answers out, bounded in size and time."""

import asyncio
import logging
import time
import zlib
from collections import deque
from typing import NamedTuple

import httptools

log = logging.getLogger("serving")

MAX_HEAD_BYTES = 32_768
MAX_HEADERS = 100
MAX_PIPELINED = 16
READ_BYTES = 2**18
# How long a request may take to arrive, and a connection may be quiet between two.
MIN_BYTES_PER_SECOND = 2_000
ARRIVAL_SECONDS = 30
IDLE_SECONDS = 300
GZIP_FROM_BYTES = 1_400
GZIP_LEVEL = 1
_GZIP_WINDOW = 31
_REASONS = {
    200: b"OK", 204: b"No Content", 400: b"Bad Request", 401: b"Unauthorized", 403: b"Forbidden", 404: b"Not Found",
    405: b"Method Not Allowed", 408: b"Request Timeout", 409: b"Conflict", 413: b"Content Too Large",
    415: b"Unsupported Media Type", 429: b"Too Many Requests", 431: b"Request Header Fields Too Large",
    499: b"Client Closed Request", 500: b"Internal Server Error", 501: b"Not Implemented", 503: b"Service Unavailable",
    504: b"Gateway Timeout",
}  # fmt: skip


class Request(NamedTuple):
    """A request.

    Args:
        method: Such as `"POST"`.
        path: The path as it came, still percent-encoded, without the query.
        headers: Lower-case names to values, bytes; a repeated one has its last value.
        body: Bytes, decompressed.
    """

    method: str
    path: str
    headers: dict
    body: bytes


class Response(NamedTuple):
    """An answer.

    Args:
        status: The HTTP status code.
        body: Bytes.
        content_type: The body's type.
        headers: Further header lines, each with its line end, as bytes.
    """

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: bytes = b""


class Http1Connection(asyncio.Protocol):
    """One client's connection.

    Args:
        answer: `async def answer(request) -> response`; it must not raise.
        refuse: A function from a status code and a sentence to a `Response`, for what cannot be read.
        max_request_bytes: The size of the largest body, compressed or not.
        budget: A `Budget`.
        connections: A set that the connection is in while it is open.
    """

    def __init__(self, answer, refuse, max_request_bytes, budget, connections):
        self._answer = answer
        self._refuse = refuse
        self._max_request_bytes = max_request_bytes
        self._budget = budget
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport = None
        self._task = None
        self._waiting = deque()
        self._closing = False
        self._since = time.monotonic()
        self._arriving = False
        self._bytes = 0
        self._reset()

    def _reset(self):
        self._url = b""
        self._headers = {}
        self._head_size = 0
        self._chunks = []
        self._size = 0
        self._refusal = None

    # The transport's side.

    def connection_made(self, transport):
        """Wait for a request."""
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, error):
        """Cancel what the client was waiting for."""
        self._connections.discard(self)
        self._closing = True
        self._budget.give(self._size)
        self._size = 0
        for _, size, _ in self._waiting:
            self._budget.give(size)
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    def eof_received(self):
        """Take a client that has said all it wants to say for one that has gone."""
        return False

    def data_received(self, data):
        """Take in bytes from the client."""
        if self._closing:
            return
        self._bytes += len(data)
        if not self._arriving:
            self._arriving, self._since, self._bytes = True, time.monotonic(), 0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._give_up(400, "this server speaks HTTP/1.1 and nothing else on this port")
        except httptools.HttpParserError as error:
            if not self._closing:
                self._give_up(400, f"not HTTP/1.1: {error}")

    # The parser's side.

    def on_message_begin(self):
        """Begin a request."""
        self._reset()

    def on_url(self, url):
        """Take in a piece of the address."""
        self._url += url
        self._count(len(url))

    def on_header(self, name, value):
        """Take in a header."""
        self._headers[name.lower()] = value
        self._count(len(name) + len(value) + MAX_HEAD_BYTES // MAX_HEADERS // 4)

    def _count(self, size):
        self._head_size += size
        if self._head_size > MAX_HEAD_BYTES:
            self._give_up(431, f"a request's head must be at most {MAX_HEAD_BYTES} bytes")

    def on_headers_complete(self):
        """Refuse what is too large before it comes."""
        length = self._headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._max_request_bytes:
            return self._give_up(*self._too_large())
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and not self._closing:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data):
        """Take in a piece of the body."""
        if self._closing:
            return
        if self._size + len(data) > self._max_request_bytes:
            return self._give_up(*self._too_large())
        if not self._budget.take(len(data)):
            return self._give_up(503, "the server holds as many bytes of requests as it may: try again later")
        self._size += len(data)
        self._chunks.append(data)

    def on_message_complete(self):
        """Answer a request that is complete, after those before it."""
        if self._closing:
            return
        self._arriving = False
        item = self._make_request(), self._size, self._parser.should_keep_alive()
        self._size = 0
        self._waiting.append(item)
        if len(self._waiting) > MAX_PIPELINED:
            self._transport.pause_reading()
        if self._task is None:
            self._next()

    def _make_request(self):
        try:
            path = httptools.parse_url(self._url).path or b"/"
        except httptools.HttpParserInvalidURLError:
            return self._refuse(400, "the request's address cannot be read")
        body = b"".join(self._chunks)
        self._chunks = []
        encoding = self._headers.get(b"content-encoding", b"identity").lower()
        if encoding == b"gzip":
            body = self._decompress(body)
        elif encoding != b"identity":
            return self._refuse(415, f"Content-Encoding must be gzip. Received: {encoding.decode('latin-1')[:40]}")
        if isinstance(body, Response):
            return body
        return Request(self._parser.get_method().decode(), path.decode("latin-1"), self._headers, body)

    def _decompress(self, body):
        decompressor = zlib.decompressobj(_GZIP_WINDOW)
        try:
            text = decompressor.decompress(body, self._max_request_bytes + 1)
        except zlib.error as error:
            return self._refuse(400, f"the body must be gzip, as Content-Encoding says. Received: {error}")
        if len(text) > self._max_request_bytes:
            return self._refuse(*self._too_large())
        if not decompressor.eof:
            return self._refuse(400, "the body must be gzip, as Content-Encoding says. Received: a part of it")
        return text

    def _too_large(self):
        return 413, f"a request must be at most {self._max_request_bytes} bytes (--max_request_bytes)"

    # Answering.

    def _next(self):
        request, size, keep = self._waiting.popleft()
        if len(self._waiting) == MAX_PIPELINED:
            self._transport.resume_reading()
        self._task = self._loop.create_task(self._respond(request, size, keep))

    async def _respond(self, request, size, keep):
        try:
            response = request if isinstance(request, Response) else await self._answer(request)
        finally:
            self._budget.give(size)
        gzip = isinstance(request, Request) and b"gzip" in request.headers.get(b"accept-encoding", b"")
        without_body = isinstance(request, Request) and request.method == "HEAD"
        self._send(response, keep, gzip, without_body)
        self._task = None
        self._since = time.monotonic()
        if not self._closing and self._waiting:
            self._next()

    def _send(self, response, keep, gzip=False, without_body=False):
        if self._transport.is_closing():
            return
        body, more = response.body, response.headers
        if gzip and len(body) >= GZIP_FROM_BYTES:
            compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
            body = compressor.compress(body) + compressor.flush()
            more += b"Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"
        if not keep:
            more += b"Connection: close\r\n"
        head = b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n" % (
            response.status,
            _REASONS.get(response.status, b"Unknown"),
            response.content_type,
            len(body),
            more,
        )
        self._transport.write(head if without_body else head + body)
        if not keep:
            self._closing = True
            self._transport.close()

    def _give_up(self, status, message):
        # What follows on this connection cannot be told apart from what was refused.
        if not self._closing:
            self._closing = True
            if self._task is None:
                self._send(self._refuse(status, message), keep=False)
            else:
                self._transport.close()

    # Timers and the end.

    def tick(self, now):
        """Close a connection that has been quiet, or whose request does not arrive.

        Args:
            now: `time.monotonic()`.
        """
        if self._task is not None or self._closing:
            return
        waited = now - self._since
        if not self._arriving:
            if waited > IDLE_SECONDS:
                self._transport.close()
        elif waited > ARRIVAL_SECONDS and self._bytes < waited * MIN_BYTES_PER_SECOND:
            self._give_up(408, f"the request did not arrive within {ARRIVAL_SECONDS} s")

    def drain(self):
        """Close when the request that is being answered is."""
        if self._task is None and not self._arriving:
            self._transport.close()
        else:
            self._loop.call_later(0.05, self.drain)

    def abort(self):
        """Close at once."""
        self._transport.abort()
