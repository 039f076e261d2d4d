"""Versions come, warm up, fail, and go, while requests are answered."""

import shutil
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.config import ModelConfig
from serving.core import Core
from serving.errors import ServingError
from serving.manager import Manager
from serving.runner import RunnerOptions
from serving.specs import ModelSpec

X = np.ones((1, 3), np.float32)


def make(base, **policy):
    manager = Manager([ModelConfig("m", str(base), **policy)], RunnerOptions(), poll_wait_seconds=0)
    manager.start()
    return manager, Core(manager)


def states(manager):
    return {status.version: status.state for status in manager.model("m").statuses()}


def ask(core, version=None):
    spec, outputs = core.predict(ModelSpec("m", version), lambda _: {"x": X})
    return spec.version, float(outputs["y"][0, 0])


@pytest.fixture(scope="module")
def versions(tmp_path_factory, save_affine):
    """Saved once: version n answers 10 n for an input of ones."""
    base = tmp_path_factory.mktemp("versions")
    for number in (1, 2, 3):
        save_affine(base, number, weight=10.0 * number - 1.0)
    return base


def publish(versions, base, number, name=None):
    partial = base / f"tmp-{number}"
    shutil.copytree(versions / str(number), partial)
    partial.rename(base / (name or str(number)))


def test_swap_under_load_fails_no_request(versions, tmp_path):
    publish(versions, tmp_path, 1)
    manager = Manager([ModelConfig("m", str(tmp_path))], RunnerOptions(), poll_wait_seconds=0.05)
    manager.start()
    core, stop, answers, failures = Core(manager), threading.Event(), [], []

    def client():
        while not stop.is_set():
            try:
                answers.append(ask(core))
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in (2, 3):
        publish(versions, tmp_path, number)
        deadline = time.monotonic() + 15
        while states(manager).get(number - 1) != "END" and time.monotonic() < deadline:
            time.sleep(0.02)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert set(answers) == {(1, 10.0), (2, 20.0), (3, 30.0)}
    assert states(manager) == {3: "AVAILABLE", 2: "END", 1: "END"}
    manager.stop()
    assert states(manager)[3] == "END"


def test_the_old_version_outlives_its_last_request(versions, tmp_path):
    publish(versions, tmp_path, 1)
    manager, core = make(tmp_path)
    with manager.model("m").use() as old:
        publish(versions, tmp_path, 2)
        manager.poll()
        assert states(manager) == {1: "UNLOADING", 2: "AVAILABLE"}
        assert ask(core) == (2, 20.0)
        assert old.runner.run("serving_default", {"x": X}, ("y",))["y"][0, 0] == 10.0
    assert states(manager) == {1: "END", 2: "AVAILABLE"}
    with pytest.raises(ServingError, match=r"versions 2 available. Received: version 1"):
        ask(core, 1)
    manager.stop()


def test_a_broken_version_leaves_the_old_one_serving_and_is_tried_again_when_it_changes(versions, tmp_path):
    publish(versions, tmp_path, 1, name="0001")
    (tmp_path / "notes").mkdir()
    (tmp_path / "7").write_text("a file")
    manager, core = make(tmp_path)
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "saved_model.pb").write_bytes(b"not a model")
    manager.poll()
    status = manager.model("m").statuses()[0]
    assert (status.version, status.state) == (2, "END") and status.error_code != "OK" and status.error_message
    assert ask(core) == (1, 10.0)
    manager.poll()
    assert manager.model("m").statuses()[0] is status
    shutil.rmtree(tmp_path / "2")
    publish(versions, tmp_path, 2)
    manager.poll()
    assert ask(core) == (2, 20.0)
    assert states(manager) == {1: "END", 2: "AVAILABLE"}
    # Taking the new version away brings the old one back.
    shutil.rmtree(tmp_path / "2")
    manager.poll()
    assert ask(core) == (1, 10.0)
    manager.stop()


def test_policies(versions, tmp_path):
    for number in (1, 2, 3):
        publish(versions, tmp_path, number)
    for policy, expected in (({"latest": 2}, {2, 3}), ({"latest": None}, {1, 2, 3}), ({"versions": (1, 9)}, {1})):
        manager, core = make(tmp_path, **policy)
        assert set(states(manager)) == expected
        assert ask(core)[0] == max(expected)
        assert ask(core, min(expected)) == (min(expected), 10.0 * min(expected))
        manager.stop()


def test_an_empty_or_vanished_folder(versions, tmp_path, caplog):
    base = tmp_path / "model"
    base.mkdir()
    manager, core = make(base)
    with pytest.raises(ServingError, match="no version available") as caught:
        ask(core)
    assert caught.value.code == "UNAVAILABLE"
    publish(versions, base, 1)
    manager.poll()
    base.rename(tmp_path / "away")
    manager.poll()
    assert ask(core) == (1, 10.0)
    assert "cannot be read" in caplog.text
    manager.stop()


def record(base, number, values):
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.inputs["x"].CopyFrom(tf.make_tensor_proto(values))
    folder = base / str(number) / "assets.extra"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as writer:
        writer.write(log.SerializeToString())
        writer.write(prediction_log_pb2.PredictionLog().SerializeToString())


def test_warm_up_runs_before_traffic(versions, tmp_path, monkeypatch):
    import serving.warmup

    seen = []
    replay = serving.warmup._replay
    monkeypatch.setattr(serving.warmup, "_replay", lambda *arguments: seen.append(replay(*arguments)))
    publish(versions, tmp_path, 1)
    record(tmp_path, 1, X)
    manager, core = make(tmp_path)
    assert len(seen) == 1
    # A version that cannot answer its own recorded request does not take over.
    shutil.copytree(versions / "2", tmp_path / "2")
    record(tmp_path, 2, X[:, :2])
    manager.poll()
    assert "Received: float32 [1, 2]" in manager.model("m").statuses()[0].error_message
    assert ask(core) == (1, 10.0)
    manager.stop()
