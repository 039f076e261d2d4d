"""The client: no TensorFlow, and errors that say what to do."""

import asyncio
import subprocess
import sys

import numpy as np
import pytest

from serving.client import AsyncClient, Client, ClientError

IMPORT = """
import sys, time
start = time.perf_counter()
import serving.client
seconds = time.perf_counter() - start
heavy = "tensorflow", "keras", "tensorflow_serving", "apps", "dlkeras"
print(seconds, *(name for name in heavy if name in sys.modules))
"""


def test_imports_no_tensorflow_and_starts_quickly():
    # The best of three: the first has the files to read, and the machine has other work.
    runs = [
        subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True) for _ in range(3)
    ]
    for run in runs:
        assert len(run.stdout.split()) == 1, run.stdout
    assert min(float(run.stdout) for run in runs) < 1.0


@pytest.mark.parametrize("kind", ["grpc", "rest"])
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("affine", {"x": [[1, 2]]}), "INVALID_ARGUMENT", r"takes float32 \[any, 3\]"),
        (("affine", {"z": [[1, 2, 3]]}), "INVALID_ARGUMENT", "x"),
        (("affine", {"x": "abc"}), "INVALID_ARGUMENT", "takes float32"),
        (("affine", {"x": [[1], [1, 2]]}), "INVALID_ARGUMENT", "rectangular"),
        (("affine", {"x": [[1, 2, 3]]}, "nothing"), "INVALID_ARGUMENT", "checked, serving_default"),
        (("affine", {"x": [[9, 9, 9]] * 2}, "checked"), "INVALID_ARGUMENT", "x must be below 5"),
        (("picture", {"image_bytes": [7]}), "INVALID_ARGUMENT", "text or bytes"),
        (("nothing", {}), "NOT_FOUND", "nothing"),
    ],
)
def test_the_servers_sentence_and_code(server, kind, arguments, code, words):
    with Client(getattr(server, kind)) as client:
        with pytest.raises(ClientError, match=words) as caught:
            client.predict(*arguments)
        assert caught.value.code == code
        assert client.predict("affine", {"x": [[1, 2, 3]]})["y"].tolist() == [[3, 5, 7]]


@pytest.mark.parametrize("scheme", ["", "grpc://", "http://"])
def test_an_unreachable_server_is_named(scheme, free_port):
    address = f"127.0.0.1:{free_port()}"
    with Client(scheme + address) as client, pytest.raises(ClientError, match=address) as caught:
        client.predict("m", {"x": np.ones(1)}, timeout=5)
    assert caught.value.code == "UNAVAILABLE"


@pytest.mark.parametrize("kind", ["grpc", "rest"])
def test_the_async_client(server, kind):
    async def ask():
        async with AsyncClient(getattr(server, kind)) as client:
            answers = [
                a["y"][0, 0] async for a in client.predict_many("affine", [{"x": [[n, 0, 0]]} for n in range(40)])
            ]
            return answers, await client.status("affine")

    answers, status = asyncio.run(ask())
    assert answers == [2 * n + 1 for n in range(40)]
    assert status[0].version == 3


@pytest.mark.parametrize("kind", ["grpc", "rest"])
def test_some_of_the_outputs(server, kind):
    inputs = {"text": ["a"], "ids": [[1, 2]], "flag": [True], "half": [1]}
    with Client(getattr(server, kind)) as client:
        assert {
            name: array.tolist() for name, array in client.predict("mixed", inputs, output_filter=["total"]).items()
        } == {"total": [3]}
        with pytest.raises(ClientError, match="nothing"):
            client.predict("mixed", inputs, output_filter=["nothing"])
