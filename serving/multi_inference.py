"""MultiInference: several classifications and regressions of the same examples, planned and put together.

Source: https://github.com/tensorflow/serving/blob/master/tensorflow_serving/apis/inference.proto.
"""

from serving.errors import ServingError
from serving.examples import CLASSIFY_METHOD, classification_result, plan, regression_result
from serving.protocol import MultiInferenceResponse
from serving.signatures import DEFAULT_SIGNATURE


def plan_multi_inference(request, find_signature, check_method_name=False):
    """Check a MultiInference request and say what to run; all of it runs on the same examples.

    Args:
        request: A `MultiInferenceRequest` message.
        find_signature: A function from a signature's name to the `Signature`, which raises where there is none.
        check_method_name: As for `plan`.

    Returns:
        A list of `Task`, in the request's order.

    Raises:
        ServingError: `INVALID_ARGUMENT`, `FAILED_PRECONDITION` or `UNIMPLEMENTED`, in TensorFlow Serving's words.
    """
    first = multi_inference_spec(request)
    tasks = {}
    for task in request.tasks:
        spec = task.model_spec
        if not spec.name:
            raise ServingError("INVALID_ARGUMENT", "Found ModelSpec with an empty model name.")
        if spec.name != first.name:
            wording = "All ModelSpecs in a MultiInferenceRequest must access the same model name."
            raise ServingError("INVALID_ARGUMENT", f"{wording} Received: {first.name[:100]!r}, {spec.name[:100]!r}")
        # TensorFlow Serving reads the first task's version alone; what contradicts it would be answered wrongly.
        if spec.WhichOneof("version_choice") and _version(spec) != _version(first):
            wording = "All ModelSpecs in a MultiInferenceRequest must access the same model version."
            raise ServingError("INVALID_ARGUMENT", wording)
        name = spec.signature_name or DEFAULT_SIGNATURE
        if name in tasks:
            raise ServingError("INVALID_ARGUMENT", f"Duplicate evaluation of signature: {name[:100]}")
        tasks[name] = plan(find_signature(name), name, task.method_name, check_method_name)
    return list(tasks.values())


def multi_inference_spec(request):
    """Give the `ModelSpec` message that says which model and version a MultiInference request is for.

    Args:
        request: A `MultiInferenceRequest` message.

    Returns:
        The first task's `ModelSpec` message.

    Raises:
        ServingError: `INVALID_ARGUMENT` if there is no task.
    """
    if not request.tasks:
        raise ServingError("INVALID_ARGUMENT", "a MultiInferenceRequest must have at least one task. Received: none")
    return request.tasks[0].model_spec


def _version(spec):
    choice = spec.WhichOneof("version_choice")
    return choice, spec.version.value if choice == "version" else spec.version_label


def assemble_multi_inference(tasks, outputs, count, model_name, version):
    """Write the answer to a MultiInference request.

    Args:
        tasks: What `plan_multi_inference` gave.
        outputs: What each task gave: output names to numpy arrays.
        count: The number of examples.
        model_name: The model's name.
        version: The version's number.

    Returns:
        A `MultiInferenceResponse` message.

    Raises:
        ServingError: `INVALID_ARGUMENT` if a model's outputs are no classifications or regressions.
    """
    response = MultiInferenceResponse()
    for task, arrays in zip(tasks, outputs, strict=True):
        entry = response.results.add()
        entry.model_spec.name = model_name
        entry.model_spec.version.value = version
        entry.model_spec.signature_name = task.signature_name
        if task.method_name == CLASSIFY_METHOD:
            classification_result(arrays, count, entry.classification_result)
        else:
            entry.regression_result.SetInParent()
            regression_result(arrays, count, entry.regression_result)
    return response
