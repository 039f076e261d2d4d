"""HTTP/2 on asyncio: as much of RFC 9113 as a gRPC server needs, with hpack for the headers.

grpcio's own Python server spends some 400 microseconds a request on its threads and queues, ten times what a small
model needs; this spends about a tenth of that. `benchmarks/serving/README.md` has the profile.
"""

import asyncio
import time
from collections import deque
from typing import NamedTuple

import hpack

from serving.frames import (
    ACK,
    COMPRESSION_ERROR,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    GOAWAY,
    HEADERS,
    MAX_FRAME,
    MAX_SENT_FRAME,
    MAX_WINDOW,
    NO_ERROR,
    PING,
    PREFACE,
    PRIORITY,
    PROTOCOL_ERROR,
    PUSH_PROMISE,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    STREAM_CLOSED,
    WINDOW_UPDATE,
    ProtocolError,
    frame,
    reset,
    unpadded,
    window_update,
)

CONNECTION_WINDOW = 2**24
STREAM_WINDOW = 2**22
MAX_CACHED_HEADS = 256
# What may wait to be sent to a client that does not read: beyond it the connection is cut.
MAX_CONTROL_BACKLOG = 2**20
HANDSHAKE_SECONDS = 20
PING_ANSWER_SECONDS = 1


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


class Stream:
    """One request and its answer.

    Attributes:
        head: What the application made of the headers.
        body: Chunks of the request's body, for the application to use.
        size: The bytes of the body that are held; the application's to set.
        deadline: When the client stops waiting, on `time.monotonic`'s clock, or None; the application's to set.
        task: What is to be cancelled when the client gives up; the application's to set.
        ended: Whether the request is complete.
    """

    __slots__ = (
        "_connection",
        "_outbox",
        "_received",
        "_window",
        "body",
        "deadline",
        "ended",
        "head",
        "id",
        "size",
        "task",
    )

    def __init__(self, connection, stream_id, head, window):
        self._connection = connection
        self._window = window
        self._outbox = deque()
        self._received = 0
        self.id = stream_id
        self.head = head
        self.body = []
        self.size = 0
        self.ended = False
        self.deadline = None
        self.task = None

    def send_headers(self, block, end=False):
        """Send a header block; `end` ends the answer."""
        self._outbox.append((HEADERS, block, end))
        self._connection.flush(self)

    def send_data(self, data):
        """Send bytes of the body, as fast as the client takes them."""
        self._outbox.append((DATA, memoryview(data), False))
        self._connection.flush(self)

    def send(self, head, data, trailers):
        """Send a whole answer: header block, body, header block."""
        self._outbox.extend(((HEADERS, head, False), (DATA, memoryview(data), False), (HEADERS, trailers, True)))
        self._connection.flush(self)


class Http2Connection(asyncio.Protocol):
    """One client's connection.

    Args:
        application: Has `read_head(headers)`, which makes a stream's `head`, and is told by `opened(stream)`,
            `received(stream, data)`, `finished(stream)` and `cancelled(stream)` what the client does.
        options: `Http2Options`.
        connections: A set that the connection is in while it is open.
    """

    def __init__(self, application, options, connections):
        self._application = application
        self._options = options
        self._connections = connections
        self._decoder = hpack.Decoder(max_header_list_size=options.max_header_bytes)
        self._heads = {}
        self._streams = {}
        self._rest = b""
        self._greeted = False
        self._block = None
        self._last_id = 0
        self._received = 0
        self._receive_window = CONNECTION_WINDOW
        self._send_window = 65_535
        self._stream_window = 65_535
        self._max_sent_frame = MAX_FRAME
        self._paused = False
        self._draining = None
        self._opened = self._active = time.monotonic()
        self._pinged = None
        self._transport = None
        self._frames = {
            DATA: self._on_data,
            HEADERS: self._on_headers,
            RST_STREAM: self._on_reset,
            SETTINGS: self._on_settings,
            PING: self._on_ping,
            WINDOW_UPDATE: self._on_window_update,
            CONTINUATION: self._on_continuation,
            PUSH_PROMISE: self._on_push_promise,
        }

    # The transport's side.

    def connection_made(self, transport):
        """Greet the client."""
        self._transport = transport
        self._connections.add(self)
        settings = {3: self._options.max_concurrent_streams, 4: STREAM_WINDOW, 6: self._options.max_header_bytes}
        payload = b"".join(key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in settings.items())
        transport.write(frame(SETTINGS, 0, 0, payload) + window_update(0, CONNECTION_WINDOW - 65_535))

    def connection_lost(self, error):
        """Cancel what the client was waiting for."""
        self._connections.discard(self)
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            self._application.cancelled(stream)

    def pause_writing(self):
        """Hold back answers while the client does not read."""
        self._paused = True

    def resume_writing(self):
        """Send what was held back."""
        self._paused = False
        self._flush_all()

    def data_received(self, data):
        """Take in bytes from the client."""
        self._active = time.monotonic()
        try:
            self._read(self._rest + data if self._rest else data)
        except ProtocolError as error:
            self._fail(error.code, str(error))

    def _read(self, data):
        position, end = 0, len(data)
        if not self._greeted:
            if not data.startswith(PREFACE):
                self._rest = data
                return self._refuse_stranger(data)
            self._greeted = True
            position = len(PREFACE)
        while end - position >= 9:
            length = int.from_bytes(data[position : position + 3], "big")
            if length > MAX_FRAME:
                raise ProtocolError(FRAME_SIZE_ERROR, f"a frame must be at most {MAX_FRAME} bytes. Received: {length}")
            stop = position + 9 + length
            if stop > end:
                break
            kind = data[position + 3]
            if self._block is not None and kind != CONTINUATION:
                raise ProtocolError(PROTOCOL_ERROR, "a header block must not be interrupted")
            handle = self._frames.get(kind)
            # Frames of unknown kinds are to be ignored, PRIORITY and GOAWAY may be.
            if handle is not None:
                stream_id = int.from_bytes(data[position + 5 : position + 9], "big") & MAX_WINDOW
                handle(data[position + 4], stream_id, data[position + 9 : stop])
            position = stop
        self._rest = data[position:]

    def _refuse_stranger(self, data):
        if PREFACE.startswith(data):
            return
        if data[:5].split(b" ")[0] in (b"GET", b"POST", b"HEAD", b"PUT"):
            text = b"this port speaks gRPC; REST is on the port that --rest_api_port gives\n"
            self._transport.write(
                b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(text)
            )
            self._transport.write(text)
        self._transport.close()

    def _fail(self, code, message):
        payload = self._last_id.to_bytes(4, "big") + code.to_bytes(4, "big") + message.encode()[:200]
        self._transport.write(frame(GOAWAY, 0, 0, payload))
        self._transport.close()
        self._rest, self._frames = b"", {}

    # Frames.

    def _on_headers(self, flags, stream_id, payload):
        payload = unpadded(flags, payload)
        if flags & PRIORITY:
            payload = payload[5:]
        if flags & END_HEADERS:
            self._on_block(stream_id, payload, flags & END_STREAM)
        else:
            self._block = stream_id, payload, flags & END_STREAM

    def _on_continuation(self, flags, stream_id, payload):
        if self._block is None or self._block[0] != stream_id:
            raise ProtocolError(PROTOCOL_ERROR, "a continuation must follow its headers")
        _, block, end = self._block
        block += payload
        # Empty ones count too, or they could go on for ever.
        if len(block) > 4 * self._options.max_header_bytes or not payload:
            raise ProtocolError(ENHANCE_YOUR_CALM, "the headers are too long")
        if flags & END_HEADERS:
            self._block = None
            self._on_block(stream_id, block, end)
        else:
            self._block = stream_id, block, end

    def _on_block(self, stream_id, block, end):
        # Every block must be read, wanted or not, because it changes the table that later ones refer to.
        head = self._read_head(block)
        stream = self._streams.get(stream_id)
        if stream is None and stream_id <= self._last_id:
            return self._send_reset(stream_id, STREAM_CLOSED)
        if stream is not None:
            if not end or stream.ended:
                raise ProtocolError(PROTOCOL_ERROR, "trailers must end a request")
            return self._finish(stream)
        if stream_id % 2 == 0:
            raise ProtocolError(PROTOCOL_ERROR, "a client's streams have odd numbers")
        self._last_id = stream_id
        if len(self._streams) >= self._options.max_concurrent_streams or self._draining == "last":
            return self._send_reset(stream_id, REFUSED_STREAM)
        stream = self._streams[stream_id] = Stream(self, stream_id, head, self._stream_window)
        self._application.opened(stream)
        if end:
            self._finish(stream)

    def _read_head(self, block):
        # A client repeats itself: as long as the table stands still, the same bytes mean the same headers.
        head = self._heads.get(block)
        if head is not None:
            return head
        entries = self._decoder.header_table.dynamic_entries
        before = len(entries), entries[0] if entries else None
        try:
            head = self._application.read_head(self._decoder.decode(block, raw=True))
        except hpack.OversizedHeaderListError:
            limit = self._options.max_header_bytes
            raise ProtocolError(ENHANCE_YOUR_CALM, f"headers must be at most {limit} bytes") from None
        except (hpack.HPACKError, IndexError, ValueError) as error:
            raise ProtocolError(COMPRESSION_ERROR, f"the headers cannot be read: {error}") from None
        if (
            before[0] != len(entries)
            or (entries and entries[0] is not before[1])
            or len(self._heads) > MAX_CACHED_HEADS
        ):
            self._heads.clear()
        else:
            self._heads[block] = head
        return head

    def _on_data(self, flags, stream_id, payload):
        length = len(payload)
        self._receive_window -= length
        if self._receive_window < 0:
            raise ProtocolError(FLOW_CONTROL_ERROR, "more data than the connection's window allows")
        if self._receive_window < CONNECTION_WINDOW // 2:
            self._transport.write(window_update(0, CONNECTION_WINDOW - self._receive_window))
            self._receive_window = CONNECTION_WINDOW
        stream = self._streams.get(stream_id)
        if stream is None:
            if stream_id == 0 or stream_id > self._last_id:
                raise ProtocolError(PROTOCOL_ERROR, "data for a stream that was never opened")
            return
        if stream.ended:
            raise ProtocolError(STREAM_CLOSED, "data after the end of the request")
        stream._received += length
        if stream._received > STREAM_WINDOW:
            raise ProtocolError(FLOW_CONTROL_ERROR, "more data than the stream's window allows")
        self._application.received(stream, unpadded(flags, payload))
        if flags & END_STREAM:
            self._finish(stream)
        elif stream._received > STREAM_WINDOW // 2:
            self._transport.write(window_update(stream_id, stream._received))
            stream._received = 0

    def _finish(self, stream):
        # The application may have answered, and let go of it, before its end.
        if stream.id in self._streams:
            stream.ended = True
            self._application.finished(stream)

    def _on_reset(self, flags, stream_id, payload):
        if len(payload) != 4:
            raise ProtocolError(FRAME_SIZE_ERROR, "RST_STREAM takes 4 bytes")
        if stream_id == 0 or stream_id > self._last_id:
            raise ProtocolError(PROTOCOL_ERROR, "a reset of a stream that was never opened")
        stream = self._streams.pop(stream_id, None)
        if stream is not None:
            self._application.cancelled(stream)
            self._close_if_drained()

    def _on_settings(self, flags, stream_id, payload):
        if stream_id or len(payload) % 6 or (flags & ACK and payload):
            raise ProtocolError(FRAME_SIZE_ERROR, "malformed SETTINGS")
        if flags & ACK:
            return
        for start in range(0, len(payload), 6):
            key = int.from_bytes(payload[start : start + 2], "big")
            self._apply_setting(key, int.from_bytes(payload[start + 2 : start + 6], "big"))
        self._send_control(frame(SETTINGS, ACK, 0, b""))
        self._flush_all()

    def _apply_setting(self, key, value):
        if key == 4:
            if value > MAX_WINDOW:
                raise ProtocolError(FLOW_CONTROL_ERROR, f"INITIAL_WINDOW_SIZE must be below 2^31. Received: {value}")
            for stream in self._streams.values():
                stream._window += value - self._stream_window
            self._stream_window = value
        elif key == 5:
            if not MAX_FRAME <= value < 2**24:
                raise ProtocolError(PROTOCOL_ERROR, f"MAX_FRAME_SIZE must be in [2^14, 2^24). Received: {value}")
            self._max_sent_frame = min(value, MAX_SENT_FRAME)

    def _on_ping(self, flags, stream_id, payload):
        if stream_id or len(payload) != 8:
            raise ProtocolError(FRAME_SIZE_ERROR, "malformed PING")
        if flags & ACK:
            self._pinged = None
            if self._draining == "first":
                self._say_last()
        else:
            self._send_control(frame(PING, ACK, 0, payload))

    def _on_window_update(self, flags, stream_id, payload):
        if len(payload) != 4:
            raise ProtocolError(FRAME_SIZE_ERROR, "WINDOW_UPDATE takes 4 bytes")
        more = int.from_bytes(payload, "big") & MAX_WINDOW
        if more == 0:
            raise ProtocolError(PROTOCOL_ERROR, "a window must grow by 1 at least")
        if stream_id == 0:
            self._send_window += more
            if self._send_window > MAX_WINDOW:
                raise ProtocolError(FLOW_CONTROL_ERROR, "the connection's window exceeds 2^31 - 1")
            return self._flush_all()
        if stream_id > self._last_id:
            raise ProtocolError(PROTOCOL_ERROR, "a window for a stream that was never opened")
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream._window += more
            if stream._window > MAX_WINDOW:
                return self._drop(stream, FLOW_CONTROL_ERROR)
            self.flush(stream)

    def _on_push_promise(self, flags, stream_id, payload):
        raise ProtocolError(PROTOCOL_ERROR, "a client cannot push")

    # Sending.

    def flush(self, stream):
        """Send as much of a stream's answer as its client takes now."""
        if stream.id not in self._streams or self._paused:
            return
        outbox, parts, done = stream._outbox, [], False
        while outbox and not done:
            kind, payload, end = outbox[0]
            if kind == HEADERS:
                outbox.popleft()
                parts.append(frame(HEADERS, END_HEADERS | END_STREAM if end else END_HEADERS, stream.id, payload))
                done = end
                continue
            size = min(len(payload), self._max_sent_frame, stream._window, self._send_window)
            if size <= 0 and len(payload):
                break
            parts.append(frame(DATA, 0, stream.id, payload[:size]))
            stream._window -= size
            self._send_window -= size
            if size == len(payload):
                outbox.popleft()
            else:
                outbox[0] = DATA, payload[size:], False
        if done:
            del self._streams[stream.id]
            if not stream.ended:
                # The rest of the request is of no use to anyone.
                parts.append(reset(stream.id, NO_ERROR))
        if parts:
            self._transport.write(b"".join(parts))
        if done:
            self._close_if_drained()

    def _flush_all(self):
        for stream in [stream for stream in self._streams.values() if stream._outbox]:
            self.flush(stream)

    def _drop(self, stream, code):
        self._streams.pop(stream.id, None)
        self._send_reset(stream.id, code)
        self._application.cancelled(stream)

    def _send_reset(self, stream_id, code):
        self._send_control(reset(stream_id, code))

    def _send_control(self, data):
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_CONTROL_BACKLOG:
            self._transport.abort()

    # Timers and the end.

    def tick(self, now):
        """Do what is due; called every second or so.

        Args:
            now: `time.monotonic()`.
        """
        options, never = self._options, float("inf")
        if not self._greeted and now - self._opened > HANDSHAKE_SECONDS:
            return self._transport.abort()
        if self._draining == "first" and now - self._pinged > PING_ANSWER_SECONDS:
            self._say_last()
        if self._pinged is not None and now - self._pinged > options.keepalive_timeout:
            return self._transport.abort()
        if self._draining == "last":
            if now - self._opened > (options.max_connection_age or never) + (options.max_connection_age_grace or never):
                self._transport.abort()
            return
        quiet = now - self._active
        if options.keepalive_time is not None and quiet > options.keepalive_time and self._pinged is None:
            self._ping(now)
        idle = options.max_connection_idle
        age = options.max_connection_age
        if (idle is not None and not self._streams and quiet > idle) or (age is not None and now - self._opened > age):
            self.drain()

    def _ping(self, now):
        self._pinged = now
        self._transport.write(frame(PING, 0, 0, b"dlkeras\0"))

    def drain(self):
        """Ask the client for no more requests, and close when those it has sent are answered."""
        if self._draining or self._transport.is_closing():
            return
        if not self._greeted:
            return self._transport.close()
        # Two steps: the number of the last stream is named when what was already on its way has come.
        self._draining = "first"
        self._transport.write(frame(GOAWAY, 0, 0, MAX_WINDOW.to_bytes(4, "big") + bytes(4)))
        self._ping(time.monotonic())

    def _say_last(self):
        self._draining = "last"
        self._transport.write(frame(GOAWAY, 0, 0, self._last_id.to_bytes(4, "big") + bytes(4)))
        self._close_if_drained()

    def _close_if_drained(self):
        if self._draining == "last" and not self._streams:
            self._transport.close()

    def abort(self):
        """Close at once."""
        self._transport.abort()
