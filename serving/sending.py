"""The sending side of an HTTP/2 connection: answers, as fast as their client takes them."""

import asyncio
from collections import deque

from serving.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    MAX_FRAME,
    NO_ERROR,
    answer,
    frame,
    reset,
)

# What may wait to be sent to a client that asks and does not read, beside its answers: beyond it the connection is cut.
MAX_CONTROL_BACKLOG = 2**20
# What a stream may send before it is the others' turn.
TURN_BYTES = 2**16
# A stream of answers waits while its client is so far behind.
MAX_STREAMED_BACKLOG = 2**16
# Answers of one turn of the event loop go out together: a call of the system takes as long as many of them.
MAX_GATHERED_BYTES = 2**14


class Stream:
    """One request and its answer.

    Attributes:
        id: The stream's number.
        head: What the application made of the headers.
        body: Chunks of the request's body, for the application to use.
        size: The bytes of the body that are held; the application's to set.
        since: When the request began, on `time.monotonic`'s clock.
        deadline: When the client stops waiting, on the same clock, or None; the application's to set.
        task: What is to be cancelled when the client gives up; the application's to set.
        patient: Whether the request may take its time to arrive; the application's to set.
        ended: Whether the request is complete.
        received: The bytes that have come since the client was last let to send more.
        window: What the client has added to the window that its streams begin with, less what was sent.
        outbox: What waits to be sent: tuples of a frame's kind, its payload, and whether it ends the answer.
        unsent: The bytes of DATA in there.
        waiter: An `asyncio.Future` of the outbox's shrinking, or None.
    """

    __slots__ = (
        "_sender",
        "body",
        "deadline",
        "ended",
        "head",
        "id",
        "outbox",
        "patient",
        "received",
        "since",
        "size",
        "task",
        "unsent",
        "waiter",
        "window",
    )

    def __init__(self, sender, stream_id, head, since):
        self._sender = sender
        self.id = stream_id
        self.head = head
        self.since = since
        self.body = []
        self.size = self.received = self.window = self.unsent = 0
        self.ended = self.patient = False
        self.deadline = self.task = self.outbox = self.waiter = None

    def send_headers(self, block, end=False):
        """Send a header block; `end` ends the answer."""
        self._sender.enqueue(self, (HEADERS, block, end))

    def send_data(self, data):
        """Send bytes of the body, as fast as the client takes them."""
        self._sender.enqueue(self, (DATA, memoryview(data), False))

    def send(self, head, data, trailers):
        """Send a whole answer: header block, body, header block."""
        if not self._sender.send_at_once(self, head, data, trailers):
            self._sender.enqueue(
                self, (HEADERS, head, False), (DATA, memoryview(data), False), (HEADERS, trailers, True)
            )

    async def drained(self):
        """Wait until the client has taken most of what was sent."""
        while self.unsent > MAX_STREAMED_BACKLOG:
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter


class Sender:
    """Sends frames, within the windows that the client has opened.

    Args:
        transport: The connection's transport.
        streams: The open streams by number; a stream leaves it with the last frame of its answer.
        budget: A `Budget`, for what waits.
        on_last: A function to call when no stream is left.

    Attributes:
        window: The bytes of DATA that the client takes, over all streams.
        initial_window: The same for each stream, to begin with.
        max_frame: The largest frame that the client takes, or that is of use.
        paused: Whether the transport has enough for now.
        sent: The bytes handed to the transport so far, or about to be.
    """

    def __init__(self, transport, streams, budget, on_last):
        self._transport = transport
        self._streams = streams
        self._budget = budget
        self._on_last = on_last
        self._blocked = {}
        self._control_backlog = 0
        self._loop = asyncio.get_running_loop()
        self._gathered, self._gathered_bytes = [], 0
        self.window = self.initial_window = 65_535
        self.max_frame = MAX_FRAME
        self.paused = False
        self.sent = 0

    @property
    def waiting(self):
        """Whether the client has yet to take something."""
        return bool(self._blocked) or self.paused

    @property
    def taken(self):
        """The bytes that have left for the client so far."""
        return self.sent - self._gathered_bytes - self._transport.get_write_buffer_size()

    def control(self, data):
        """Send frames that are not an answer's, which no window holds back."""
        self._write(data)
        if self.paused:
            self._control_backlog += len(data)
            if self._control_backlog > MAX_CONTROL_BACKLOG:
                self._transport.abort()

    def resume(self):
        """Go on after a pause."""
        self.paused = False
        self._control_backlog = 0
        self.flush()

    def _write(self, data):
        self.sent += len(data)
        self._gathered.append(data)
        self._gathered_bytes += len(data)
        if self._gathered_bytes > MAX_GATHERED_BYTES:
            self._write_gathered()
        elif len(self._gathered) == 1:
            self._loop.call_soon(self._write_gathered)

    def _write_gathered(self):
        if self._gathered:
            data = self._gathered[0] if len(self._gathered) == 1 else b"".join(self._gathered)
            self._gathered, self._gathered_bytes = [], 0
            if not self._transport.is_closing():
                self._transport.write(data)

    def send_at_once(self, stream, head, data, trailers):
        """Send a whole answer if nothing is in its way.

        Args:
            stream: The `Stream`.
            head: Its header block.
            data: Its body.
            trailers: Its last header block.

        Returns:
            Whether nothing is left to do.
        """
        size = len(data)
        if self.paused or stream.outbox or size > min(self.window, self.initial_window + stream.window, self.max_frame):
            return False
        if stream.id in self._streams:
            self.window -= size
            self._write(answer(stream.id, head, data, trailers))
            self._finish(stream)
        return True

    def enqueue(self, stream, *items):
        """Put frames of an answer in line, and send what can be sent.

        Args:
            stream: The `Stream`.
            items: As its `outbox` has them.
        """
        if stream.id not in self._streams:
            return
        if stream.outbox is None:
            stream.outbox = deque()
        stream.outbox.extend(items)
        size = sum(len(payload) for kind, payload, _ in items if kind == DATA)
        stream.unsent += size
        fits = self._budget.keep(size)
        self._blocked[stream.id] = stream
        self.flush_stream(stream)
        if not fits and stream.unsent:
            # Those who do not read must not use up the server's memory.
            self._transport.abort()

    def flush(self):
        """Send what can be sent, in turns, so that a large answer does not hold up the small ones behind it."""
        going_on = True
        while going_on and not self.paused:
            going_on = False
            for stream in list(self._blocked.values()):
                if self.paused:
                    break
                going_on |= self._send_turn(stream)

    def flush_stream(self, stream):
        """Send what can be sent of one stream."""
        while stream.id in self._blocked and not self.paused and self._send_turn(stream):
            pass

    def _send_turn(self, stream):
        """Send at most a turn's worth: whether anything was."""
        outbox, parts, left, done = stream.outbox, [], TURN_BYTES, False
        while outbox and not done:
            kind, payload, done = outbox[0]
            if kind == HEADERS:
                outbox.popleft()
                parts.append(frame(HEADERS, END_HEADERS | END_STREAM if done else END_HEADERS, stream.id, payload))
                continue
            size = min(len(payload), self.max_frame, self.initial_window + stream.window, self.window, left)
            if size <= 0 < len(payload):
                break
            parts.append(frame(DATA, 0, stream.id, payload[:size]))
            left -= size
            stream.window -= size
            self.window -= size
            self._give_back(stream, size)
            if size == len(payload):
                outbox.popleft()
            else:
                outbox[0] = DATA, payload[size:], False
        if parts:
            self._write(b"".join(parts))
        if done:
            self._finish(stream)
        elif not outbox:
            self._blocked.pop(stream.id, None)
        return bool(parts)

    def _give_back(self, stream, size):
        stream.unsent -= size
        self._budget.keep(-size)
        if stream.waiter is not None and not stream.waiter.done():
            stream.waiter.set_result(None)

    def _finish(self, stream):
        if not stream.ended:
            # The rest of the request is of no use to anyone.
            self._write(reset(stream.id, NO_ERROR))
        self.forget(stream)

    def forget(self, stream):
        """Let go of a stream and of what was left of its answer."""
        self._streams.pop(stream.id, None)
        if stream.outbox is not None:
            self._blocked.pop(stream.id, None)
            stream.outbox.clear()
            self._give_back(stream, stream.unsent)
        if not self._streams:
            self._on_last()
