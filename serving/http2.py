"""HTTP/2 on asyncio: as much of RFC 9113 as a gRPC server needs, with hpack for the headers.

grpcio's own Python server spends 150 to 200 microseconds a request on its threads and queues, several times what a
small model needs; this spends a tenth of that. `benchmarks/serving/README.md` has the measurement.
"""

import asyncio
import struct
import time
from typing import NamedTuple

from serving.budget import Pace
from serving.frames import (
    FRAME_SIZE_ERROR,
    GOAWAY,
    MAX_FRAME,
    MAX_WINDOW,
    PING,
    PREFACE,
    SETTINGS,
    ProtocolError,
    frame,
    window_update,
)
from serving.receiving import CONNECTION_WINDOW, STREAM_WINDOW, Receiver

HANDSHAKE_SECONDS = 20
PING_ANSWER_SECONDS = 1
# A socket closed with bytes unread takes back what its peer has not read yet, so the peer gets time to.
LINGER_SECONDS = 1
STALL_SECONDS = 60
# A length of 24 bits, in two parts; type, flags, and the stream's number.
_FRAME_HEAD = struct.Struct(">HBBBL")


class Http2Options(NamedTuple):
    """Limits and timers of a connection; times are in seconds, None for never.

    Args:
        max_concurrent_streams: Requests that one connection may have open.
        max_header_bytes: The size of a request's headers.
        keepalive_time: How long a connection is quiet before it is asked whether it is still there.
        keepalive_timeout: How long the answer to that may take.
        max_connection_idle: How long a connection without a request stays open.
        max_connection_age: How long any connection stays open.
        max_connection_age_grace: How long its requests may go on after that.
    """

    max_concurrent_streams: int = 4096
    max_header_bytes: int = 16_384
    keepalive_time: float | None = 7200
    keepalive_timeout: float = 20
    max_connection_idle: float | None = None
    max_connection_age: float | None = None
    max_connection_age_grace: float | None = None


class Http2Connection(asyncio.Protocol):
    """One client's connection: its bytes, its timers and its end.

    Args:
        application: Has `budget`, a `Budget`, and `read_head(headers)`, which makes a stream's `head`, and is told by
            `opened(stream)`, `received(stream, data)`, `finished(stream)` and `cancelled(stream)` what the client does.
        options: `Http2Options`.
        connections: A set that the connection is in while it is open.
    """

    def __init__(self, application, options, connections):
        self._application = application
        self._options = options
        self._connections = connections
        self._rest = b""
        self._greeted = False
        self._opened = self._active = time.monotonic()
        self._pinged = None
        self._draining = None
        # When the connection closes whether or not the client has, once all is said.
        self._over = None
        self._pace = Pace(STALL_SECONDS)
        self._transport = self._receiver = self._sender = None

    # The transport's side.

    def connection_made(self, transport):
        """Wait for the client's greeting."""
        self._transport = transport
        self._connections.add(self)
        self._receiver = Receiver(transport, self._application, self._options, self)
        self._sender = self._receiver.sender

    def connection_lost(self, error):
        """Cancel what the client was waiting for."""
        self._connections.discard(self)
        self._over = self._over or self._active
        self._receiver.drop_all()

    def pause_writing(self):
        """Hold back answers while the client does not read."""
        self._sender.paused = True

    def resume_writing(self):
        """Send what was held back."""
        self._sender.resume()

    def data_received(self, data):
        """Take in bytes from the client."""
        if self._over is not None:
            return
        self._active = time.monotonic()
        try:
            self._read(self._rest + data if self._rest else data)
            self._receiver.settle()
        except ProtocolError as error:
            self._fail(error.code, str(error))

    def _read(self, data):
        position, end = 0, len(data)
        if not self._greeted:
            if not data.startswith(PREFACE):
                self._rest = data
                return self._refuse_stranger(data)
            self._greet()
            position = len(PREFACE)
        receiver, now = self._receiver, self._active
        while end - position >= 9:
            high, low, kind, flags, stream_id = _FRAME_HEAD.unpack_from(data, position)
            length = high << 8 | low
            if length > MAX_FRAME:
                raise ProtocolError(FRAME_SIZE_ERROR, f"a frame must be at most {MAX_FRAME} bytes. Received: {length}")
            stop = position + 9 + length
            if stop > end:
                break
            receiver.take(kind, flags, stream_id & MAX_WINDOW, data[position + 9 : stop], now)
            position = stop
            if self._over is not None:
                break
        self._rest = data[position:]

    def _greet(self):
        # Not before the client has: one that speaks HTTP/1.1 could not read the sentence that refuses it.
        self._greeted = True
        settings = {3: self._options.max_concurrent_streams, 4: STREAM_WINDOW, 6: self._options.max_header_bytes}
        payload = b"".join(key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in settings.items())
        self._sender.control(frame(SETTINGS, 0, 0, payload) + window_update(0, CONNECTION_WINDOW - 65_535))

    def _refuse_stranger(self, data):
        if PREFACE.startswith(data):
            return
        if data[:5].split(b" ")[0] in (b"GET", b"POST", b"HEAD", b"PUT"):
            text = b"this port speaks gRPC; REST is on the port that --rest_api_port gives\n"
            head = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(text)
            self._transport.write(head + text)
        self._end()

    def _fail(self, code, message):
        payload = self._receiver.last_id.to_bytes(4, "big") + code.to_bytes(4, "big") + message.encode()[:200]
        self._sender.control(frame(GOAWAY, 0, 0, payload))
        self._end()
        self._receiver.drop_all()

    # Timers and the end.

    def tick(self, now):
        """Do what is due; called every second or so.

        Args:
            now: `time.monotonic()`.
        """
        sender = self._sender
        if self._pace.too_slow(now, sender.taken, sender.waiting or self._over is not None):
            return self._transport.abort()
        if self._over is not None:
            if now > self._over + LINGER_SECONDS:
                self._transport.close()
            return
        if not self._greeted and now - self._opened > HANDSHAKE_SECONDS:
            return self._transport.abort()
        self._receiver.tick(now)
        self._tick_ping(now)
        self._tick_age(now)

    def _tick_ping(self, now):
        options = self._options
        if self._pinged is not None and self._active > self._pinged and self._draining != "first":
            # Whatever the client has said since, it is there.
            self._pinged = None
        if self._pinged is None:
            if options.keepalive_time is not None and now - self._active > options.keepalive_time:
                self._ping(now)
        elif self._draining == "first":
            if now - self._pinged > PING_ANSWER_SECONDS:
                self._say_last()
        elif now - self._pinged > options.keepalive_timeout:
            self._transport.abort()

    def _tick_age(self, now):
        idle, age, never = self._options.max_connection_idle, self._options.max_connection_age, float("inf")
        if self._draining:
            if now - self._opened > (age or never) + (self._options.max_connection_age_grace or never):
                self._transport.abort()
        elif (idle is not None and not self._receiver.streams and now - self._active > idle) or (
            age is not None and now - self._opened > age
        ):
            self.drain()

    def _ping(self, now):
        self._pinged = now
        self._sender.control(frame(PING, 0, 0, b"dlkeras\0"))

    def on_ping_answer(self):
        """Go on with what was waiting for it."""
        self._pinged = None
        if self._draining == "first":
            self._say_last()

    def drain(self):
        """Ask the client for no more requests, and close when those it has sent are answered."""
        if self._draining or self._over is not None:
            return
        if not self._greeted:
            return self._transport.close()
        # Two steps: the number of the last stream is named when what was already on its way has come.
        self._draining = "first"
        self._sender.control(frame(GOAWAY, 0, 0, MAX_WINDOW.to_bytes(4, "big") + bytes(4)))
        self._ping(time.monotonic())

    def _say_last(self):
        self._draining, self._pinged = "last", None
        self._receiver.closed = True
        self._sender.control(frame(GOAWAY, 0, 0, self._receiver.last_id.to_bytes(4, "big") + bytes(4)))
        self.on_last()

    def on_last(self):
        """Close, if that was the last request there will be."""
        if self._draining == "last" and not self._receiver.streams:
            self._end()

    def _end(self):
        if self._over is None:
            self._over = time.monotonic()

    def abort(self):
        """Close at once."""
        self._transport.abort()
