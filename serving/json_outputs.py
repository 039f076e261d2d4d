"""numpy arrays and messages -> the JSON of TensorFlow Serving's REST API.

Source: https://www.tensorflow.org/tfx/serving/api_rest.
"""

import base64
import re

import ml_dtypes
import numpy as np
import orjson

from serving.json_errors import invalid


def encode_outputs(outputs, rows):
    """Write the body of a `:predict` answer.

    Args:
        outputs: Output names to numpy arrays.
        rows: Whether the request came as rows ("instances").

    Returns:
        JSON as bytes; NaN, Infinity and -Infinity stand for themselves.

    Raises:
        ServingError: `INVALID_ARGUMENT` if rows are asked for and the outputs have not the same first dimension, or if
            a dtype has no JSON form.
    """
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    if rows:
        return b'{"predictions":%b}' % _rows(outputs)
    parts = {name: _encode_array(array, name) for name, array in outputs.items()}
    return b'{"outputs":%b}' % (next(iter(parts.values())) if len(parts) == 1 else _object(parts))


def _rows(outputs):
    size = None
    for name, array in outputs.items():
        if not array.ndim:
            raise invalid(f"Tensor name: {name} has no shape information. {_needs_columns(outputs)}")
        if size not in (None, array.shape[0]):
            wrong = f"Tensor name: {name} has inconsistent batch size: {array.shape[0]} expecting: {size}"
            raise invalid(f"{wrong}. {_needs_columns(outputs)}")
        size = array.shape[0]
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        return _encode_array(array, name)
    items = [_encode_items(array, name) for name, array in outputs.items()]
    return b"[%b]" % b",".join([_object(dict(zip(outputs, row, strict=True))) for row in zip(*items, strict=True)])


def _needs_columns(outputs):
    shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in outputs.items())
    return f"Outputs that share no first dimension need the request's 'inputs' form. Received: {shapes}"


def _object(parts):
    return b"{%b}" % b",".join([b"%b:%b" % (orjson.dumps(name), part) for name, part in parts.items()])


def encode_request(signature_name, inputs):
    """Write the body of a `:predict` request in columns.

    Args:
        signature_name: The signature's name.
        inputs: Input names to numpy arrays; every string goes as base64.

    Returns:
        JSON as bytes.

    Raises:
        ServingError: If a dtype has no JSON form.
    """
    parts = {name: _encode_array(array, name, _binary) for name, array in inputs.items()}
    return b'{"signature_name":%b,"inputs":%b}' % (orjson.dumps(signature_name), _object(parts))


def encode_classifications(result):
    """Write the body of a `:classify` answer.

    Args:
        result: A `ClassificationResult` message.

    Returns:
        JSON as bytes: a list of [label, score] pairs for each example.
    """
    classes = [one for row in result.classifications for one in row.classes]
    scores = _number_texts([one.score for one in classes])
    pairs = iter([b"[%b,%b]" % (orjson.dumps(c.label), score) for c, score in zip(classes, scores, strict=True)])
    rows = [b"[%b]" % b",".join([next(pairs) for _ in row.classes]) for row in result.classifications]
    return _results(b"[%b]" % b",".join(rows))


def encode_regressions(result):
    """Write the body of a `:regress` answer.

    Args:
        result: A `RegressionResult` message.

    Returns:
        JSON as bytes: a number for each example.
    """
    return _results(b"[%b]" % b",".join(_number_texts([one.value for one in result.regressions])))


def _results(text):
    # The specification describes the key as "result"; the server, and the specification's example, write "results".
    return b'{"results":%b,"result":%b}' % (text, text)


def _number_texts(values):
    text = _encode_array(np.array(values, np.float32), "")[1:-1]
    return text.split(b",") if text else []


def _encode_items(array, name):
    """Encode each element along the first dimension."""
    if array.ndim > 1 or array.dtype.kind == "O":
        return [_encode_array(array[index, ...], name) for index in range(len(array))]
    text = _encode_array(array, name)[1:-1]
    return text.split(b",") if text else []


def _encode_array(array, name, write_string=None):
    array = np.asarray(array)
    kind = array.dtype.kind
    if kind == "O":
        write_string = write_string or (_binary if name.endswith("_bytes") else _text)
        return orjson.dumps(_map_strings(array.tolist(), write_string))
    if kind == "c":
        raise invalid(f"Failed to write JSON value for tensor type: {array.dtype.name}. Received: output {name!r}")
    if kind == "V" and array.dtype == ml_dtypes.bfloat16:
        array = array.astype(np.float32)
    text = orjson.dumps(np.ascontiguousarray(array) if array.ndim else array[()], option=orjson.OPT_SERIALIZE_NUMPY)
    # orjson writes what is not finite as null, the only word with this letter that a list of numbers can hold.
    if kind == "b" or b"u" not in text:
        return text
    names = iter(["NaN" if v != v else "Infinity" if v > 0 else "-Infinity" for v in array[~np.isfinite(array)]])
    return re.sub(b"null", lambda _: next(names).encode(), text)


def _map_strings(value, write):
    return [_map_strings(item, write) for item in value] if isinstance(value, list) else write(value)


def _binary(value):
    return {"b64": base64.b64encode(value).decode()}


def _text(value):
    return value.decode("utf-8", "replace")
