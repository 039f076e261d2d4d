"""What the contract tests share: each app trained for seconds and exported, and one server of all, once a session."""

import contextlib
import dataclasses
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import keras
import pytest

from apps import registry
from apps.commands.exporting import write_models_config
from apps.trained import open_trained, save_settings
from dlkeras.data import Splits
from dlkeras.export import export
from serving.client import Client, ClientError


@dataclasses.dataclass(frozen=True)
class Trial:
    """An app, with a model of it that was trained for seconds."""

    app: Any
    splits: Splits
    directory: Path
    state: dict
    model: Any
    endpoints: list


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(*command):
    """Runs a program while a test runs, and ends it as Ctrl-C would."""
    process = subprocess.Popen([sys.executable, "-m", *command], stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()


def wait_for(ready, process, seconds=240):
    """Waits until `ready()` no longer raises; fails with what the process said if it ends before."""
    end = time.monotonic() + seconds
    while True:
        try:
            return ready()
        except (ClientError, OSError) as error:
            if process.poll() is not None:
                raise RuntimeError(f"it ended: {process.stderr.read()}") from error
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


@dataclasses.dataclass(frozen=True)
class Addresses:
    """Where a server of these tests listens."""

    grpc: str
    rest: str


@contextlib.contextmanager
def serving(config):
    """Serves the models of a `models.config` by `python -m serving`, those too that are written into it later."""
    grpc_port, rest_port = free_port(), free_port()
    flags = (f"--model_config_file={config}", "--model_config_file_poll_wait_seconds=1")
    with running("serving", *flags, f"--port={grpc_port}", f"--rest_api_port={rest_port}") as process:
        yield process, Addresses(f"127.0.0.1:{grpc_port}", f"http://127.0.0.1:{rest_port}")


@pytest.fixture(scope="session", params=list(registry.APPS))
def app(request):
    return registry.create(request.param)


@pytest.fixture(scope="session")
def trial(app, tmp_path_factory):
    directory = tmp_path_factory.mktemp(app.name)
    config = app.configs["smoke"]
    splits = app.load(config)
    save_settings(directory, config, splits.info)
    keras.utils.set_random_seed(config.seed)
    state = app.fit(app.build(config, splits.info), splits, config, directory)
    trained = open_trained(app, directory)
    return Trial(app, splits, directory, state, trained.model, app.endpoints(trained.model, trained.info))


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """The folder that every app's trial is exported to."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def version(trial, models):
    """The folder of the exported trial, `.../<app>/1`."""
    return export(trial.model, trial.endpoints, models / trial.app.name)


@pytest.fixture(scope="session")
def serve(models):
    """Waits until the one server of all apps answers for a model, and gives its addresses."""
    started = []
    with contextlib.ExitStack() as stack:

        def wait_until_served(name):
            config = write_models_config(models)
            if not started:
                started.append(stack.enter_context(serving(config)))
            process, addresses = started[0]
            with Client(addresses.grpc, retries=0) as client:
                wait_for(lambda: client.metadata(name), process)
            return addresses

        yield wait_until_served


@pytest.fixture(scope="session")
def server(trial, version, serve):
    return serve(trial.app.name)
