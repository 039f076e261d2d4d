import time
import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from serving import request_log
from serving.protocol import PredictionLog, PredictRequest, PredictResponse
from serving.request_log import RequestLog
from serving.runner import Runner, RunnerOptions
from serving.specs import ModelSpec
from serving.tensors import to_proto
from serving.warmup import WARMUP_FILE, warm_up

SPEC = ModelSpec("affine", 3, "serving_default")


@pytest.fixture
def make_log(tmp_path):
    """A function that makes a `RequestLog` with files in a folder that is not there yet; closed after the test."""
    logs = []

    def make(sampling_rate=1.0, seed=None, prefix=tmp_path / "logs" / "affine"):
        options = types.SimpleNamespace(type="", filename_prefix=str(prefix), sampling_rate=sampling_rate)
        logs.append(RequestLog(options, seed))
        return logs[-1]

    yield make
    for log in logs:
        log.close()


def exchange(rows=1):
    """A request for the model affine, and an answer to it."""
    request, response = PredictRequest(), PredictResponse()
    request.model_spec.name = response.model_spec.name = "affine"
    request.model_spec.signature_name = "serving_default"
    to_proto(np.ones((rows, 3), np.float32), proto=request.inputs["x"])
    to_proto(np.full((rows, 3), 3.0, np.float32), proto=response.outputs["y"])
    return request, response


def read(folder):
    files = sorted(str(path) for path in folder.iterdir())
    return [PredictionLog.FromString(record) for record in tf.data.TFRecordDataset(files).as_numpy_iterator()]


def wait_for(true):
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_writes_what_tensorflow_reads(make_log, tmp_path):
    log = make_log(sampling_rate=0.5)
    request, response = exchange()
    log.write("predict", request, response, SPEC)
    log.close()
    (entry,) = read(tmp_path / "logs")
    assert entry.predict_log.request == request
    assert entry.predict_log.response == response
    metadata = entry.log_metadata
    assert (metadata.model_spec.name, metadata.model_spec.version.value) == ("affine", 3)
    assert metadata.model_spec.signature_name == "serving_default"
    assert metadata.sampling_config.sampling_rate == 0.5
    assert abs(metadata.timestamp_secs - time.time()) < 60
    (file,) = (tmp_path / "logs").iterdir()
    assert file.name.startswith("affine-")
    assert (log.written, log.dropped) == (1, 0)


@pytest.mark.parametrize("kind", ["classify", "regress", "multi_inference"])
def test_writes_the_other_kinds(make_log, tmp_path, kind):
    entry = getattr(PredictionLog(), f"{kind}_log")
    log = make_log()
    log.write(kind, entry.request, entry.response, SPEC)
    log.close()
    assert [entry.WhichOneof("log_type") for entry in read(tmp_path / "logs")] == [f"{kind}_log"]


def test_a_model_is_warmed_up_with_the_file(make_log, models, tmp_path):
    log = make_log()
    for rows in (1, 2, 5):
        log.write("predict", *exchange(rows), SPEC)
    log.close()
    folder = tmp_path / "affine"
    (folder / WARMUP_FILE).parent.mkdir(parents=True)
    next((tmp_path / "logs").iterdir()).rename(folder / WARMUP_FILE)
    runner = Runner(models / "affine" / "3", RunnerOptions())
    ran = []
    run = runner.run
    runner.run = lambda name, inputs, outputs: ran.append(len(inputs["x"])) or run(name, inputs, outputs)
    assert warm_up(runner, folder, RunnerOptions()) == 3
    assert ran == [1, 2, 5]
    runner.close()


def test_what_is_written_can_be_read_at_once(make_log, tmp_path):
    log = make_log()
    for count in (1, 2):
        log.write("predict", *exchange(), SPEC)
        wait_for(lambda count=count: log.written == count)
        assert len(read(tmp_path / "logs")) == count


def test_a_later_change_does_not_show(make_log, tmp_path):
    log = make_log()
    request, response = exchange()
    log.write("predict", request, response, SPEC)
    request.model_spec.name = "changed"
    log.close()
    assert read(tmp_path / "logs")[0].predict_log.request.model_spec.name == "affine"


def test_samples_at_the_rate_and_by_the_seed(make_log):
    logs = [make_log(0.3, seed) for seed in (1, 1, 2)]
    first, same, other = ([log.wants() for _ in range(2000)] for log in logs)
    assert first == same != other
    assert 0.25 < sum(first) / 2000 < 0.35


@pytest.mark.parametrize(("rate", "wanted"), [(0.0, 0), (1.0, 1000)])
def test_samples_none_or_all(make_log, rate, wanted):
    log = make_log(rate)
    assert sum(log.wants() for _ in range(1000)) == wanted


def test_without_a_request_there_is_no_file(make_log, tmp_path):
    make_log().close()
    assert not (tmp_path / "logs").exists()


def test_logs_of_one_prefix_keep_their_own_files(make_log, tmp_path):
    logs = [make_log(), make_log()]
    for log in logs:
        log.write("predict", *exchange(), SPEC)
    for log in logs:
        log.close()
    assert len(list((tmp_path / "logs").iterdir())) == 2
    assert len(read(tmp_path / "logs")) == 2


@pytest.mark.parametrize(("bound", "kept"), [("MAX_RECORDS", 5), ("MAX_BYTES", 500)])
def test_drops_and_counts_what_the_thread_cannot_keep_up_with(make_log, tmp_path, monkeypatch, bound, kept):
    monkeypatch.setattr(request_log, bound, kept)
    log = make_log()
    # The thread is held up as by a slow disk: the lock is its own, and this thread may take it again.
    with log._changed:
        for _ in range(50):
            log.write("predict", *exchange(), SPEC)
        waiting = len(log._waiting)
    log.close()
    assert 1 <= waiting <= 5
    assert (log.written, log.dropped) == (waiting, 50 - waiting)
    assert len(read(tmp_path / "logs")) == waiting


def test_a_request_after_the_end_is_dropped(make_log):
    log = make_log()
    log.close()
    log.write("predict", *exchange(), SPEC)
    assert (log.written, log.dropped) == (0, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_logged_once_and_ends_nothing(make_log, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(request_log, "RETRY_SECONDS", 0)
    good_name = request_log._file_name
    monkeypatch.setattr(request_log, "_file_name", lambda prefix: "/dev/full")
    log = make_log()
    for count in range(1, 4):
        log.write("predict", *exchange(), SPEC)
        wait_for(lambda count=count: log.dropped == count)
    assert len(caplog.records) == 1
    assert "cannot be written" in caplog.text
    monkeypatch.setattr(request_log, "_file_name", good_name)
    log.write("predict", *exchange(), SPEC)
    log.close()
    assert (log.written, log.dropped, len(read(tmp_path / "logs"))) == (1, 3, 1)


def test_a_folder_that_cannot_be_is_logged_once(make_log, tmp_path, caplog):
    (tmp_path / "file").write_text("not a folder")
    log = make_log(prefix=tmp_path / "file" / "affine")
    for count in (1, 2):
        log.write("predict", *exchange(), SPEC)
        wait_for(lambda count=count: log.dropped == count)
    assert len(caplog.records) == 1
