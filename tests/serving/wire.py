"""Both wire protocols on a loop of their own, with toy procedures instead of models."""

import asyncio
import functools
import socket
import struct
import threading
import time

import h2.config
import h2.connection
import h2.events
import h2.settings
import uvloop
from google.protobuf import wrappers_pb2

from serving.budget import Budget
from serving.errors import ServingError
from serving.frames import PREFACE, frame
from serving.grpc_protocol import GrpcApplication, Method
from serving.http1 import Http1Connection
from serving.http2 import Http2Connection, Http2Options
from serving.http_messages import Response

MAX_BYTES = 1_000_000
HEADERS = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/t/Echo"),
    (":authority", "a"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
]


class Wire:
    """A gRPC and an HTTP/1.1 port.

    Args:
        budget: The bytes of requests that are held at a time.
        tls: An `ssl.SSLContext` for gRPC.
        options: Those of `Http2Options`.
    """

    def __init__(self, budget=4 * MAX_BYTES, tls=None, **options):
        self.counts = {"begun": 0, "done": 0, "cancelled": 0}
        self.budget = Budget(budget)
        self.connections = set()
        self.errors = []
        self._loop = uvloop.new_event_loop()
        self._loop.set_exception_handler(lambda _, context: self.errors.append(context))
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.grpc, self.http = self.run(self._listen(tls, Http2Options(**options)))

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _listen(self, tls, options):
        methods = {
            "/t/Echo": Method(wrappers_pb2.BytesValue, self._echo),
            "/t/Big": Method(wrappers_pb2.Int64Value, self._big),
            "/t/Slow": Method(wrappers_pb2.DoubleValue, self._slow),
            "/t/Fail": Method(wrappers_pb2.StringValue, self._fail),
            "/t/Stream": Method(wrappers_pb2.Int64Value, self._stream, streams=True),
        }
        application = GrpcApplication(methods, MAX_BYTES, self.budget)
        self._make_grpc = functools.partial(Http2Connection, application, options, self.connections)
        make_http = functools.partial(
            Http1Connection, self._answer, self._refuse, MAX_BYTES, self.budget, self.connections
        )
        servers = [
            await self._loop.create_server(self._make_grpc, "127.0.0.1", 0, ssl=tls),
            await self._loop.create_server(make_http, "127.0.0.1", 0),
        ]
        self._servers = servers
        self._ticking = self._loop.create_task(self._tick())
        return [server.sockets[0].getsockname() for server in servers]

    def listen(self, path):
        """Take gRPC on a UNIX socket too."""
        self._servers.append(self.run(self._loop.create_unix_server(self._make_grpc, path)))

    async def _tick(self):
        while True:
            for connection in list(self.connections):
                connection.tick(time.monotonic())
            await asyncio.sleep(0.05)

    async def _echo(self, request, deadline):
        return request

    async def _big(self, request, deadline):
        return wrappers_pb2.BytesValue(value=b"x" * request.value)

    async def _slow(self, request, deadline):
        await self._count(request.value)
        return request

    async def _count(self, seconds):
        self.counts["begun"] += 1
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.counts["cancelled"] += 1
            raise
        self.counts["done"] += 1

    async def _fail(self, request, deadline):
        raise ServingError("NOT_FOUND", request.value)

    async def _stream(self, requests):
        async for request in requests:
            yield wrappers_pb2.BytesValue(value=b"x" * request.value)

    async def _answer(self, request):
        kind, _, value = request.path[1:].partition("/")
        if kind == "big":
            return Response(200, b"x" * int(value))
        if kind == "slow":
            await self._count(float(value))
        return Response(200, b"%b %b:%b" % (request.method.encode(), request.path.encode("latin-1"), request.body))

    def _refuse(self, status, message):
        return Response(status, message.encode())

    def later(self, seconds):
        """Let the connections' clocks say that so much time has gone by, once."""

        async def tick():
            for connection in list(self.connections):
                connection.tick(time.monotonic() + seconds)

        self.run(tick())

    def settled(self, seconds=5):
        """Wait until nothing is held, run or waited for; the last reason why that is not so, or None."""

        async def look():
            tasks = asyncio.all_tasks() - {asyncio.current_task(), self._ticking}
            streams = [getattr(connection, "_receiver", None) for connection in self.connections]
            open_streams = sum(len(receiver.streams) for receiver in streams if receiver is not None)
            return self.budget.taken, self.budget.unsent, len(tasks), open_streams, self.errors

        until = time.monotonic() + seconds
        while (state := self.run(look())) != (0, 0, 0, 0, []) and time.monotonic() < until:
            time.sleep(0.01)
        return None if state == (0, 0, 0, 0, []) else state

    def stop(self):
        async def close():
            self._ticking.cancel()
            for server in self._servers:
                server.close()
            for connection in list(self.connections):
                connection.abort()
            await asyncio.sleep(0.01)

        self.run(close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Peer:
    """A strict HTTP/2 client, by h2.

    Args:
        address: The server's.
        settings: SETTINGS to begin with.
        tls: An `ssl.SSLContext`.
        receive_buffer: The size of the socket's, which bounds what the kernel takes for us.
    """

    def __init__(self, address, settings=None, tls=None, receive_buffer=None, widen=True):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect(address)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.local_settings = h2.settings.Settings(client=True, initial_values=settings or {})
        self.h2.initiate_connection()
        self.widen = widen
        self.answers = {}
        self.ended = False
        self.flush()
        while self.h2.remote_settings.initial_window_size == 65_535:
            self.h2.receive_data(self.socket.recv(65_536))
        self.flush()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def send(self, path="/t/Echo", message=b"", body=None, end=True, headers=(), flush=True):
        """Send a request; its stream's number."""
        stream_id = self.h2.get_next_available_stream_id()
        names = {name for name, _ in headers}
        base = [(name, path if name == ":path" else value) for name, value in HEADERS if name not in names]
        pseudo = [header for header in headers if header[0].startswith(":")]
        rest = [header for header in headers if not header[0].startswith(":")]
        self.h2.send_headers(stream_id, pseudo + base + rest)
        body = prefixed(message) if body is None else body
        for start in range(0, len(body), 16_384):
            self.h2.send_data(stream_id, body[start : start + 16_384])
        if end:
            self.h2.end_stream(stream_id)
        if flush:
            self.flush()
        return stream_id

    def read(self, *, until=None):
        """Read until a stream has ended, or the connection has."""
        while not self.ended and (until is None or not self.answers.get(until, {}).get("ended")):
            data = self.socket.recv(65_536)
            if not data:
                self.ended = True
                break
            for event in self.h2.receive_data(data):
                self._take(event)
            self.flush()
        return self.answers.get(until)

    def _take(self, event):
        if isinstance(event, h2.events.ConnectionTerminated):
            self.answers[0] = {"code": event.error_code, "last": event.last_stream_id}
            return
        stream_id = getattr(event, "stream_id", None)
        if not stream_id:
            return
        answer = self.answers.setdefault(stream_id, {"headers": {}, "data": b"", "ended": False, "reset": None})
        if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
            answer["headers"].update(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            answer["data"] += event.data
            if self.widen and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            answer["ended"] = True
        elif isinstance(event, h2.events.StreamReset):
            answer["ended"], answer["reset"] = True, answer["reset"] or event.error_code

    def ask(self, *arguments, **options):
        return self.read(until=self.send(*arguments, **options))

    def close(self):
        self.socket.close()


class Raw:
    """A client that sends any frames at all."""

    def __init__(self, address, greet=True):
        self.socket = socket.create_connection(address, timeout=10)
        if greet:
            self.socket.sendall(PREFACE + frame(4, 0, 0, b""))

    def send(self, *frames):
        self.socket.sendall(b"".join(frames))

    def frames(self, until):
        """Read frames until one of that kind has come, or the connection has ended."""
        data, found = b"", []
        while not any(kind == until for kind, *_ in found):
            try:
                more = self.socket.recv(65_536)
            except ConnectionResetError:
                more = b""
            data += more
            while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
                size = int.from_bytes(data[:3], "big")
                found.append((data[3], data[4], int.from_bytes(data[5:9], "big"), data[9 : 9 + size]))
                data = data[9 + size :]
            if not more:
                break
        return found

    def close(self):
        self.socket.close()


def prefixed(message, flag=0):
    return struct.pack(">BI", flag, len(message)) + message
