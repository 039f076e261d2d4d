"""Runs a recorded Classify, Regress or MultiInference, to warm a model up."""

from serving.examples import CLASSIFY_METHOD, INPUT_NAME, REGRESS_METHOD, examples_array, plan
from serving.multi_inference import plan_multi_inference
from serving.signatures import DEFAULT_SIGNATURE


def replay(runner, log):
    """Run what a record asks for.

    Args:
        runner: The model's `Runner`.
        log: A `PredictionLog` message of one of these three kinds.

    Raises:
        ServingError, tf.errors.OpError: If the model cannot answer it.
    """
    kind = log.WhichOneof("log_type")
    request = getattr(log, kind).request
    if kind == "multi_inference_log":
        tasks = plan_multi_inference(request, runner.signature)
    else:
        name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        method = CLASSIFY_METHOD if kind == "classify_log" else REGRESS_METHOD
        tasks = [plan(runner.signature(name), name, method)]
    examples = examples_array(request.input)
    for task in tasks:
        inputs = runner.signature(task.signature_name).check_inputs({INPUT_NAME: examples}, task.signature_name)
        runner.run(task.signature_name, inputs, task.output_names)
