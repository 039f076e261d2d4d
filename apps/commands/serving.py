"""`dlkeras serve` and `dlkeras up`: the model server, and with it the gallery."""

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time

from apps.commands.exporting import write_models_config

_STOP_SECONDS = 10


@dataclasses.dataclass(frozen=True)
class Ports:
    """Where things listen.

    Attributes:
        grpc: The model server's gRPC port.
        rest: Its REST port.
        gallery: The gallery's port.
        host: Address that all of them bind to.
    """

    grpc: int = 8500
    rest: int = 8501
    gallery: int = 7860
    host: str = "127.0.0.1"

    @property
    def near(self):
        """The address by which this machine reaches them; all addresses together are none to call."""
        return "127.0.0.1" if self.host == "0.0.0.0" else self.host

    def check(self, *names):
        """Raises an `OSError` with a sentence where one of these ports is taken."""
        for name in names:
            port = getattr(self, name)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((self.host, port))
                except OSError as error:
                    setting = "PORT" if name == "gallery" else f"{name.upper()}_PORT"
                    option = "--port" if name == "gallery" else f"--{name}-port"
                    raise OSError(
                        f"Port {port} ({name}) cannot be used: {error.strerror}. "
                        f"Choose another by {option} {port + 10}, or make demo {setting}={port + 10}."
                    ) from None


def _server_command(ports, models):
    config = write_models_config(models)
    return [
        *(sys.executable, "-m", "serving", f"--model_config_file={config}", f"--bind_address={ports.host}"),
        "--model_config_file_poll_wait_seconds=1",  # a model that is exported under a new name is served too
        *(f"--port={ports.grpc}", f"--rest_api_port={ports.rest}"),
    ]


def _gallery_command(ports, models):
    return [
        *(sys.executable, "-m", "apps.gallery", "--host", ports.host, "--port", str(ports.gallery)),
        *("--server", f"{ports.near}:{ports.grpc}", "--rest", f"http://{ports.near}:{ports.rest}"),
        *("--models", str(models)),
    ]


def serve(ports, models="models"):
    """Becomes the model server for the exported models in a folder."""
    ports.check("grpc", "rest")
    os.execv(sys.executable, _server_command(ports, models))


def up(ports, models="models"):
    """Exports what ships, serves it, and opens the gallery, until Ctrl-C; returns the exit code."""
    ports.check("grpc", "rest", "gallery")
    signal.signal(signal.SIGTERM, _interrupt)
    # A shell starts what runs in its background with this signal ignored.
    signal.signal(signal.SIGINT, _interrupt)
    processes = []
    try:
        # The gallery takes seconds to import, so it starts while models are exported.
        processes.append(("gallery", subprocess.Popen(_gallery_command(ports, models))))
        subprocess.run([sys.executable, "-m", "apps.cli", "export", "--all", "--models", models], check=True)
        processes.append(("server", subprocess.Popen(_server_command(ports, models))))
        if _wait_until_up(processes, ports):
            print(f"Gallery: http://{ports.near}:{ports.gallery}  (Ctrl-C ends it and the server)", flush=True)
        return _wait_for_end(processes)
    except KeyboardInterrupt:
        return 0
    except subprocess.CalledProcessError as error:
        return error.returncode
    finally:
        _stop(processes)


def _interrupt(signum, frame):
    raise KeyboardInterrupt


def _wait_until_up(processes, ports):
    """Waits until all ports are listened on; returns False where a process has ended before."""
    waiting = {ports.grpc, ports.rest, ports.gallery}
    while waiting and all(process.poll() is None for _, process in processes):
        waiting = {port for port in waiting if not _listens(ports.near, port)}
        time.sleep(0.1)
    return not waiting


def _listens(host, port):
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _wait_for_end(processes):
    """Waits until one of the processes ends of itself; returns its exit code."""
    while True:
        for name, process in processes:
            if process.poll() is not None:
                print(f"The {name} has ended with code {process.returncode}.", file=sys.stderr)
                return process.returncode or 1
        time.sleep(0.2)


def _stop(processes):
    for _, process in processes:
        if process.poll() is None:
            process.terminate()
    for _, process in processes:
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
