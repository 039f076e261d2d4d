"""How tests of the server wait for what takes a while."""

import time


def wait_until(condition, seconds=15):
    """Waits until `condition()` is true; fails when it is not in time."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()
