"""The client: no TensorFlow, and errors that say what to do."""

import subprocess
import sys
import time

import numpy as np
import pytest

from serving.client import Client, ClientError

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
        (("nothing", {}), "NOT_FOUND", "'nothing'"),
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


@pytest.mark.parametrize("address", ["", "ftp://a:1", "http://", "://a:1"])
def test_addresses_that_make_no_sense(address):
    with pytest.raises(ValueError, match="address must be"):
        Client(address)


def test_a_new_version_with_other_outputs_is_noticed(server):
    with Client(server.rest) as client:
        inputs = {"text": ["a"], "ids": [[1, 2]], "flag": [True], "half": [1]}
        assert client.predict("mixed", inputs)["total"].tolist() == [3]
        ((spec, signature),) = client._signatures.items()
        client._signatures[spec] = signature._replace(outputs={**signature.outputs, "gone": signature.outputs["total"]})
        with pytest.raises(ClientError, match="try again"):
            client.predict("mixed", inputs)
        assert client.predict("mixed", inputs)["total"].tolist() == [3]


def test_an_idle_connection_that_the_server_closed(server):
    with Client(server.rest) as client:
        client.status("affine")
        client._transport._local.connection.sock.shutdown(2)
        start = time.monotonic()
        assert client.status("affine")[0].version == 3
        assert time.monotonic() - start < 5
