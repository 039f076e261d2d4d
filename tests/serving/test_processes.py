"""`python -m serving --num_processes=2`: as one server to those outside."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import grpc
import numpy as np
import pytest

from serving.client import Client, ClientError
from serving.protocol import MODEL_SERVICE, ModelServerConfig, methods
from tests.serving.waiting import wait_until

# So many connections go to one of two processes once in 32,768 times.
CONNECTIONS = 16
# A process imports TensorFlow, on a machine that may be busy.
START_SECONDS = 30


class Many:
    """The server, and what is asked of all its processes."""

    def __init__(self, folder, ports, flags):
        self.grpc, self.rest = f"127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}"
        monitoring = folder / "monitoring.config"
        monitoring.write_text('prometheus_config { enable: true path: "/metrics" }')
        flags = (f"--port={ports[0]}", f"--rest_api_port={ports[1]}", f"--monitoring_config_file={monitoring}", *flags)
        command = [sys.executable, "-m", "serving", "--num_processes=2", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def children(self):
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def predict_everywhere(self, model, x):
        """Asks on so many connections, all open at once, that all processes are asked."""
        x = np.full((1, 3), x, "float32")
        with contextlib.ExitStack() as stack:
            addresses = [self.grpc, self.rest] * (CONNECTIONS // 2)
            clients = [stack.enter_context(Client(address, retries=0)) for address in addresses]
            return [client.predict(model, {"x": x})["y"].ravel()[0] for client in clients]

    def reload(self, **base_paths):
        config = ModelServerConfig()
        for name, path in base_paths.items():
            config.model_config_list.config.add(name=name, base_path=str(path), model_platform="tensorflow")
        method = next(method for method in methods(MODEL_SERVICE) if method.name == "HandleReloadConfigRequest")
        with grpc.insecure_channel(self.grpc) as channel:
            ask = channel.unary_unary(method.path, method.request.SerializeToString, method.response.FromString)
            ask(method.request(config=config), timeout=60)

    def metric(self, pattern):
        with urllib.request.urlopen(f"{self.rest}/metrics") as page:
            return [float(number) for number in re.findall(pattern, page.read().decode())]


def is_there(pid):
    status = Path(f"/proc/{pid}/status")
    with contextlib.suppress(OSError):
        return "State:\tZ" not in status.read_text()
    return False


@contextlib.contextmanager
def running(folder, free_port, *flags):
    many = Many(folder, (free_port(), free_port()), flags)
    try:
        yield many
    finally:
        many.process.kill()
        many.process.communicate()


@pytest.fixture(scope="module")
def many(models, tmp_path_factory, free_port):
    base = models / "affine"
    flags = "--model_name=affine", f"--model_base_path={base}", "--file_system_poll_wait_seconds=0"
    with running(tmp_path_factory.mktemp("many"), free_port, *flags) as many:
        ready = many.process.stdout.readline()
        assert ready == f"serving ready: gRPC {many.grpc}, REST {many.rest}; models: affine (3); 2 processes\n"
        yield many


def test_all_answer_and_count_together(many):
    count = r':tensorflow:serving:request_count\{model_name="affine",status="OK"\} (\d+)'
    before = sum(many.metric(count))
    assert many.predict_everywhere("affine", 4) == [9] * CONNECTIONS
    assert many.metric(count) == [before + CONNECTIONS]
    assert len(many.metric(r"process_resident_memory_bytes\{\} (\d+)")) == 1


def test_a_reload_reaches_all_and_whoever_takes_the_place_of_one(many, models, save_affine, tmp_path):
    save_affine(tmp_path / "other", 1, weight=10.0, bias=0.0)
    many.reload(affine=models / "affine", other=tmp_path / "other")
    assert many.predict_everywhere("other", 4) == [40] * CONNECTIONS
    with Client(many.rest) as rest, Client(many.grpc) as client:
        assert rest.ready() and client.ready()
        assert client.status("other") == rest.status("other")
        assert [(status.version, status.state) for status in client.status("other")] == [(1, "AVAILABLE")]
        with pytest.raises(ClientError, match="Could not find any versions of model nobody"):
            rest.status("nobody")

    with pytest.raises(grpc.RpcError) as refusal:
        many.reload(affine=tmp_path / "nowhere")
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    sentence = f"Could not find base path {tmp_path / 'nowhere'} for servable affine"
    assert refusal.value.details() == sentence
    assert many.predict_everywhere("other", 1) == [10] * CONNECTIONS

    killed, kept = many.children()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: len(set(many.children()) - {killed}) == 2, START_SECONDS)
    assert kept in many.children()
    loads = r":tensorflow:cc:saved_model:load_attempt_count\{.*/other.*\} (\d+)"
    wait_until(lambda: many.metric(loads) == [2], START_SECONDS)
    assert many.predict_everywhere("other", 2) == [20] * CONNECTIONS
    many.reload(affine=models / "affine")
    with Client(many.rest) as client, pytest.raises(ClientError, match="other"):
        client.predict("other", {"x": np.zeros((1, 3), "float32")})


def test_sigterm_ends_all(many):
    children = many.children()
    many.process.send_signal(signal.SIGTERM)
    out, err = many.process.communicate(timeout=30)
    assert (many.process.returncode, out) == (0, "")
    assert not any(map(is_there, children))
    assert "Traceback" not in err
    assert err.count("one of 2 processes ended: by SIGKILL; another is started") == 1


def test_none_outlives_the_one_that_keeps_them(models, tmp_path, free_port):
    with running(tmp_path, free_port, "--model_name=affine", f"--model_base_path={models / 'affine'}") as many:
        assert many.process.stdout.readline().startswith("serving ready")
        children = many.children()
        assert len(children) == 2
        many.process.kill()
        wait_until(lambda: not any(map(is_there, children)), START_SECONDS)


def test_a_model_that_does_not_load_ends_all_with_one_sentence(tmp_path, free_port):
    (tmp_path / "broken" / "1").mkdir(parents=True)
    with running(tmp_path, free_port, "--model_name=broken", f"--model_base_path={tmp_path / 'broken'}") as many:
        out, err = many.process.communicate(timeout=60)
        assert (many.process.returncode, out) == (1, "")
        said = [line for line in err.splitlines() if line.startswith("serving: ")]
        assert len(said) == 1 and "broken" in said[0]
