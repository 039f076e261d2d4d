"""What is asked of a server: the words that requests, transports and retries share."""

from collections.abc import Callable
from typing import NamedTuple

from serving.errors import ServingError


class ClientError(ServingError):
    """What went wrong, in the server's own words: `code` is a gRPC status code name, `message` a sentence."""


class Call(NamedTuple):
    """One request, ready to be sent.

    Args:
        route: The method's path for gRPC; HTTP method and path for REST.
        request: A message for gRPC; bytes or None for REST.
        read: A function that turns the reply (a message; bytes for REST) into the answer.
        retried: Whether it may be sent again when nothing is known of its fate.
    """

    route: str | tuple
    request: object
    read: Callable
    retried: bool = True


class Send(NamedTuple):
    """The next step is to send a call and wait for its reply, at most `timeout` seconds (None for no bound)."""

    call: Call
    timeout: float | None


class Sleep(NamedTuple):
    """The next step is to wait some seconds."""

    seconds: float


def advance(flow, reply, error):
    """Take a flow, which is a generator of `Send` and `Sleep`, to its next step.

    Args:
        flow: The generator.
        reply: What the last step gave; None at the start.
        error: The `ClientError` that the last step ended with, or None.

    Returns:
        The next step.

    Raises:
        StopIteration: If the flow has ended; its value is the answer.
        ClientError: If the flow has failed.
    """
    try:
        return flow.throw(error) if error is not None else flow.send(reply)
    except ClientError:
        raise
    except ServingError as refusal:
        raise ClientError(refusal.code, refusal.message) from None
