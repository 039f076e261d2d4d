"""Replays a model's recorded requests before it takes traffic."""

import tensorflow as tf

from serving.protocol import PredictionLog
from serving.signatures import DEFAULT_SIGNATURE
from serving.tensors import to_array

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
MAX_RECORDS = 1000


def warm_up(runner, path):
    """Run the requests recorded in `assets.extra/tf_serving_warmup_requests`, if there are any.

    Args:
        runner: The model's `Runner`.
        path: Its folder, a `pathlib.Path`.

    Returns:
        How many requests were run.

    Raises:
        ServingError, tf.errors.OpError: If the file is damaged or the model fails on a request.
    """
    file = path / WARMUP_FILE
    if not file.exists():
        return 0
    count = 0
    for record in tf.data.TFRecordDataset(str(file)).take(MAX_RECORDS).as_numpy_iterator():
        log = PredictionLog.FromString(record)
        if log.WhichOneof("log_type") == "predict_log":
            _replay(runner, log.predict_log.request)
            count += 1
    return count


def _replay(runner, request):
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = runner.signature(name)
    inputs = {key: to_array(tensor) for key, tensor in request.inputs.items()}
    runner.run(name, signature.check_inputs(inputs, name), signature.select_outputs(request.output_filter, name))
