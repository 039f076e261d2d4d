"""How a call travels over HTTP, waiting for it: kept-alive sockets."""

import contextlib
import socket
import threading

from serving.client.http_messages import Reply, endpoint, late, request_bytes, unreachable
from serving.client.retries import deadline_after, seconds_until

_RECEIVE_BYTES = 1 << 18


class HttpConnections:
    """Sends calls and waits for their replies. Safe to use from many threads: each call has a connection of its own.

    Args:
        address: An `Address`.
        tls: A `Tls`.
        compress: Whether requests are compressed.
    """

    def __init__(self, address, tls, compress):
        self._address, self._compress = address, compress
        self._context = tls.context() if address.secure else None
        self._lock = threading.Lock()
        self._idle, self._closed = [], False

    def send(self, call, timeout):
        """Send a `Call` and give its reply; `timeout` is in seconds or None."""
        data = request_bytes(call, self._address, self._compress)
        try:
            reply = self._exchange(data, deadline_after(timeout))
        except TimeoutError:
            raise late(self._address) from None
        except OSError as error:
            raise unreachable(self._address, error) from None
        return reply.content(self._address)

    def _exchange(self, data, deadline):
        connection = self._take()
        if connection is not None:
            try:
                return self._try(connection, data, deadline)
            except TimeoutError:
                raise
            except OSError:
                # The server may have closed an idle connection: that is no failure, a fresh one tells.
                self._drop_idle()
        return self._try(self._connect(deadline), data, deadline)

    def _try(self, connection, data, deadline):
        reply = Reply()
        try:
            connection.settimeout(seconds_until(deadline))
            # A server that refuses a large body may answer and close before all of it is sent.
            with contextlib.suppress(ConnectionError):
                connection.sendall(data)
            while not reply.feed(connection.recv(_RECEIVE_BYTES)):
                # A socket's timeout starts anew with every packet, the deadline does not.
                connection.settimeout(seconds_until(deadline))
        except BaseException:
            connection.close()
            raise
        self._give_back(connection, reply.keep_alive)
        return reply

    def _connect(self, deadline):
        host, port = endpoint(self._address)
        connection = socket.create_connection((host, port), seconds_until(deadline))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(connection, server_hostname=host) if self._context else connection

    def _take(self):
        with self._lock:
            # The last one used is the least likely to have been closed by the server.
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection, keep_alive):
        with self._lock:
            if keep_alive and not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _drop_idle(self):
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def close(self):
        """Close the connections, those in use when their calls end."""
        self._closed = True
        self._drop_idle()
