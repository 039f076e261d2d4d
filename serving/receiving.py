"""The receiving side of an HTTP/2 connection: frames, and the streams that they open, feed and end."""

from serving.budget import MIN_BYTES_PER_SECOND
from serving.frames import (
    ACK,
    CANCEL,
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
    PADDED,
    PING,
    PRIORITY,
    PRIORITY_FRAME,
    PROTOCOL_ERROR,
    PUSH_PROMISE,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    STREAM_CLOSED,
    WINDOW_UPDATE,
    ProtocolError,
    StreamError,
    frame,
    reset,
    unpadded,
    window_update,
)
from serving.header_blocks import HeaderReader
from serving.sending import Sender, Stream

CONNECTION_WINDOW = 2**24
STREAM_WINDOW = 2**22
ARRIVAL_SECONDS = 30
# Requests that a client takes back in the very packet that brings them, in half a second: no honest one has reason to.
MAX_RAPID_RESETS = 200


class Receiver:
    """Takes in the frames of one connection.

    Args:
        transport: The connection's transport.
        application: As for `serving.http2.Http2Connection`.
        options: `serving.http2.Http2Options`.
        connection: Is told by `on_ping_answer()` and `on_last()`.

    Attributes:
        sender: The other side, a `Sender`.
        streams: The open streams by number.
        last_id: The number of the last stream that was opened.
        closed: Whether new streams are refused.
    """

    def __init__(self, transport, application, options, connection):
        self._application = application
        self._options = options
        self._connection = connection
        self._reader = HeaderReader(application.read_head, options.max_header_bytes)
        self._block = None
        self._window = CONNECTION_WINDOW
        self._settled = False
        self._flush_due = False
        self._rapid_resets = 0
        self._now = 0.0
        self.streams = {}
        self.sender = Sender(transport, self.streams, application.budget, connection.on_last)
        self.last_id = 0
        self.closed = False
        self._frames = {
            DATA: self._on_data,
            HEADERS: self._on_headers,
            PRIORITY_FRAME: self._on_priority,
            RST_STREAM: self._on_reset,
            SETTINGS: self._on_settings,
            PUSH_PROMISE: self._on_push_promise,
            PING: self._on_ping,
            GOAWAY: self._on_goaway,
            WINDOW_UPDATE: self._on_window_update,
            CONTINUATION: self._on_continuation,
        }

    def take(self, kind, flags, stream_id, payload, now):
        """Take in a frame.

        Args:
            kind: The frame's type.
            flags: Its flags.
            stream_id: Its stream; 0 for the connection.
            payload: Bytes.
            now: `time.monotonic()`, of about now.

        Raises:
            ProtocolError: If the connection cannot go on.
        """
        self._now = now
        if not self._settled:
            if kind != SETTINGS or flags & ACK:
                raise ProtocolError(PROTOCOL_ERROR, "SETTINGS must come first")
            self._settled = True
        if self._block is not None and kind != CONTINUATION:
            raise ProtocolError(PROTOCOL_ERROR, "a header block must not be interrupted")
        handle = self._frames.get(kind)
        # Frames of unknown kinds are to be ignored.
        if handle is not None:
            handle(flags, stream_id, payload)

    def settle(self):
        """Do what many frames at a time need done once."""
        if self._flush_due:
            self._flush_due = False
            self.sender.flush()

    def tick(self, now):
        """Abandon requests that do not arrive.

        Args:
            now: `time.monotonic()`.
        """
        self._rapid_resets = 0
        for stream in [stream for stream in self.streams.values() if not (stream.ended or stream.patient)]:
            age = now - stream.since
            if age > ARRIVAL_SECONDS and stream.size < age * MIN_BYTES_PER_SECOND:
                self.drop(stream, CANCEL)

    def drop(self, stream, code):
        """Abandon a stream."""
        self.sender.control(reset(stream.id, code))
        self._cancel(stream)

    def drop_all(self):
        """Abandon all streams without a word: their client has gone."""
        for stream in list(self.streams.values()):
            self._cancel(stream)

    def _cancel(self, stream):
        self.sender.forget(stream)
        self._application.cancelled(stream)

    # Headers.

    def _on_headers(self, flags, stream_id, payload):
        if flags & PADDED:
            payload = unpadded(flags, payload)
        if flags & PRIORITY:
            if len(payload) < 5:
                raise ProtocolError(FRAME_SIZE_ERROR, "a priority takes 5 bytes")
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
        if len(block) > 2 * self._options.max_header_bytes + MAX_FRAME or not payload:
            raise ProtocolError(ENHANCE_YOUR_CALM, "the headers are too long")
        if flags & END_HEADERS:
            self._block = None
            self._on_block(stream_id, block, end)
        else:
            self._block = stream_id, block, end

    def _on_block(self, stream_id, block, end):
        if stream_id % 2 == 0:
            raise ProtocolError(PROTOCOL_ERROR, "a client's streams have odd numbers")
        stream = self.streams.get(stream_id)
        try:
            head = self._reader.read(block)
        except StreamError as error:
            return self._refuse(stream_id, stream, error.code)
        if stream is not None:
            self._on_trailers(stream, head, end)
        elif stream_id > self.last_id:
            self._open(stream_id, head, end)
        elif head is not None:
            raise ProtocolError(PROTOCOL_ERROR, "a stream's number must be above those before it")

    def _refuse(self, stream_id, stream, code):
        self.last_id = max(self.last_id, stream_id)
        if stream is not None:
            self.drop(stream, code)
        else:
            self.sender.control(reset(stream_id, code))

    def _on_trailers(self, stream, head, end):
        if stream.ended:
            raise ProtocolError(STREAM_CLOSED, "headers after the end of the request")
        if head is not None or not end:
            return self.drop(stream, PROTOCOL_ERROR)
        self._finish(stream)

    def _open(self, stream_id, head, end):
        self.last_id = stream_id
        if head is None:
            return self.sender.control(reset(stream_id, PROTOCOL_ERROR))
        if self.closed or len(self.streams) >= self._options.max_concurrent_streams:
            return self.sender.control(reset(stream_id, REFUSED_STREAM))
        stream = self.streams[stream_id] = Stream(self.sender, stream_id, head, self._now)
        stream.ended = bool(end)
        self._application.opened(stream)
        # The application may have answered already.
        if end and stream_id in self.streams:
            self._application.finished(stream)

    def _finish(self, stream):
        stream.ended = True
        self._application.finished(stream)

    # Data.

    def _on_data(self, flags, stream_id, payload):
        length = len(payload)
        self._window -= length
        if self._window < 0:
            raise ProtocolError(FLOW_CONTROL_ERROR, "more data than the connection's window allows")
        if self._window < CONNECTION_WINDOW // 2:
            self.sender.control(window_update(0, CONNECTION_WINDOW - self._window))
            self._window = CONNECTION_WINDOW
        if flags & PADDED:
            payload = unpadded(flags, payload)
        stream = self.streams.get(stream_id)
        if stream is None:
            self._check_opened(stream_id, "data")
            return
        if stream.ended:
            return self.drop(stream, STREAM_CLOSED)
        stream.received += length
        if stream.received > STREAM_WINDOW:
            return self.drop(stream, FLOW_CONTROL_ERROR)
        if payload:
            self._application.received(stream, payload)
            if stream_id not in self.streams:
                return
        if flags & END_STREAM:
            self._finish(stream)
        elif stream.received > STREAM_WINDOW // 2:
            self.sender.control(window_update(stream_id, stream.received))
            stream.received = 0

    def _check_opened(self, stream_id, what):
        if stream_id % 2 == 0 or stream_id > self.last_id:
            raise ProtocolError(PROTOCOL_ERROR, f"{what} for a stream that was never opened")

    # What has no payload to speak of.

    def _on_priority(self, flags, stream_id, payload):
        if stream_id == 0:
            raise ProtocolError(PROTOCOL_ERROR, "a priority must be a stream's")
        if len(payload) != 5:
            raise ProtocolError(FRAME_SIZE_ERROR, "PRIORITY takes 5 bytes")

    def _on_reset(self, flags, stream_id, payload):
        if len(payload) != 4:
            raise ProtocolError(FRAME_SIZE_ERROR, "RST_STREAM takes 4 bytes")
        self._check_opened(stream_id, "a reset")
        stream = self.streams.get(stream_id)
        if stream is None:
            return
        self._cancel(stream)
        if stream.since == self._now:
            self._rapid_resets += 1
            if self._rapid_resets > MAX_RAPID_RESETS:
                raise ProtocolError(ENHANCE_YOUR_CALM, "too many requests were taken back as they were made")

    def _on_settings(self, flags, stream_id, payload):
        if stream_id:
            raise ProtocolError(PROTOCOL_ERROR, "SETTINGS are the connection's")
        if len(payload) % 6 or (flags & ACK and payload):
            raise ProtocolError(FRAME_SIZE_ERROR, "malformed SETTINGS")
        if flags & ACK:
            return
        for start in range(0, len(payload), 6):
            key = int.from_bytes(payload[start : start + 2], "big")
            self._apply_setting(key, int.from_bytes(payload[start + 2 : start + 6], "big"))
        self.sender.control(frame(SETTINGS, ACK, 0, b""))
        self._flush_due = True

    def _apply_setting(self, key, value):
        if key == 2 and value > 1:
            raise ProtocolError(PROTOCOL_ERROR, f"ENABLE_PUSH must be 0 or 1. Received: {value}")
        if key == 4:
            if value > MAX_WINDOW:
                raise ProtocolError(FLOW_CONTROL_ERROR, f"INITIAL_WINDOW_SIZE must be below 2^31. Received: {value}")
            self.sender.initial_window = value
        elif key == 5:
            if not MAX_FRAME <= value < 2**24:
                raise ProtocolError(PROTOCOL_ERROR, f"MAX_FRAME_SIZE must be in [2^14, 2^24). Received: {value}")
            self.sender.max_frame = min(value, MAX_SENT_FRAME)

    def _on_push_promise(self, flags, stream_id, payload):
        raise ProtocolError(PROTOCOL_ERROR, "a client cannot push")

    def _on_ping(self, flags, stream_id, payload):
        if stream_id:
            raise ProtocolError(PROTOCOL_ERROR, "PING is the connection's")
        if len(payload) != 8:
            raise ProtocolError(FRAME_SIZE_ERROR, "PING takes 8 bytes")
        if flags & ACK:
            self._connection.on_ping_answer()
        else:
            self.sender.control(frame(PING, ACK, 0, payload))

    def _on_goaway(self, flags, stream_id, payload):
        if stream_id:
            raise ProtocolError(PROTOCOL_ERROR, "GOAWAY is the connection's")

    def _on_window_update(self, flags, stream_id, payload):
        if len(payload) != 4:
            raise ProtocolError(FRAME_SIZE_ERROR, "WINDOW_UPDATE takes 4 bytes")
        more = int.from_bytes(payload, "big") & MAX_WINDOW
        if stream_id == 0:
            self._widen(more)
            return
        self._check_opened(stream_id, "a window")
        stream = self.streams.get(stream_id)
        if stream is None:
            return
        stream.window += more
        if more == 0 or self.sender.initial_window + stream.window > MAX_WINDOW:
            return self.drop(stream, FLOW_CONTROL_ERROR if more else PROTOCOL_ERROR)
        self.sender.flush_stream(stream)

    def _widen(self, more):
        if more == 0:
            raise ProtocolError(PROTOCOL_ERROR, "a window must grow by 1 at least")
        self.sender.window += more
        if self.sender.window > MAX_WINDOW:
            raise ProtocolError(FLOW_CONTROL_ERROR, "the connection's window exceeds 2^31 - 1")
        self._flush_due = True
