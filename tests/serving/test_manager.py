"""Versions come, warm up, fail, and go, while requests are answered; configs change under them."""

import concurrent.futures
import contextlib
import logging
import re
import shutil
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import prediction_log_pb2

from benchmarks.serving.swaps import MEGABYTE, resident, save, swap
from serving.config import ModelConfig
from serving.config_protos import BatchingOptions, ConfigError
from serving.errors import ServingError
from serving.flags import parse_flags
from serving.manager import Manager
from serving.metrics import Metrics
from serving.protocol import ModelServerConfig
from serving.runner import RunnerOptions
from tests.serving.waiting import wait_until

X = np.ones((1, 3), np.float32)


@contextlib.contextmanager
def managing(*configs, options=RunnerOptions(), poll_wait_seconds=0, **settings):  # noqa: B008
    """A started manager."""
    manager = Manager(configs, options, poll_wait_seconds, **settings)
    manager.start()
    try:
        yield manager
    finally:
        manager.stop()


def states(manager, name="m"):
    return {status.version: status.state for status in manager.model(name).statuses()}


def ask(manager, name="m", number=None, label=None):
    version = manager.acquire(name, number, label)
    try:
        return version.number, float(version.runner.run("serving_default", {"x": X}, ("y",))["y"][0, 0])
    finally:
        version.release()


def refused(code, words):
    """Expects a `ServingError` of this code whose message begins with these words."""

    class Refusal(contextlib.AbstractContextManager):
        def __exit__(self, kind, error, trace):
            assert isinstance(error, ServingError), error
            assert (error.code, error.message[: len(words)]) == (code, words)
            return True

    return Refusal()


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


def break_version(base, number):
    (base / str(number)).mkdir()
    (base / str(number) / "saved_model.pb").write_bytes(b"not a model")


def test_swap_under_load_fails_no_request(versions, tmp_path):
    publish(versions, tmp_path, 1)
    stop, answers, failures = threading.Event(), [], []
    with managing(ModelConfig("m", str(tmp_path)), poll_wait_seconds=0.05) as manager:

        def client():
            while not stop.is_set():
                try:
                    answers.append(ask(manager))
                except Exception as error:
                    failures.append(error)

        threads = [threading.Thread(target=client) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in (2, 3):
            publish(versions, tmp_path, number)
            wait_until(lambda old=number - 1: states(manager).get(old) == "END")
        stop.set()
        for thread in threads:
            thread.join()
        assert not failures
        assert set(answers) == {(1, 10.0), (2, 20.0), (3, 30.0)}
        assert states(manager) == {3: "AVAILABLE", 2: "END", 1: "END"}
    assert states(manager)[3] == "END"


def test_the_old_version_outlives_its_last_request(versions, tmp_path):
    publish(versions, tmp_path, 1)
    with managing(ModelConfig("m", str(tmp_path))) as manager:
        with manager.model("m").use() as old:
            publish(versions, tmp_path, 2)
            manager.poll()
            assert states(manager) == {1: "UNLOADING", 2: "AVAILABLE"}
            assert ask(manager) == (2, 20.0)
            assert old.runner.run("serving_default", {"x": X}, ("y",))["y"][0, 0] == 10.0
            assert (old.model_name, old.number, old.config.name) == ("m", 1, "m")
        wait_until(lambda: states(manager) == {1: "END", 2: "AVAILABLE"})
        assert old.runner is None and old.lanes == {}
        with refused("NOT_FOUND", "Servable not found for request: Specific(m, 1). The versions available are: 2"):
            ask(manager, number=1)


def test_unloading_is_not_the_last_requests_work(versions, tmp_path, monkeypatch):
    publish(versions, tmp_path, 1)
    with managing(ModelConfig("m", str(tmp_path))) as manager:
        version = manager.acquire("m")
        closed_by, close = [], version.runner.close
        monkeypatch.setattr(version.runner, "close", lambda: closed_by.append(threading.current_thread()) or close())
        shutil.rmtree(tmp_path / "1")
        manager.poll()
        assert states(manager) == {1: "UNLOADING"}
        version.release()
        wait_until(lambda: version.status.state == "END")
        assert closed_by and closed_by[0] is not threading.current_thread()


def test_a_broken_version_leaves_the_old_one_serving_and_is_tried_again_when_it_changes(versions, tmp_path):
    publish(versions, tmp_path, 1, name="0001")
    (tmp_path / "notes").mkdir()
    (tmp_path / ("9" * 30)).mkdir()
    (tmp_path / "7").write_text("a file")
    with managing(ModelConfig("m", str(tmp_path))) as manager:
        break_version(tmp_path, 2)
        manager.poll()
        status = manager.status("m", 2)[0]
        assert status.state == "END" and status.error_code != "OK" and status.error_message
        assert ask(manager) == (1, 10.0)
        manager.poll()
        assert manager.status("m", 2)[0] is status
        shutil.rmtree(tmp_path / "2")
        publish(versions, tmp_path, 2)
        manager.poll()
        assert ask(manager) == (2, 20.0)
        assert states(manager) == {1: "END", 2: "AVAILABLE"}
        # Taking the new version away brings the old one back.
        shutil.rmtree(tmp_path / "2")
        manager.poll()
        assert ask(manager) == (1, 10.0)


@pytest.mark.parametrize("retries", [0, 2])
def test_a_failed_load_is_tried_again_so_often_in_the_background(versions, tmp_path, monkeypatch, retries, caplog):
    publish(versions, tmp_path, 1)
    tries = []
    with managing(ModelConfig("m", str(tmp_path)), max_load_retries=retries, load_retry_seconds=0.02) as manager:
        monkeypatch.setattr("serving.opening.Runner", lambda path, options: tries.append(path) or 1 / 0)
        publish(versions, tmp_path, 2)
        manager.poll()
        wait_until(lambda: len(tries) == retries + 1)
        time.sleep(0.15)
        assert len(tries) == retries + 1
        assert manager.status("m", 2)[0].error_message == "ZeroDivisionError: division by zero"
        assert caplog.text.count("failed to load: ZeroDivisionError") == 1
        assert ask(manager) == (1, 10.0)


def test_a_retry_that_works(versions, tmp_path, monkeypatch):
    from serving.runner import Runner

    publish(versions, tmp_path, 1)
    with managing(ModelConfig("m", str(tmp_path)), load_retry_seconds=0.1) as manager:
        monkeypatch.setattr("serving.opening.Runner", lambda path, options: 1 / 0)
        publish(versions, tmp_path, 2)
        manager.poll()
        assert states(manager) == {1: "AVAILABLE", 2: "END"}
        monkeypatch.setattr("serving.opening.Runner", Runner)
        wait_until(lambda: states(manager) == {1: "END", 2: "AVAILABLE"})


def test_models_load_side_by_side_and_a_slow_one_does_not_stop_another(versions, tmp_path, monkeypatch):
    from serving.runner import Runner

    for name in ("slow", "quick"):
        (tmp_path / name).mkdir()
        publish(versions, tmp_path / name, 1)
    configs = [ModelConfig(name, str(tmp_path / name)) for name in ("slow", "quick")]
    with managing(*configs, poll_wait_seconds=0.05, load_threads=2) as manager:
        hold = threading.Event()

        def load(path, options):
            if path.parent.name == "slow":
                hold.wait(10)
            return Runner(path, options)

        monkeypatch.setattr("serving.opening.Runner", load)
        for name in ("slow", "quick"):
            publish(versions, tmp_path / name, 2)
        wait_until(lambda: states(manager, "quick") == {1: "END", 2: "AVAILABLE"})
        assert states(manager, "slow") == {1: "AVAILABLE", 2: "LOADING"}
        publish(versions, tmp_path / "quick", 3)
        wait_until(lambda: ask(manager, "quick") == (3, 30.0))
        assert ask(manager, "slow") == (1, 10.0)
        hold.set()
        wait_until(lambda: ask(manager, "slow") == (2, 20.0))


def test_policies(versions, tmp_path, caplog):
    for number in (1, 2, 3):
        publish(versions, tmp_path, number)
    for policy, expected in (({"latest": 2}, {2, 3}), ({"latest": None}, {1, 2, 3}), ({"versions": (1, 9)}, {1})):
        with managing(ModelConfig("m", str(tmp_path), **policy)) as manager:
            assert set(states(manager)) == expected
            assert ask(manager)[0] == max(expected)
            assert ask(manager, number=min(expected)) == (min(expected), 10.0 * min(expected))
    assert "versions that are not there: 9" in caplog.text


def test_an_empty_or_vanished_folder(versions, tmp_path, caplog):
    base = tmp_path / "model"
    base.mkdir()
    with managing(ModelConfig("m", str(base))) as manager:
        manager.poll()
        assert caplog.text.count(f"No versions of servable m found under base path {base}") == 1
        with refused("NOT_FOUND", "Servable not found for request: Latest(m). The versions available are: none"):
            ask(manager)
        with refused("NOT_FOUND", "Could not find any versions of model m"):
            manager.status("m")
        publish(versions, base, 1)
        manager.poll()
        base.rename(tmp_path / "away")
        manager.poll()
        manager.poll()
        assert ask(manager) == (1, 10.0)
        assert caplog.text.count("cannot be read") == 1


def test_words_for_what_is_not_there(versions, tmp_path):
    publish(versions, tmp_path, 1)
    with managing(ModelConfig("m", str(tmp_path))) as manager:
        with refused("NOT_FOUND", "Servable not found for request: Latest(other)"):
            ask(manager, "other")
        with refused("NOT_FOUND", "Servable not found for request: Specific(other, 3)"):
            ask(manager, "other", 3)
        with refused("NOT_FOUND", "Could not find any versions of model other"):
            manager.status("other")
        with refused("NOT_FOUND", "Could not find version 8 of model m"):
            manager.status("m", 8)
        with refused("INVALID_ARGUMENT", "Unrecognized servable version label: stable"):
            ask(manager, label="stable")
        with refused("INVALID_ARGUMENT", "Unrecognized servable version label: stable"):
            manager.status("other", label="stable")
        with refused("INVALID_ARGUMENT", "ModelSpec has no name specified."):
            ask(manager, "")
        for name in ("../m", "m/1", "..", "%2e%2e"):
            with refused("NOT_FOUND", "Servable not found"):
                manager.model(name)


def test_a_failed_version_is_explained_to_who_asks_for_it(versions, tmp_path):
    publish(versions, tmp_path, 1)
    with managing(ModelConfig("m", str(tmp_path), latest=None), max_load_retries=0) as manager:
        break_version(tmp_path, 2)
        manager.poll()
        with pytest.raises(ServingError, match=r"Specific\(m, 2\).* are: 1. Version 2 failed to load: "):
            ask(manager, number=2)


def test_start_fails_when_a_model_does(versions, tmp_path):
    (tmp_path / "good").mkdir()
    publish(versions, tmp_path / "good", 1)
    break_version(tmp_path / "good", 2)
    (tmp_path / "bad").mkdir()
    break_version(tmp_path / "bad", 4)
    good, bad = ModelConfig("good", str(tmp_path / "good"), latest=2), ModelConfig("bad", str(tmp_path / "bad"))
    with managing(good) as manager:
        # One of its versions will do.
        assert ask(manager, "good") == (1, 10.0)
    words = r"1 model\(s\) did not become available: \{\{\{name: bad version: 4\} due to error: "
    with pytest.raises(ConfigError, match=words):
        Manager([good, bad], RunnerOptions(), 0).start()
    manager = Manager([good, bad], RunnerOptions(), 0)
    manager.start(require=False)
    assert ask(manager, "good") == (1, 10.0)
    manager.stop()


def record(base, number, values):
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.inputs["x"].CopyFrom(tf.make_tensor_proto(values))
    folder = base / str(number) / "assets.extra"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as writer:
        writer.write(log.SerializeToString())


def test_warm_up_runs_before_traffic(versions, tmp_path):
    publish(versions, tmp_path, 1)
    record(tmp_path, 1, X)
    with managing(ModelConfig("m", str(tmp_path))) as manager:
        # A version that cannot answer its own recorded request does not take over.
        shutil.copytree(versions / "2", tmp_path / "copy")
        record(tmp_path, "copy", X[:, :2])
        (tmp_path / "copy").rename(tmp_path / "2")
        manager.poll()
        assert "Received" in manager.status("m", 2)[0].error_message
        assert ask(manager) == (1, 10.0)
    with managing(ModelConfig("m", str(tmp_path)), options=RunnerOptions(warm_up=False)) as manager:
        assert ask(manager) == (2, 20.0)


def test_loads_and_warm_ups_are_counted(versions, tmp_path):
    publish(versions, tmp_path, 1)
    record(tmp_path, 1, X)
    shutil.copytree(versions / "2", tmp_path / "2")
    record(tmp_path, 2, X[:, :2])
    metrics = Metrics()
    config = ModelConfig("m", str(tmp_path), latest=2)
    with managing(config, options=RunnerOptions(metrics=metrics)):
        page = metrics.page().decode()
    paths = [f'model_path="{tmp_path}/{number}"' for number in (1, 2)]
    for words in (
        f':tensorflow:cc:saved_model:load_attempt_count{{{paths[0]},status="success"}} 1',
        f':tensorflow:cc:saved_model:load_attempt_count{{{paths[1]},status="fail"}} 1',
        f':tensorflow:serving:model_warmup_latency_count{{{paths[0]},status="OK"}} ',
        f':tensorflow:serving:model_warmup_latency_count{{{paths[1]},status="INVALID_ARGUMENT"}} 1',
    ):
        assert f"\n{words}" in page
    assert re.search(rf"load_latency\{{{re.escape(paths[0])}\}} [1-9]", page)
    assert f"load_latency{{{paths[1]}" not in page


def test_a_version_brings_its_batching_parameters(versions, tmp_path):
    publish(versions, tmp_path, 1)
    (tmp_path / "1" / "batching_params.pbtxt").write_text("max_batch_size { value: 7 }")
    config = ModelConfig("m", str(tmp_path))
    with managing(config) as manager, manager.model("m").use() as version:
        assert version.batching is None
    with managing(config, options=RunnerOptions(per_model_batching=True)) as manager:
        with manager.model("m").use() as version:
            assert version.batching == BatchingOptions(max_batch_size=7, max_execution_batch_size=7)
        publish(versions, tmp_path, 2)
        (tmp_path / "2" / "batching_params.pbtxt").write_text("max_batch_size: 7")
        manager.poll()
        assert "batching_params.pbtxt: Invalid protobuf file" in manager.status("m", 2)[0].error_message
        assert ask(manager) == (1, 10.0)


# Labels and reloads.


def server_config(*models):
    text = "".join(f"config {{ {model} }}" for model in models)
    return text_format.Parse(f"model_config_list {{ {text} }}", ModelServerConfig())


def labelled(base, policy="all {}", **labels):
    text = "".join(f'version_labels {{ key: "{key}" value: {value} }}' for key, value in labels.items())
    return server_config(f'name: "m" base_path: "{base}" model_version_policy {{ {policy} }} {text}')


UNAVAILABLE = "Request to assign label to version 3 of model m, which is not currently available for inference"


def test_labels(versions, tmp_path):
    publish(versions, tmp_path, 1)
    publish(versions, tmp_path, 2)
    with managing(ModelConfig("m", str(tmp_path), latest=None)) as manager:
        manager.reload(labelled(tmp_path, stable=1, canary=2))
        assert ask(manager, label="stable") == (1, 10.0)
        assert ask(manager, label="canary") == (2, 20.0)
        assert [status.version for status in manager.status("m", label="stable")] == [1]
        with refused("FAILED_PRECONDITION", UNAVAILABLE):
            manager.reload(labelled(tmp_path, stable=3, canary=2))
        assert ask(manager, label="stable") == (1, 10.0)
        manager.reload(labelled(tmp_path, stable=2))
        assert ask(manager, label="stable") == (2, 20.0)
        with refused("INVALID_ARGUMENT", "Unrecognized servable version label: canary"):
            ask(manager, label="canary")


@pytest.mark.parametrize("rule", ["available", "unused", "any"])
def test_labels_for_versions_that_are_not_available(versions, tmp_path, rule):
    publish(versions, tmp_path, 1)
    with managing(ModelConfig("m", str(tmp_path), latest=None), label_rule=rule) as manager:
        manager.reload(labelled(tmp_path, stable=1))
        outcome = contextlib.nullcontext() if rule != "available" else refused("FAILED_PRECONDITION", UNAVAILABLE)
        with outcome:
            manager.reload(labelled(tmp_path, stable=1, next=3))
            with refused("NOT_FOUND", "Servable not found for request: Specific(m, 3)"):
                ask(manager, label="next")
        outcome = contextlib.nullcontext() if rule == "any" else refused("FAILED_PRECONDITION", UNAVAILABLE)
        with outcome:
            manager.reload(labelled(tmp_path, stable=3))


def test_labels_at_the_start(versions, tmp_path):
    publish(versions, tmp_path, 3)
    config = ModelConfig("m", str(tmp_path), labels=(("stable", 3),))
    with pytest.raises(ConfigError, match=f"{UNAVAILABLE}.*--allow_version_labels_for_unavailable_models"):
        Manager([config], RunnerOptions(), 0).start()
    with managing(config, label_rule="unused") as manager:
        assert ask(manager, label="stable") == (3, 30.0)


def test_reload_adds_changes_and_removes(versions, tmp_path):
    bases = {name: tmp_path / name for name in ("m", "kept", "new")}
    for base in bases.values():
        base.mkdir()
        publish(versions, base, 1)
        publish(versions, base, 2)
    with managing(*(ModelConfig(name, str(bases[name])) for name in ("m", "kept"))) as manager:
        gone, kept = manager.acquire("m"), manager.acquire("kept")
        manager.reload(
            server_config(
                f'name: "kept" base_path: "{bases["kept"]}" model_version_policy {{ specific {{ versions: 1 }} }}',
                f'name: "new" base_path: "{bases["new"]}"',
            )
        )
        assert ask(manager, "new") == (2, 20.0)
        manager.poll()
        assert states(manager, "kept") == {1: "AVAILABLE", 2: "UNLOADING"}
        with refused("NOT_FOUND", "Servable not found for request: Latest(m)"):
            ask(manager)
        assert gone.runner.run("serving_default", {"x": X}, ("y",))["y"][0, 0] == 20.0
        gone.release()
        kept.release()
        wait_until(lambda: gone.status.state == kept.status.state == "END")
        # A model may move; nothing is answered from nowhere meanwhile.
        manager.reload(server_config(f'name: "kept" base_path: "{bases["m"]}"'))
        assert ask(manager, "kept") == (2, 20.0)
        assert list(manager.statuses()) == ["kept"]
        manager.reload(server_config())
        assert manager.statuses() == {}


def test_a_bad_reload_changes_nothing(versions, tmp_path):
    publish(versions, tmp_path, 1)
    good = f'name: "m" base_path: "{tmp_path}"'
    with managing(ModelConfig("m", str(tmp_path))) as manager:
        before = manager.configs()
        manager.reload(ModelServerConfig())
        custom = ModelServerConfig()
        custom.custom_model_config.SetInParent()
        for code, words, config in (
            ("FAILED_PRECONDITION", "Cannot transition to requested config.", custom),
            ("INVALID_ARGUMENT", "Illegal to list model m multiple times", server_config(good, good)),
            ("INVALID_ARGUMENT", "Could not find base path", server_config(good, 'name: "n" base_path: "/nowhere"')),
            ("INVALID_ARGUMENT", "Model m requests unsupported", server_config(f'{good} model_platform: "x"')),
        ):
            with refused(code, words):
                manager.reload(config)
            assert manager.configs() == before
            assert ask(manager) == (1, 10.0)


def test_reload_tells_of_a_new_model_that_fails(versions, tmp_path):
    for name in ("m", "new"):
        (tmp_path / name).mkdir()
    publish(versions, tmp_path / "m", 1)
    texts = [f'name: "{name}" base_path: "{tmp_path / name}"' for name in ("m", "new")]
    with managing(ModelConfig("m", str(tmp_path / "m")), max_load_retries=0) as manager:
        with refused("UNKNOWN", "1 model(s) did not become available: {{No versions of servable new found"):
            manager.reload(server_config(*texts))
        manager.reload(server_config(texts[0]))
        break_version(tmp_path / "new", 5)
        with refused("UNKNOWN", "1 model(s) did not become available: {{{name: new version: 5} due to error: "):
            manager.reload(server_config(*texts))
        assert ask(manager) == (1, 10.0)


def test_the_config_file_is_read_again(versions, tmp_path, caplog):
    publish(versions, tmp_path, 1)
    publish(versions, tmp_path, 2)
    file = tmp_path / "models.config"
    file.write_text(f'model_config_list {{ config {{ name: "m" base_path: "{tmp_path}" }} }}')
    flags = parse_flags([f"--model_config_file={file}", "--model_config_file_poll_wait_seconds=1"])
    flags.model_config_file_poll_wait_seconds = 0.05
    manager = Manager.from_flags(flags)
    manager.start()
    assert ask(manager) == (2, 20.0)
    file.write_text("model_config_list {")
    wait_until(lambda: "Invalid protobuf file" in caplog.text)
    time.sleep(0.2)
    assert caplog.text.count("Invalid protobuf file") == 1
    assert ask(manager) == (2, 20.0)
    text = f'name: "m" base_path: "{tmp_path}" model_version_policy {{ specific {{ versions: 1 }} }}'
    file.write_text(f"model_config_list {{ config {{ {text} }} }}")
    wait_until(lambda: ask(manager) == (1, 10.0))
    manager.stop()


def test_flags_reach_the_models(tmp_path):
    arguments = "--saved_model_tags=serve,gpu --num_tflite_pools=2 --num_tflite_interpreters_per_pool=3"
    arguments += " --num_request_iterations_for_warmup=4 --enable_model_warmup=false --prefer_tflite_model"
    options = RunnerOptions.from_flags(parse_flags([f"--model_base_path={tmp_path}", *arguments.split()]))
    assert options == RunnerOptions(
        tags=("serve", "gpu"),
        tflite_interpreters=6,
        warm_up_iterations=4,
        warm_up=False,
        prefer_tflite=True,
        merge=True,
    )


@pytest.mark.parametrize(("megabytes", "frozen"), [(20, False), (8, True)])
def test_memory_comes_back(tmp_path, megabytes, frozen, caplog):
    caplog.set_level(logging.ERROR)
    base, source = tmp_path / "m", tmp_path / "source"
    base.mkdir()
    save(source, megabytes, frozen)
    with managing(ModelConfig("m", str(base))) as manager:
        for number in range(1, 4):
            swap(manager, base, source, number)
        before, after = resident(), []
        for number in range(4, 14):
            swap(manager, base, source, number)
            after.append(resident())
        # Eight versions that were not given back would be eight times a model's size, or more; the least of the last
        # three, because the allocator keeps now more, now less.
        assert min(after[-3:]) - before < 5 * megabytes * MEGABYTE


def test_stopping_while_loading(versions, tmp_path, monkeypatch):
    from serving.runner import Runner

    publish(versions, tmp_path, 1)
    publish(versions, tmp_path, 2)
    started, hold = threading.Event(), threading.Event()
    manager = Manager([ModelConfig("m", str(tmp_path), latest=2)], RunnerOptions(), 0, load_threads=1)
    monkeypatch.setattr(
        "serving.opening.Runner", lambda path, options: started.set() or (hold.wait(10) and Runner(path, options))
    )
    with concurrent.futures.ThreadPoolExecutor() as pool:
        polling = pool.submit(manager.poll)
        started.wait(10)
        stopping = pool.submit(manager.stop)
        time.sleep(0.05)
        hold.set()
        polling.result(10)
        stopping.result(10)
    # One was being loaded, the other still waited for its turn.
    assert states(manager) == {1: "END", 2: "END"}
