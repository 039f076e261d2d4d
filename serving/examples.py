"""Classify and Regress: tf.Example messages in, classifications and regressions out.

Pure functions, so that what runs a signature needs to know nothing of them.
Source: https://github.com/tensorflow/serving/tree/master/tensorflow_serving/apis.
"""

from typing import NamedTuple

import numpy as np

from serving.errors import ServingError, listed
from serving.protocol import ClassificationResult, RegressionResult
from serving.tensors import dtype_name

CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"
INPUT_NAME = "inputs"

_CLASSES, _SCORES, _REGRESSIONS = "classes", "scores", "outputs"
_OUTPUTS = {"classification": (_CLASSES, _SCORES), "regression": (_REGRESSIONS,)}
_NO_INPUTS = "No {} inputs found in SignatureDef:"
_NO_OUTPUTS = {
    "classification": 'Expected classification signature outputs to contain at least one of "classes" or "scores".',
    "regression": "No regression outputs found in SignatureDef:",
}
_DATA_TYPES = {"float32": "DT_FLOAT", "float64": "DT_DOUBLE", "float16": "DT_HALF"}


class Task(NamedTuple):
    """One signature that a request wants run on its examples.

    Args:
        signature_name: The signature's name.
        method_name: `CLASSIFY_METHOD` or `REGRESS_METHOD`.
        output_names: A tuple of the outputs to compute.
    """

    signature_name: str
    method_name: str
    output_names: tuple


def examples_array(message):
    """Turn the examples of a request into the tensor that a model parses.

    Args:
        message: An `Input` message.

    Returns:
        An `object` array of serialized tf.Example messages, of shape (examples,).

    Raises:
        ServingError: `INVALID_ARGUMENT` if there is no example.
    """
    kind = message.WhichOneof("kind")
    examples = getattr(message, kind).examples if kind else ()
    if not examples:
        raise ServingError("INVALID_ARGUMENT", "Input is empty.")
    # Messages one after the other are merged when they are read: of a feature in both, the example's own wins.
    context = message.example_list_with_context.context.SerializeToString() if kind != "example_list" else b""
    array = np.empty(len(examples), object)
    array[:] = [context + example.SerializeToString() for example in examples]
    return array


def plan(signature, name, method_name, check_method_name=False):
    """Check that a signature classifies or regresses, and say what to run.

    Args:
        signature: The `Signature`.
        name: Its name.
        method_name: `CLASSIFY_METHOD` or `REGRESS_METHOD`.
        check_method_name: Whether the signature must have been saved for this method
            (`--enable_signature_method_name_check`).

    Returns:
        A `Task`: run its signature with the examples as the input `INPUT_NAME`.

    Raises:
        ServingError: `INVALID_ARGUMENT`, `FAILED_PRECONDITION` or `UNIMPLEMENTED`, in TensorFlow Serving's words.
    """
    if method_name not in (CLASSIFY_METHOD, REGRESS_METHOD):
        raise ServingError("UNIMPLEMENTED", f"Unsupported signature method_name: {method_name[:100]}")
    kind = "classification" if method_name == CLASSIFY_METHOD else "regression"
    if check_method_name and signature.method_name != method_name:
        wording = f"Expected {kind} signature method_name to be {method_name}. Was: {signature.method_name}"
        raise ServingError("INVALID_ARGUMENT", wording)
    if len(signature.inputs) != 1:
        raise ServingError("INVALID_ARGUMENT", f"Expected one input Tensor. {_described(signature, name)}")
    _check_output_count(signature, name, kind)
    if INPUT_NAME not in signature.inputs:
        raise ServingError("INVALID_ARGUMENT", f"{_NO_INPUTS.format(kind)} {_described(signature, name)}")
    outputs = tuple(key for key in _OUTPUTS[kind] if key in signature.outputs)
    if not outputs:
        raise ServingError("INVALID_ARGUMENT", f"{_NO_OUTPUTS[kind]} {_described(signature, name)}")
    return Task(name, method_name, outputs)


def _check_output_count(signature, name, kind):
    count = len(signature.outputs)
    if kind == "classification" and count not in (1, 2):
        wording = f"Expected one or two output Tensors, found {count}."
    elif kind == "regression" and count != 1:
        wording = "Expected one output Tensor."
    else:
        return
    raise ServingError("INVALID_ARGUMENT", f"{wording} {_described(signature, name)}")


def _described(signature, name):
    return f"Signature {name!r} has the inputs {listed(signature.inputs)} and the outputs {listed(signature.outputs)}"


def classification_result(outputs, count, result=None):
    """Turn a model's outputs into classifications.

    Args:
        outputs: "classes", "scores" or both, to numpy arrays of shape (count, classes).
        count: The number of examples that the model was given.
        result: The `ClassificationResult` message to fill; a new one when None.

    Returns:
        The message; labels are empty where there are no "classes", scores 0 where there are no "scores".

    Raises:
        ServingError: `INVALID_ARGUMENT` if the outputs are no classifications.
    """
    classes, scores = outputs.get(_CLASSES), outputs.get(_SCORES)
    for key, array, dtype in ((_CLASSES, classes, "DT_STRING"), (_SCORES, scores, "DT_FLOAT")):
        if array is not None:
            _check_classes(key, array, dtype, count)
    if classes is not None and scores is not None and classes.shape != scores.shape:
        wording = f"Tensors class and score should match in dim_size(1). Got {classes.shape[1]} vs. {scores.shape[1]}"
        raise ServingError("INVALID_ARGUMENT", wording)
    result = ClassificationResult() if result is None else result
    columns = (scores if classes is None else classes).shape[1]
    for row in range(count):
        classifications = result.classifications.add()
        labels = [""] * columns if classes is None else [_text(label) for label in classes[row]]
        values = [0.0] * columns if scores is None else scores[row].tolist()
        for label, score in zip(labels, values, strict=True):
            classifications.classes.add(label=label, score=score)
    return result


def _check_classes(key, array, dtype, count):
    if array.ndim != 2:
        wording = f"Expected Tensor shape: [batch_size num_classes] but got {_shape(array)}"
    elif _data_type(array) != dtype:
        wording = f"Expected {key} Tensor of {dtype}. Got: {_data_type(array)}"
    elif len(array) != count:
        wording = f"Expected {key} output batch size of {count}. Got: {len(array)}"
    else:
        return
    raise ServingError("INVALID_ARGUMENT", wording)


def _text(label):
    # The field is text by its definition; the tensor may hold any bytes.
    return label.decode("utf-8", "replace") if isinstance(label, bytes) else label


def regression_result(outputs, count, result=None):
    """Turn a model's outputs into regressions.

    Args:
        outputs: "outputs" to a float32 array of shape (count,) or (count, 1).
        count: The number of examples that the model was given.
        result: The `RegressionResult` message to fill; a new one when None.

    Returns:
        The message.

    Raises:
        ServingError: `INVALID_ARGUMENT` if the output is no regression.
    """
    array = outputs[_REGRESSIONS]
    if not (array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1)):
        wording = "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got " + _shape(array)
    elif len(array) != count:
        wording = f"Input batch size did not match output batch size: {count} vs. {len(array)}"
    elif array.dtype != np.float32:
        wording = f"Expected output Tensor of DT_FLOAT.  Got: {_data_type(array)}"
    else:
        result = RegressionResult() if result is None else result
        for value in array.ravel().tolist():
            result.regressions.add(value=value)
        return result
    raise ServingError("INVALID_ARGUMENT", wording)


def _shape(array):
    return f"[{','.join(map(str, array.shape))}]"


def _data_type(array):
    name = dtype_name(array.dtype)
    return _DATA_TYPES.get(name, f"DT_{name.upper()}")
