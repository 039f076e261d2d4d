"""HTTP/1.1 on asyncio, with httptools for the parsing: requests in, answers out, bounded in size and time."""

import asyncio
import functools
import time
from collections import deque
from typing import NamedTuple

import httptools

from serving.budget import Pace, add_piece
from serving.eager import EagerTask
from serving.http_messages import Request, Response, decompress, encode

MAX_HEAD_BYTES = 32_768
# What a header takes beside its own bytes.
HEADER_BYTES = 80
MAX_PIPELINED = 16
# The parser cannot be stopped, so it gets no more at a time than may be parsed without regret.
SLICE_BYTES = 2**14
# How long a request may take to arrive, an answer to be taken, and a connection may be quiet between two.
ARRIVAL_SECONDS = 30
STALL_SECONDS = 60
IDLE_SECONDS = 300
# A socket closed with bytes unread takes back what its peer has not read yet, so the peer gets time to.
LINGER_SECONDS = 2
MAX_KNOWN_HEAD = 4096
_FULL = "the server holds as many bytes of requests as it may: try again later"


class _Known(NamedTuple):
    """A request whose like may come again: its head, as bytes and as read, and the size of its body."""

    head: bytes
    size: int
    method: str
    path: str
    headers: dict


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
        self._rest = b""
        # Requests that wait for their turn: each with the bytes it holds and whether the connection goes on after it.
        self._waiting = deque()
        self._task = None
        self._held = 0
        self._deaf = self._draining = self._paused = False
        self._over = None
        self._active = time.monotonic()
        self._arrival, self._leaving = Pace(ARRIVAL_SECONDS), Pace(STALL_SECONDS)
        self._received = self._sent = self._unsent = 0
        # Requests begun so far, and how many that may be in this turn of the loop, which is the others' too.
        self._begun, self._most = 0, MAX_PIPELINED
        self._goes_on = False
        self._arriving = False
        # Clients repeat their heads, byte for byte; such a request is not parsed again.
        self._known = self._new_head = None
        self._between = True
        self._reset()

    def _reset(self):
        self._url = b""
        self._headers = {}
        self._hosts = 0
        self._head_size = 0
        self._in_head = True
        self._expects = False
        self._pieces = []
        self._size = 0

    # The transport's side.

    def connection_made(self, transport):
        """Wait for a request."""
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, error):
        """Cancel what the client was waiting for."""
        self._connections.discard(self)
        self._over, self._deaf = self._active, True
        self._forget_request()
        self._budget.give(self._held + sum(size for _, size, _ in self._waiting))
        self._held = 0
        self._waiting.clear()
        self._keep(0)
        if self._task is not None:
            self._task.cancel()

    def eof_received(self):
        """Take a client that has said all it wants to say for one that has gone."""
        return False

    def pause_writing(self):
        """Begin no answer while the client does not read the last."""
        self._paused = True

    def resume_writing(self):
        """Go on with the next answer."""
        self._paused = False
        self._keep(0)
        self._next()

    def data_received(self, data):
        """Take in bytes from the client."""
        if self._deaf:
            return
        self._active = time.monotonic()
        self._received += len(data)
        self._rest += data
        self._parse()

    def _parse(self):
        self._most = self._begun + MAX_PIPELINED
        while self._rest and not self._deaf and len(self._waiting) < MAX_PIPELINED and self._begun < self._most:
            if self._between and self._take_known():
                continue
            if len(self._rest) <= SLICE_BYTES:
                data, self._rest = self._rest, b""
            else:
                data, self._rest = self._rest[:SLICE_BYTES], self._rest[SLICE_BYTES:]
            self._arriving = True
            self._head_size += len(data)
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                self._decline(data[upgrade.args[0] :])
            except httptools.HttpParserError as error:
                self._give_up(400, f"not HTTP/1.1: {error}")
            if self._head_size > MAX_HEAD_BYTES:
                self._give_up_head()
        if self._deaf:
            self._rest = b""
        elif self._rest:
            self._transport.pause_reading()

    def _take_known(self):
        """Take in a request with the last one's head, if it is here in full."""
        known, rest = self._known, self._rest
        if known is None or not rest.startswith(known.head):
            end = rest.find(b"\r\n\r\n", 0, MAX_KNOWN_HEAD)
            self._new_head = rest[: end + 4] if end >= 0 else None
            return False
        head, size, method, path, headers = known
        begin, end = len(head), len(head) + size
        if len(rest) < end:
            return False
        self._rest = rest[end:]
        if not self._budget.take(size):
            self._give_up(503, _FULL)
            return True
        self._waiting.append((Request(method, path, headers, rest[begin:end]), size, True))
        self._next()
        return True

    def _learn(self, request, size):
        head, self._new_head = self._new_head, None
        headers = self._headers
        if head is None or b"content-encoding" in headers or b"transfer-encoding" in headers or b"expect" in headers:
            return
        if headers.get(b"content-length", b"") == b"%d" % size:
            self._known = _Known(head, size, request.method, request.path, headers)

    def _decline(self, data):
        # Whoever offers another protocol must be content with this one; the parser has to be told by not seeing it.
        method, version = self._parser.get_method(), self._parser.get_http_version().encode()
        if method == b"CONNECT":
            return self._give_up(405, "CONNECT is a proxy's business")
        headers = {name: value for name, value in self._headers.items() if name not in (b"upgrade", b"connection")}
        words = self._headers.get(b"connection", b"").lower()
        headers[b"connection"] = b"close" if b"close" in words else b"keep-alive"
        lines = [b"%b: %b\r\n" % header for header in headers.items()]
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self._url, version, b"".join(lines))
        self._parser = httptools.HttpRequestParser(self)
        self._rest = head + data + self._rest

    # The parser's side.

    def on_message_begin(self):
        """Begin a request."""
        self._between = False
        self._reset()

    def on_url(self, url):
        """Take in a piece of the address."""
        self._url += url

    def on_header(self, name, value):
        """Take in a header, or a trailer, which nobody wants."""
        self._head_size += HEADER_BYTES
        if self._in_head and self._head_size <= MAX_HEAD_BYTES:
            name = name.lower()
            self._headers[name] = value
            self._hosts += name == b"host"

    def on_headers_complete(self):
        """Refuse what is wrong or too large before it comes."""
        if self._head_size > MAX_HEAD_BYTES:
            self._give_up_head()
        self._in_head, self._head_size = False, 0
        if self._deaf or self._parser.should_upgrade():
            return
        headers, version = self._headers, self._parser.get_http_version()
        if version not in ("1.0", "1.1"):
            return self._give_up(505, f"the protocol must be HTTP/1.1 or HTTP/1.0. Received: HTTP/{version}")
        if self._hosts > 1 or (version == "1.1" and not self._hosts):
            return self._give_up(400, f"a request needs one Host. Received: {self._hosts}")
        coding = headers.get(b"transfer-encoding")
        if coding is not None and (version == "1.0" or coding.lower() != b"chunked"):
            return self._give_up(501, "Transfer-Encoding must be chunked, in HTTP/1.1")
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self._max_request_bytes:
            return self._give_up(*self._too_large())
        self._expects = version == "1.1" and headers.get(b"expect", b"").lower() == b"100-continue"
        self._invite()

    def _invite(self):
        # Not before the answers to earlier requests: the client would take it for a part of them.
        if self._expects and self._task is None and not self._waiting:
            self._expects = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data):
        """Take in a piece of the body."""
        if self._deaf:
            return
        self._expects = False
        # Between the pieces, and after them, there may be as much as in a head.
        self._head_size = 0
        if self._size + len(data) > self._max_request_bytes:
            return self._give_up(*self._too_large())
        if not self._budget.take(len(data)):
            return self._give_up(503, _FULL)
        self._size += len(data)
        add_piece(self._pieces, data)

    def on_message_complete(self):
        """Answer a request that is complete, after those before it."""
        self._between = True
        if self._deaf or self._parser.should_upgrade():
            return
        self._arriving = self._expects = False
        keep = self._parser.should_keep_alive()
        request = self._make_request()
        size, self._size = self._size, 0
        if self._deaf:
            return self._budget.give(size)
        # What a client sends after its last request is of no interest.
        self._deaf = not keep
        if keep and isinstance(request, Request):
            self._learn(request, size)
        self._waiting.append((request, size, keep))
        self._next()

    def _make_request(self):
        path = _find_path(self._url)
        if path is None:
            return self._refuse(400, "the request's address cannot be read")
        body = b"".join(self._pieces)
        self._pieces = []
        encoding = self._headers.get(b"content-encoding", b"identity").lower()
        if encoding == b"gzip":
            body = self._decompress(body)
        elif encoding != b"identity":
            return self._refuse(415, f"Content-Encoding must be gzip. Received: {encoding.decode('latin-1')[:40]}")
        if isinstance(body, Response):
            return body
        return Request(self._parser.get_method().decode(), path, self._headers, body)

    def _decompress(self, body):
        try:
            text = decompress(body, self._max_request_bytes)
        except ValueError as error:
            return self._refuse(400, f"the body must be gzip, as Content-Encoding says. Received: {error}")
        if text is None:
            return self._refuse(*self._too_large())
        if not self._budget.take(len(text)):
            return self._refuse(503, _FULL)
        self._size += len(text)
        return text

    def _too_large(self):
        return 413, f"a request must be at most {self._max_request_bytes} bytes (--max_request_bytes)"

    def _give_up(self, status, message):
        # What follows on this connection cannot be told apart from what was refused.
        if not self._deaf:
            self._deaf = True
            self._arriving = False
            self._forget_request()
            self._waiting.append((self._refuse(status, message), 0, False))
            self._next()

    def _give_up_head(self):
        self._give_up(431, f"a request's head must be at most {MAX_HEAD_BYTES} bytes")

    def _forget_request(self):
        self._budget.give(self._size)
        self._size, self._pieces = 0, []

    # Answering.

    def _next(self):
        if self._task is not None or self._paused or not self._waiting or self._over is not None:
            return
        if self._begun >= self._most:
            return self._go_on_later()
        request, self._held, keep = self._waiting.popleft()
        if isinstance(request, Response):
            self._finish(None, request, keep)
        else:
            self._begun += 1
            self._task = EagerTask(self._respond(request, keep))
            self._task.start()

    async def _respond(self, request, keep):
        response = await self._answer(request)
        self._task = None
        self._finish(request, response, keep)

    def _finish(self, request, response, keep):
        self._budget.give(self._held)
        self._held = 0
        self._send(request, response, keep and not (self._draining and not self._waiting))
        if self._over is None:
            self._invite()
            if self._rest and len(self._waiting) < MAX_PIPELINED:
                self._go_on_later()
            self._next()

    def _go_on_later(self):
        if not self._goes_on:
            self._goes_on = True
            self._loop.call_soon(self._go_on)

    def _go_on(self):
        self._goes_on = False
        self._most = self._begun + MAX_PIPELINED
        if self._over is None and not self._deaf:
            self._transport.resume_reading()
            self._parse()
        self._next()

    def _send(self, request, response, keep):
        if not self._transport.is_closing():
            self._write(encode(request, response, keep))
        if not keep:
            self._end()

    def _write(self, data):
        self._active = time.monotonic()
        self._sent += len(data)
        self._transport.write(data)
        if self._paused and not self._keep(self._transport.get_write_buffer_size()):
            # Those who do not read must not use up the server's memory.
            self._transport.abort()

    def _keep(self, unsent):
        fits = self._budget.keep(unsent - self._unsent)
        self._unsent = unsent
        return fits

    # Timers and the end.

    def _end(self):
        self._over, self._deaf = time.monotonic(), True
        self._rest = b""
        if not self._transport.is_closing():
            # The client hears at once that this was all; the socket closes when the client has closed its end.
            self._transport.write_eof()
            self._transport.resume_reading()

    def tick(self, now):
        """Close a connection that has been quiet, or whose request does not arrive, or whose answer is not read.

        Args:
            now: `time.monotonic()`.
        """
        unsent = self._transport.get_write_buffer_size()
        if self._leaving.too_slow(now, self._sent - unsent, unsent > 0):
            self._transport.abort()
        elif self._over is not None:
            if now > self._over + LINGER_SECONDS and not unsent:
                self._transport.close()
        elif self._arrival.too_slow(now, self._received, self._arriving and not self._rest):
            self._give_up(408, f"the request did not arrive within {ARRIVAL_SECONDS} s")
        elif self._task is None and not self._arriving and not unsent and now - self._active > IDLE_SECONDS:
            self._transport.close()

    def drain(self):
        """Close when the requests that have come are answered."""
        self._draining = True
        if self._task is None and not self._arriving and not self._waiting and self._over is None:
            self._transport.close()

    def abort(self):
        """Close at once."""
        self._transport.abort()


@functools.lru_cache(maxsize=256)
def _find_path(url):
    """Give the path of a request's address; None if it cannot be read."""
    try:
        return (httptools.parse_url(url).path or b"/").decode("latin-1")
    except httptools.HttpParserInvalidURLError:
        return None
