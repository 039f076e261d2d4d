"""What the tests of the apps share: `dlkeras up` as a person starts it, once a session."""

import contextlib
import dataclasses
import signal
import socket
import subprocess
import sys
import threading

import pytest

from apps.presets import preset_names
from apps.registry import APPS

SECONDS_TO_START = 600


@dataclasses.dataclass(frozen=True)
class Up:
    """A running `dlkeras up`."""

    process: subprocess.Popen
    models: str
    ports: dict

    @property
    def grpc(self):
        return f"127.0.0.1:{self.ports['grpc']}"

    @property
    def rest(self):
        return f"http://127.0.0.1:{self.ports['rest']}"

    @property
    def page(self):
        return f"http://127.0.0.1:{self.ports['gallery']}/"


def free_ports(*names):
    with contextlib.ExitStack() as stack:
        sockets = {name: stack.enter_context(socket.socket()) for name in names}
        for probe in sockets.values():
            probe.bind(("127.0.0.1", 0))
        return {name: probe.getsockname()[1] for name, probe in sockets.items()}


@contextlib.contextmanager
def running_up(models, ports):
    command = [sys.executable, "-m", "apps.cli", "up", "--models", models]
    command += ["--grpc-port", ports["grpc"], "--rest-port", ports["rest"], "--port", ports["gallery"]]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    timer = threading.Timer(SECONDS_TO_START, process.kill)
    timer.start()
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Gallery:"):
                break
        else:
            raise RuntimeError(f"dlkeras up ended: {''.join(lines)}")
        timer.cancel()
        yield Up(process, str(models), ports)
    finally:
        timer.cancel()
        process.send_signal(signal.SIGINT)
        process.wait(30)
        process.stdout.close()


@pytest.fixture(scope="session")
def up(tmp_path_factory):
    """One `dlkeras up` for all tests. When they are over it is interrupted, which has to end all of it."""
    if not any(preset_names(name) for name in APPS):
        pytest.skip("no preset ships yet")
    with running_up(tmp_path_factory.mktemp("up"), free_ports("grpc", "rest", "gallery")) as started:
        yield started
    assert started.process.returncode == 0
    for port in started.ports.values():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
