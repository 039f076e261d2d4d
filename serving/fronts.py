"""The event loop on a thread of its own, and what listens on it: gRPC and REST."""

import asyncio
import functools
import logging
import socket
import threading
import time
from pathlib import Path

import uvloop

from serving import rest
from serving.budget import Budget
from serving.config_protos import ConfigError
from serving.grpc_protocol import GrpcApplication
from serving.grpc_server import make_methods
from serving.http1 import Http1Connection
from serving.http2 import Http2Connection, Http2Options
from serving.ports import listen

log = logging.getLogger("serving")

SHUTDOWN_SECONDS = 5
TICK_SECONDS = 0.5
BACKLOG = 1024
# Requests being read or answered hold at most this many of the largest there may be.
BUDGET_REQUESTS = 4
_MESSAGE_BYTES = "grpc.max_receive_message_length"
# Names of gRPC's channel arguments, by the option that they set and the number of its units in one of theirs.
_ARGUMENTS = {
    "grpc.max_concurrent_streams": ("max_concurrent_streams", None),
    "grpc.max_metadata_size": ("max_header_bytes", None),
    "grpc.absolute_max_metadata_size": ("max_header_bytes", None),
    "grpc.keepalive_time_ms": ("keepalive_time", 1000),
    "grpc.keepalive_timeout_ms": ("keepalive_timeout", 1000),
    "grpc.max_connection_idle_ms": ("max_connection_idle", 1000),
    "grpc.max_connection_age_ms": ("max_connection_age", 1000),
    "grpc.max_connection_age_grace_ms": ("max_connection_age_grace", 1000),
}
_NEVER_MS = 2**31 - 1


class Fronts:
    """Answers on the network. Every method may be called from any thread.

    Args:
        core: A `Core`.
        flags: The command line's flags.
        tls: An `ssl.SSLContext` for gRPC; None for none.
        pages: Further REST pages, paths to asynchronous functions that give bytes of text.
    """

    def __init__(self, core, flags, tls=None, pages=None):
        self._core = core
        self._flags = flags
        self._tls = tls
        self._pages = pages or {}
        self._connections = set()
        self._servers = []
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fronts", daemon=True)
        self.addresses = []

    @property
    def connections(self):
        """How many connections are open."""
        return len(self._connections)

    def start(self):
        """Listen.

        Raises:
            ConfigError: If an address cannot be listened on.
        """
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        except ConfigError:
            self._end()
            raise

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _listen(self):
        flags = self._flags
        budget = Budget(BUDGET_REQUESTS * flags.max_request_bytes)
        if flags.port or flags.grpc_socket_path:
            arguments = dict(flags.grpc_channel_arguments)
            limit = arguments.get(_MESSAGE_BYTES, flags.max_request_bytes)
            methods = make_methods(self._core, flags.enable_serialization_as_tensor_content)
            application = GrpcApplication(methods, limit, budget)
            make = functools.partial(Http2Connection, application, http2_options(arguments), self._connections)
            if flags.port:
                await self._listen_on(make, flags.port, "--port", "gRPC ", self._tls)
            if flags.grpc_socket_path:
                await self._listen_on_socket(make, flags.grpc_socket_path)
        if flags.rest_api_port:
            timeout = flags.rest_api_timeout_in_ms / 1000
            front = rest.RestFront(self._core, timeout, flags.rest_api_enable_cors_support, self._pages)
            make = functools.partial(
                Http1Connection, front.answer, rest.refuse, flags.max_request_bytes, budget, self._connections
            )
            await self._listen_on(make, flags.rest_api_port, "--rest_api_port", "REST http://")
        self._loop.call_later(TICK_SECONDS, self._tick)

    async def _listen_on(self, make, port, flag, title, tls=None):
        bound = listen(self._flags.bind_address, port, flag, shared=self._flags.num_processes > 1)
        self._servers.append(await self._loop.create_server(make, sock=bound, ssl=tls, backlog=BACKLOG))
        self.addresses.append(f"{title}{self._flags.bind_address}:{port}")

    async def _listen_on_socket(self, make, path):
        _remove_stale_socket(path)
        try:
            server = await self._loop.create_unix_server(make, path, ssl=self._tls, backlog=BACKLOG)
        except OSError as error:
            raise ConfigError(f"--grpc_socket_path: cannot listen on {path}: {error.strerror or error}") from None
        self._servers.append(server)
        self.addresses.append(f"gRPC unix:{path}")

    def _tick(self):
        now = time.monotonic()
        for connection in list(self._connections):
            connection.tick(now)
        self._loop.call_later(TICK_SECONDS, self._tick)

    def stop(self):
        """Take no more connections, answer what was asked, and end."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._drain(), self._loop).result()
            self._end()

    async def _drain(self):
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.drain()
        until = time.monotonic() + SHUTDOWN_SECONDS
        while self._connections and time.monotonic() < until:
            await asyncio.sleep(0.02)
        for connection in list(self._connections):
            connection.abort()
        if self._flags.grpc_socket_path:
            Path(self._flags.grpc_socket_path).unlink(missing_ok=True)

    def _end(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def http2_options(arguments):
    """Read the channel arguments that this server has a use for.

    Args:
        arguments: gRPC's names to values, as `--grpc_channel_arguments` has them.

    Returns:
        `Http2Options`.
    """
    options = {}
    for name, value in arguments.items():
        if name not in _ARGUMENTS:
            if name not in (_MESSAGE_BYTES, "grpc.so_reuseport"):
                log.warning("--grpc_channel_arguments: %s has no effect", name)
            continue
        if not isinstance(value, int) or value < 1:
            raise ConfigError(f"--grpc_channel_arguments: {name} must be 1 or more. Received: {value}")
        option, units = _ARGUMENTS[name]
        options[option] = value if units is None else None if value >= _NEVER_MS else value / units
    return Http2Options(**options)


def _remove_stale_socket(path):
    # A server that was killed leaves its socket behind; one that lives answers.
    if not Path(path).is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
        except OSError:
            return
