"""The main job once, as a person does it: train, evaluate, export, serve, ask over gRPC and REST, be refused, stop.

`python -m tests.smoke` ends with exit code 0 when all of it has worked; it takes seconds and needs no data set.
"""

import base64
import contextlib
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from dlkeras.data.encode import encode_png
from serving.client import Client, ClientError

APP = "image_classification"


def dlkeras(*arguments, folder):
    print("$ dlkeras", *arguments, flush=True)
    command = [sys.executable, "-m", "apps.cli", *arguments]
    return subprocess.run(command, cwd=folder, check=True, text=True, stdout=subprocess.PIPE).stdout


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]


def wait_until_ready(url, seconds=60):
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if "AVAILABLE" in answer.read().decode():
                    return
        except OSError:
            if time.monotonic() > end:
                raise
        time.sleep(0.2)


def ask_by_curl(rest, picture):
    body = {"instances": [{"b64": base64.b64encode(picture).decode()}]}
    request = urllib.request.Request(f"{rest}/v1/models/{APP}:predict", json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["predictions"][0]


def check_answers(grpc, rest, picture, digit):
    with Client(grpc) as client:
        answer = client.predict(APP, {"image_bytes": [picture]})
        assert answer["labels"][0, 0].decode() == str(digit), answer
        same = ask_by_curl(rest, picture)
        assert same["labels"][0] == str(digit), same
        np.testing.assert_allclose(same["probabilities"], answer["probabilities"][0], atol=1e-5)
        try:
            client.predict(APP, {"image_bytes": [b"no picture"]})
        except ClientError as error:
            assert error.code == "INVALID_ARGUMENT", error
            print(f"Refused, as it must be: {error}")
        else:
            raise AssertionError("what is no picture was not refused")
        client.predict(APP, {"image_bytes": [picture]})


def main():
    with tempfile.TemporaryDirectory() as folder:
        print(dlkeras("train", APP, "--config", "smoke", "--set", "epochs=6", folder=folder))
        run = str(Path("runs", APP, "smoke"))
        print(dlkeras("evaluate", APP, "--run", run, folder=folder))
        print(dlkeras("export", APP, "--run", run, folder=folder))

        digits = load_digits()
        pixels = np.round(digits.images[0] * (255 / 16)).astype("uint8").repeat(2, 0).repeat(2, 1)[..., None]
        picture = encode_png(pixels)
        Path(folder, "digit.png").write_bytes(picture)
        answer = json.loads(dlkeras("predict", APP, "digit.png", "--run", run, folder=folder))
        assert answer["labels"][0] == str(digits.target[0]), answer

        grpc_port, rest_port = free_ports(2)
        flags = ("--grpc-port", str(grpc_port), "--rest-port", str(rest_port))
        server = subprocess.Popen([sys.executable, "-m", "apps.cli", "serve", *flags], cwd=folder)
        try:
            rest = f"http://127.0.0.1:{rest_port}"
            wait_until_ready(f"{rest}/v1/models/{APP}")
            check_answers(f"127.0.0.1:{grpc_port}", rest, picture, digits.target[0])
        finally:
            server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0, "the server did not end cleanly"
    print("The main job works: trained, evaluated, exported, served, asked over gRPC and REST, refused, stopped.")


if __name__ == "__main__":
    main()
