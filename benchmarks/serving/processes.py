"""Server processes: started, waited for, weighed, and stopped with all their children."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.serving.asking import ask
from benchmarks.serving.commands import command, environment
from benchmarks.serving.servers import SERVERS

START_SECONDS = 180
STOP_SECONDS = 20


class StartError(Exception):
    """A server that ended or did not answer; the message has the end of what it printed."""


def free_ports():
    """Finds a port that is free, as are the two after it."""
    while True:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError, OverflowError):
            first = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            for port in (first + 1, first + 2):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return first


@contextlib.contextmanager
def running(name, model, folder, examples, options):
    """Runs a server while the `with` block runs.

    Args:
        name: A key of `SERVERS`.
        model: The model's name.
        folder: The folder of the models, a `pathlib.Path`.
        examples: The model's `Examples`.
        options: The command line's options: `environments`, `source`, `workers`.

    Yields:
        The port, the process's id, and the seconds from its start to its first right answer.

    Raises:
        StartError: If it does not come to answer.
    """
    server, port = SERVERS[name], free_ports()
    with tempfile.TemporaryDirectory(prefix="serving") as scratch, Path(scratch, "log").open("w+b") as log:
        begin = time.monotonic()
        process = subprocess.Popen(
            command(server, model, folder, port, options),
            cwd=options.source if server.process == "dlkeras" else scratch,
            env=environment(server.process, model, folder, port, scratch, options),
            stdout=log,
            stderr=log,
            # Its own group, so that all it has started can be ended with it.
            start_new_session=True,
        )
        try:
            _wait(process, server, server.request(port, model, examples.rows[0]), log)
            yield port, process.pid, time.monotonic() - begin
        finally:
            stop(process)


def _wait(process, server, request, log):
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError):
            server.read(ask(request, timeout=30))
            return
        time.sleep(0.02)
    log.seek(0)
    raise StartError(f"{server.title} has not answered: {log.read().decode(errors='replace')[-1500:].strip()}")


def family(pid):
    """Lists a process and all its descendants by id."""
    children = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            children.setdefault(int(status.read_text().rpartition(")")[2].split()[1]), []).append(int(status.parts[2]))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def other_work(seconds=1.0):
    """Measures how many cores the machine is using, to be called while no server runs: it should be near 0."""

    def busy():
        user, nice, system, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
        return (user + nice + system) / os.sysconf("SC_CLK_TCK")

    begin, before = time.monotonic(), busy()
    time.sleep(seconds)
    return (busy() - before) / (time.monotonic() - begin)


def memory(pid):
    """Sums the proportional set size (PSS) of a process and its descendants, in MiB; shared pages count once."""
    total = 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def stop(process):
    """Ends a process, politely and then not, with all that it has started."""
    members = family(process.pid)
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    for member in members:
        with contextlib.suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)
    process.wait()
