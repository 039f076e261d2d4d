"""When a call is sent again, and after how long."""

import itertools
import math
import random
import time

from serving.client.calls import ClientError, Send, Sleep

# Nobody on this side cancels: CANCELLED comes from a server that was stopped while it worked.
_PASSING = ("UNAVAILABLE", "CANCELLED")
_FIRST_SECONDS = 0.1
_LONGEST_SECONDS = 2.0


def deadline_after(timeout):
    """Give the time, by `time.monotonic`, at which `timeout` seconds (None for no bound) will be over."""
    return math.inf if timeout is None else time.monotonic() + timeout


def seconds_until(deadline):
    """Give the seconds left, None for no bound.

    Raises:
        TimeoutError: If none are left.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return None if left == math.inf else left


def attempts(call, retries, deadline):
    """Send a call until it is answered, refused, or no attempt or time is left.

    It is tried again only if the server was not reached, went away, or is overloaded. A call whose time is up, or that
    was refused, would end the same way.

    Args:
        call: A `Call`.
        retries: How many more times it may be sent.
        deadline: The time, by `time.monotonic`, at which the answer is no longer wanted.

    Yields:
        `Send` and `Sleep` steps.

    Returns:
        What the call's `read` makes of the reply.

    Raises:
        ClientError: The last attempt's. If its time was up, it says too why the attempt before it had failed.
    """
    earlier = ""
    for attempt in itertools.count():
        try:
            return call.read((yield Send(call, seconds_until(deadline))))
        except TimeoutError:
            message = "the timeout was over before the request could be sent"
            raise ClientError("DEADLINE_EXCEEDED", message + earlier) from None
        except ClientError as error:
            if error.code == "DEADLINE_EXCEEDED" and earlier:
                raise ClientError(error.code, error.message + earlier) from None
            pause = pause_seconds(attempt)
            in_time = time.monotonic() + pause < deadline
            if error.code not in _PASSING or not call.retried or attempt >= retries or not in_time:
                raise
            earlier = f"; the attempt before it failed with: {error.message}"
        yield Sleep(pause)


def pause_seconds(attempt):
    """Give the seconds to wait after attempt 0, 1, ...: 0.1, doubled each time up to 2, less up to half by chance."""
    # Clients that lost their server together must not all come back together.
    return min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** min(attempt, 10)) * random.uniform(0.5, 1)
