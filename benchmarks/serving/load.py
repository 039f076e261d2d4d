"""The load: Debian's `h2load` sends one prepared request again and again, over HTTP/1.1 or as gRPC over HTTP/2."""

import math
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

PACKAGE = "nghttp2-client"
# A gRPC client spreads many requests in flight over few connections; HTTP/1.1 has one a connection.
GRPC_CONNECTIONS = 8


class Request(NamedTuple):
    """One POST.

    Attributes:
        url: Where to.
        body: Its bytes; for gRPC with the five bytes of its frame.
        headers: `{name: value}`.
        grpc: Whether it goes over HTTP/2.
    """

    url: str
    body: bytes
    headers: dict
    grpc: bool = False


class Figures(NamedTuple):
    """What a window of load gave.

    Attributes:
        throughput: Good answers a second.
        p50, p99: Milliseconds from a request's start to its answer's end.
        done, failed: Answers of status 2xx, and all others with the requests that got none.
    """

    throughput: float
    p50: float
    p99: float
    done: int
    failed: int


def find_h2load():
    """Returns the version of h2load; None where it is missing."""
    if shutil.which("h2load") is None:
        return None
    return subprocess.run(["h2load", "--version"], capture_output=True, text=True).stdout.strip().rpartition("/")[2]


def drive(request, in_flight, seconds, warmup, answer_bytes):
    """Keeps a number of requests in flight for a while.

    Args:
        request: A `Request`.
        in_flight: How many.
        seconds: How long is measured, a whole number.
        warmup: Seconds of the same load before that, a whole number; 0 for none.
        answer_bytes: The size of a right answer's body; matters to gRPC alone.

    Returns:
        `Figures`.

    Raises:
        RuntimeError: If answers of gRPC have another size.
    """
    with tempfile.TemporaryDirectory() as folder:
        body, log = Path(folder, "body"), Path(folder, "log")
        body.write_bytes(request.body)
        command = _command(request, in_flight, body)
        # Apart, because h2load counts the bytes of its own warm-up together with those of the window.
        if warmup:
            _run([*command, f"--duration={warmup}s"], warmup)
        output = _run([*command, f"--duration={seconds}s", f"--log-file={log}"], seconds)
        rows = np.loadtxt(log, dtype=np.int64, ndmin=2) if log.stat().st_size else np.zeros((0, 3), np.int64)
    return _figures(rows, seconds, _without_message(request, output, len(rows), answer_bytes))


def send(request, in_flight, count, answer_bytes):
    """Sends `count` requests, otherwise as `drive`, and returns how many failed."""
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder, "body")
        body.write_bytes(request.body)
        output = _run([*_command(request, in_flight, body), f"--requests={count}"])
    succeeded = int(re.search(r"(\d+) succeeded", output).group(1))
    return count - succeeded + _without_message(request, output, succeeded, answer_bytes)


def _without_message(request, output, answers, answer_bytes):
    # A gRPC failure has HTTP status 200 too, but no message: the bytes tell.
    if not request.grpc:
        return 0
    received = int(re.search(r"\((\d+)\) data", output).group(1))
    if received % answer_bytes:
        raise RuntimeError(f"answers must have {answer_bytes} bytes each. Received: {received} bytes of {answers}")
    return answers - received // answer_bytes


def _command(request, in_flight, body):
    clients = min(in_flight, GRPC_CONNECTIONS) if request.grpc else in_flight
    command = ["h2load", "--threads=1", f"--clients={clients}", f"--max-concurrent-streams={in_flight // clients}"]
    command += [] if request.grpc else ["--h1"]
    for name, value in request.headers.items():
        command += ["--header", f"{name}: {value}"]
    return [*command, f"--data={body}", request.url]


def _run(command, seconds=None):
    # A server that hangs must not hang the run.
    limit = None if seconds is None else seconds + 60
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _figures(rows, seconds, without_message):
    good = (rows[:, 1] >= 200) & (rows[:, 1] < 300)
    done, failed = int(good.sum()) - without_message, int((~good).sum()) + without_message
    p50, p99 = np.percentile(rows[good, 2] / 1000, (50, 99)) if good.any() else (math.nan, math.nan)
    return Figures(done / seconds, float(p50), float(p99), done, failed)
