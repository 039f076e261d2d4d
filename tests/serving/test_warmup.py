"""Recorded requests, replayed before a version serves."""

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.errors import ServingError
from serving.runner import RunnerOptions
from serving.signatures import DEFAULT_SIGNATURE, Signature
from serving.warmup import MAX_RECORDS, WARMUP_FILE, warm_up


class Recorder:
    """A runner that notes what it is asked."""

    def __init__(self):
        self.runs = []

    def signature(self, name):
        if name != DEFAULT_SIGNATURE:
            raise ServingError("INVALID_ARGUMENT", f"no signature {name}")
        return Signature({}, {}, {})

    def run(self, name, inputs, outputs):
        self.runs.append((name, inputs, outputs))


def predict_record(signature_name=""):
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature_name
    return log.SerializeToString()


def inference_record(kind):
    log = prediction_log_pb2.PredictionLog()
    getattr(log, kind).SetInParent()
    return log.SerializeToString()


def write(folder, *records):
    (folder / WARMUP_FILE).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / WARMUP_FILE)) as writer:
        for record in records:
            writer.write(record)


def test_without_a_file(tmp_path):
    assert warm_up(Recorder(), tmp_path, RunnerOptions()) == 0


def test_predict_is_repeated_as_often_as_asked(tmp_path):
    write(tmp_path, predict_record(), predict_record())
    runner = Recorder()
    assert warm_up(runner, tmp_path, RunnerOptions(warm_up_iterations=3)) == 2
    assert runner.runs == [(DEFAULT_SIGNATURE, {}, ())] * 6
    assert warm_up(runner, tmp_path, RunnerOptions(warm_up=False)) == 0
    assert len(runner.runs) == 6


def test_inferences_are_handed_on(tmp_path, caplog):
    kinds = ("classify_log", "regress_log", "multi_inference_log")
    write(tmp_path, *(inference_record(kind) for kind in kinds))
    runner, seen = Recorder(), []

    def replay(runner, log):
        seen.append((runner, log.WhichOneof("log_type")))

    assert warm_up(runner, tmp_path, RunnerOptions(replay=replay)) == 3
    assert seen == [(runner, kind) for kind in kinds]
    assert not caplog.records
    assert warm_up(runner, tmp_path, RunnerOptions()) == 3
    (record,) = caplog.records
    assert "classify_log, multi_inference_log, regress_log" in record.getMessage()


def test_a_session_run_is_refused_and_an_empty_record_left_out(tmp_path, caplog):
    write(tmp_path, b"")
    assert warm_up(Recorder(), tmp_path, RunnerOptions()) == 1
    assert "left out: empty" in caplog.text
    write(tmp_path, inference_record("session_run_log"))
    with pytest.raises(ServingError, match="Unsupported log_type for warmup: 5") as caught:
        warm_up(Recorder(), tmp_path, RunnerOptions())
    assert caught.value.code == "UNIMPLEMENTED"


def test_no_more_than_a_thousand_records(tmp_path):
    write(tmp_path, *[predict_record()] * MAX_RECORDS)
    assert warm_up(Recorder(), tmp_path, RunnerOptions()) == MAX_RECORDS
    write(tmp_path, *[predict_record()] * (MAX_RECORDS + 1))
    with pytest.raises(ServingError, match=r"Number of warmup records exceeds the maximum \(1000\) at "):
        warm_up(Recorder(), tmp_path, RunnerOptions())


def test_damaged_files(tmp_path):
    write(tmp_path, b"\xff\xff")
    with pytest.raises(ServingError, match="Failed to parse warmup record: number 1"):
        warm_up(Recorder(), tmp_path, RunnerOptions())
    write(tmp_path, predict_record("other"))
    with pytest.raises(ServingError, match="no signature other"):
        warm_up(Recorder(), tmp_path, RunnerOptions())
    content = (tmp_path / WARMUP_FILE).read_bytes()
    (tmp_path / WARMUP_FILE).write_bytes(content[:-3])
    with pytest.raises(ServingError, match="verify your warmup data is in TFRecord format") as caught:
        warm_up(Recorder(), tmp_path, RunnerOptions())
    assert caught.value.code == "DATA_LOSS"
