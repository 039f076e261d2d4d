"""How a call travels over gRPC, waiting for it or not."""

import grpc

from serving.client.calls import ClientError
from serving.client.grpc_calls import HEALTH, METHODS

_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A server that is back is found within a second; by itself gRPC would wait up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # How long one attempt to connect may take.
    ("grpc.min_reconnect_backoff_ms", 5000),
]


class GrpcChannel:
    """Sends calls and waits for their replies. Safe to use from many threads.

    Args:
        address: An `Address`.
        tls: A `Tls`.
        compress: Whether requests are compressed.
    """

    def __init__(self, address, tls, compress):
        self._address = address
        self._channel = _open(grpc, address, tls, compress)
        self._stubs = _stubs(self._channel)

    def send(self, call, timeout):
        """Send a `Call` and give its reply; `timeout` is in seconds or None."""
        try:
            return self._stubs[call.route](call.request, timeout=timeout)
        except grpc.RpcError as error:
            raise _client_error(error, self._address) from None

    def close(self):
        """Close the connection."""
        self._channel.close()


class AsyncGrpcChannel:
    """Sends calls from one event loop. Its arguments are those of `GrpcChannel`."""

    def __init__(self, address, tls, compress):
        self._arguments = address, tls, compress
        self._channel = None

    async def send(self, call, timeout):
        """Send a `Call` and give its reply; `timeout` is in seconds or None."""
        if self._channel is None:
            # Not before: a channel belongs to the event loop that runs when it is made.
            self._channel = _open(grpc.aio, *self._arguments)
            self._stubs = _stubs(self._channel)
        try:
            return await self._stubs[call.route](call.request, timeout=timeout)
        except grpc.RpcError as error:
            raise _client_error(error, self._arguments[0]) from None

    async def close(self):
        """Close the connection."""
        if self._channel is not None:
            await self._channel.close()


def _open(library, address, tls, compress):
    compression = grpc.Compression.Gzip if compress else None
    if not address.secure:
        return library.insecure_channel(address.target, options=_OPTIONS, compression=compression)
    ca, certificate, key = tls.pem()
    credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    return library.secure_channel(address.target, credentials, options=_OPTIONS, compression=compression)


def _stubs(channel):
    stubs = {
        method.path: channel.unary_unary(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        for method in METHODS.values()
    }
    return stubs | {HEALTH: channel.unary_unary(HEALTH)}


def _client_error(error, address):
    code, details = error.code().name, error.details() or ""
    if code in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
        details = f"no answer from {address.text}: {details}"
    return ClientError(code, details)
