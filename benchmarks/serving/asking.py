"""Requests whose answers are looked at: what the load generator does not do."""

import http.client
import urllib.parse
from concurrent import futures

import grpc
import numpy as np

TOLERANCE = 1e-4
TIMEOUT_SECONDS = 60
THREADS = 16


class WrongAnswerError(Exception):
    """A server's answer that is not the model's."""


def ask(request, timeout=TIMEOUT_SECONDS):
    """Sends a `Request` on a connection of its own.

    Returns:
        The answer's body, `bytes`; for gRPC with the five bytes of its frame.

    Raises:
        OSError: If there is no answer, or one that is no success.
    """
    parts = urllib.parse.urlsplit(request.url)
    if request.grpc:
        return _ask_grpc(parts, request.body[5:], timeout)
    connection = http.client.HTTPConnection(parts.netloc, timeout=timeout)
    try:
        connection.request("POST", parts.path, request.body, request.headers)
        answer = connection.getresponse()
        body = answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"{request.url}: {error!r}") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise OSError(f"{request.url} answered {answer.status}: {body[:300]!r}")
    return body


def _ask_grpc(parts, message, timeout):
    # No serializers: bytes in, bytes out.
    with grpc.insecure_channel(parts.netloc, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        try:
            answer = channel.unary_unary(parts.path)(message, timeout=timeout)
        except grpc.RpcError as error:
            raise OSError(f"{parts.path}: {error.code().name}: {error.details()}") from error
    return b"\0" + len(answer).to_bytes(4, "big") + answer


def check(server, port, model, examples):
    """Asks for all examples, many at a time, so that a mix-up of rows in a batch shows.

    Args:
        server: A `Server`.
        port: Its port.
        model: The model's name.
        examples: `Examples`.

    Returns:
        The size in bytes of the answer to the first example.

    Raises:
        WrongAnswerError: If one differs from TensorFlow's own answer by more than `TOLERANCE`.
    """
    with futures.ThreadPoolExecutor(THREADS) as pool:
        bodies = list(pool.map(lambda row: ask(server.request(port, model, row)), examples.rows))
    for index, (body, right) in enumerate(zip(bodies, examples.probabilities, strict=True)):
        answer = np.asarray(server.read(body), np.float32)
        if answer.shape != right.shape or not np.abs(answer - right).max() <= TOLERANCE:
            raise WrongAnswerError(f"{server.title}, {model}, example {index}: must be {right}. Received: {answer}")
    return len(bodies[0])
