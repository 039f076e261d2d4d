"""Replays a model's recorded requests before it takes traffic."""

import logging

import tensorflow as tf
from google.protobuf.message import DecodeError

from serving.errors import ServingError
from serving.protocol import PredictionLog
from serving.signatures import DEFAULT_SIGNATURE
from serving.tensors import to_array

log = logging.getLogger("serving")

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
MAX_RECORDS = 1000
SESSION_RUN = "session_run_log"
INFERENCES = {"classify_log", "regress_log", "multi_inference_log"}


def warm_up(runner, path, options):
    """Run the requests recorded in `assets.extra/tf_serving_warmup_requests`, if there are any.

    Args:
        runner: The model's `Runner`.
        path: Its folder, a `pathlib.Path`.
        options: `RunnerOptions`.

    Returns:
        How many records were read.

    Raises:
        ServingError, tf.errors.OpError: If the file is damaged or holds too much, or the model fails on a request.
    """
    file = path / WARMUP_FILE
    if not options.warm_up or not file.exists():
        return 0
    count, skipped = 0, set()
    try:
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            count += 1
            if count > MAX_RECORDS:
                message = f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {file}"
                raise ServingError("INVALID_ARGUMENT", message)
            recorded = PredictionLog.FromString(record)
            for _ in range(options.warm_up_iterations):
                if not _replay(runner, recorded, options.replay):
                    skipped.add(recorded.WhichOneof("log_type") or "empty")
    except DecodeError:
        raise ServingError("INVALID_ARGUMENT", f"Failed to parse warmup record: number {count} from {file}") from None
    except tf.errors.DataLossError as error:
        message = f"{error.message}. Please verify your warmup data is in TFRecord format."
        raise ServingError("DATA_LOSS", message) from None
    if skipped:
        log.warning("warm-up records of these kinds were left out: %s: %s", ", ".join(sorted(skipped)), file)
    return count


def _replay(runner, recorded, replay):
    kind = recorded.WhichOneof("log_type")
    if kind == SESSION_RUN:
        number = PredictionLog.DESCRIPTOR.fields_by_name[kind].number
        raise ServingError("UNIMPLEMENTED", f"Unsupported log_type for warmup: {number}")
    if kind == "predict_log":
        _predict(runner, recorded.predict_log.request)
        return True
    if kind in INFERENCES and replay is not None:
        replay(runner, recorded)
        return True
    return False


def _predict(runner, request):
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = runner.signature(name)
    inputs = {key: to_array(tensor) for key, tensor in request.inputs.items()}
    runner.run(name, signature.check_inputs(inputs, name), signature.select_outputs(request.output_filter, name))
