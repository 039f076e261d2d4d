"""`python -m serving` as a process."""

import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import tensorflow as tf

from serving.client import Client


class Slow(tf.Module):
    """Counts before it answers."""

    @tf.function(input_signature=[tf.TensorSpec((), tf.int32, "steps")])
    def __call__(self, steps):
        return {"count": tf.while_loop(lambda i: i < steps, lambda i: (i + 1,), (0,))[0]}


def command(*arguments):
    return [sys.executable, "-m", "serving", *arguments]


def refused(*arguments):
    run = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("serving: ") and run.stderr.count("\n") == 1
    return run.stderr


def test_bad_command_lines_end_with_one_sentence(tmp_path, free_port):
    base = f"--model_base_path={tmp_path}"
    assert "--enable_batchin" in refused(base, "--enable_batchin")
    assert "--model_base_path" in refused("--model_base_path=/nowhere")
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        assert f"--port: cannot listen on 127.0.0.1:{port}" in refused(base, f"--port={port}")
        sentence = refused(base, f"--port={free_port()}", f"--rest_api_port={port}")
        assert f"--rest_api_port: cannot listen on 127.0.0.1:{port}" in sentence


@pytest.fixture
def process(tmp_path, free_port):
    model = Slow()
    tf.saved_model.save(model, str(tmp_path / "slow" / "1"), signatures=model.__call__)
    ports = free_port(), free_port()
    flags = f"--port={ports[0]}", f"--rest_api_port={ports[1]}", "--model_name=slow"
    arguments = command(*flags, f"--model_base_path={tmp_path / 'slow'}")
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.addresses = f"127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}"
    yield process
    process.kill()
    process.communicate()


def test_serves_until_sigterm_and_finishes_what_it_began(process):
    grpc_address, rest_address = process.addresses
    ready = process.stdout.readline()
    assert ready == f"serving ready: gRPC {grpc_address}, REST {rest_address}; models: slow (1)\n"
    seconds = []
    for address in process.addresses * 2:
        with Client(address) as client:
            start = time.perf_counter()
            assert client.predict("slow", {"steps": 20_000})["count"] == 20_000
            seconds.append(time.perf_counter() - start)
    steps = int(1.5 * 20_000 / min(seconds))
    answers = []

    def ask(address):
        with Client(address) as client:
            answers.append(int(client.predict("slow", {"steps": steps})["count"]))

    threads = [threading.Thread(target=ask, args=(address,)) for address in process.addresses]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    assert not answers
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=15)
    for thread in threads:
        thread.join()
    assert answers == [steps, steps]
    assert (process.returncode, out) == (0, "")
    assert all(" INFO model slow: version 1" in line for line in err.splitlines()), err
