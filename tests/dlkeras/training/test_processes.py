"""Runs in processes of their own: killed and taken up again, on two devices, on another backend."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dlkeras.training.checkpoint import read_state
from tests.dlkeras.training import runs

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def start(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-W", "error::UserWarning", str(HERE / "runs.py"), *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process, timeout=300):
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return out


def kill_after(folder, process, epochs):
    """Sends SIGKILL as soon as the state tells that so many epochs have ended."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        state = read_state(folder)
        if state and state["epochs"] >= epochs:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.005)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A whole run, in this process, and one that was killed in its third epoch and taken up again, in two others."""
    whole, killed = (tmp_path_factory.mktemp(name) for name in ("whole", "killed"))
    kill_after(killed, start("train", killed), 2)
    assert read_state(killed)["epochs"] < 6
    # What a process killed while it wrote may leave as well: weights the state does not name yet, and half a file.
    (killed / "last-5.weights.h5").write_bytes(b"half")
    (killed / ".123-last-4.weights.h5").write_bytes(b"half")
    process = start("train", killed)
    runs.train(whole, runs.EPOCHS)
    finish(process)
    return whole, killed


def test_a_killed_run_ends_with_the_weights_of_a_whole_one(folders):
    """Exactly: TensorFlow's kernels for the CPU add in one order, whatever the number of threads."""
    for name in ("last-6.weights.h5", "model.weights.h5"):
        whole, killed = (runs.read_weights(folder / name) for folder in folders)
        assert whole.keys() == killed.keys() and len(whole) > 5
        for key in whole:
            np.testing.assert_array_equal(whole[key], killed[key], err_msg=key)


def test_a_killed_run_ends_with_the_files_of_a_whole_one(folders):
    whole, killed = folders
    files = ["curve.png", "history.csv", "last-6.weights.h5", "model.weights.h5", "state.json"]
    assert sorted(path.name for path in whole.iterdir()) == sorted(path.name for path in killed.iterdir()) == files
    assert (whole / "history.csv").read_text() == (killed / "history.csv").read_text()
    assert read_state(whole)["history"] == read_state(killed)["history"]


def test_two_devices(tmp_path):
    answer = json.loads(finish(start("resume", tmp_path, "mirrored")).splitlines()[-1])
    assert answer["replicas"] == 2
    assert answer["losses"][-1] < answer["losses"][0]
    assert answer["weights"] < 1e-5 and answer["answers"] < 1e-5
    assert answer["saved"] < 1e-5 and answer["served"] < 1e-5


def test_on_jax(tmp_path):
    process = start("resume", tmp_path, "none", KERAS_BACKEND="jax", JAX_DISABLE_MOST_OPTIMIZATIONS="1")
    answer = json.loads(finish(process).splitlines()[-1])
    assert answer["backend"] == "jax"
    assert answer["losses"][-1] < answer["losses"][0]
    assert answer["weights"] < 1e-6 and answer["answers"] < 1e-6
