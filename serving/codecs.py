"""The JSON of TensorFlow Serving's REST API <-> numpy arrays, without TensorFlow.

Source: https://www.tensorflow.org/tfx/serving/api_rest.
"""

import base64
import binascii
import json
import re
from typing import NamedTuple

import ml_dtypes
import numpy as np
import orjson

from serving.errors import ServingError
from serving.tensors import dtype_name, string_array


class PredictBody(NamedTuple):
    """The body of a `:predict` request.

    Args:
        signature_name: A string, empty for the default signature.
        rows: Whether the tensors come as rows ("instances") rather than columns ("inputs").
        values: What stands under that key.
    """

    signature_name: str
    rows: bool
    values: object


def invalid(message):
    """Make the error of a request that cannot be read."""
    return ServingError("INVALID_ARGUMENT", message)


def parse(text):
    """Parse JSON in which NaN, Infinity and -Infinity stand for themselves, as TensorFlow Serving allows.

    Args:
        text: Bytes.

    Returns:
        The parsed value.

    Raises:
        ServingError: `INVALID_ARGUMENT` if it is not JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if b"NaN" not in text and b"Infinity" not in text:
            raise invalid(f"the body must be JSON. Received: {error}") from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise invalid(f"the body must be JSON. Received: {error}") from None


def parse_predict(text):
    """Read the body of a `:predict` request as far as that goes without the signature.

    Args:
        text: Bytes.

    Returns:
        A `PredictBody`.

    Raises:
        ServingError: `INVALID_ARGUMENT` if the body has not the form that the REST API documents.
    """
    body = parse(text)
    if not isinstance(body, dict):
        raise invalid(f"the body must be a JSON object. Received: {type(body).__name__}")
    signature_name = body.get("signature_name", "")
    if not isinstance(signature_name, str):
        raise invalid(f"signature_name must be a string. Received: {signature_name!r}")
    if ("instances" in body) == ("inputs" in body):
        raise invalid(f"the body must have one of the keys 'instances' and 'inputs'. Received: {', '.join(body)}")
    if "inputs" in body:
        return PredictBody(signature_name, False, body["inputs"])
    if not isinstance(body["instances"], list) or not body["instances"]:
        raise invalid("'instances' must be a list with at least one element")
    return PredictBody(signature_name, True, body["instances"])


def decode_inputs(body, specs):
    """Turn the tensors of a request into arrays of the signature's dtypes.

    Args:
        body: A `PredictBody`.
        specs: The signature's inputs, names to `TensorSpec`.

    Returns:
        Input names to numpy arrays.

    Raises:
        ServingError: `INVALID_ARGUMENT` if a value does not fit its dtype, or a name is unknown.
    """
    columns = _columns_of_rows(body.values) if body.rows else body.values
    if not isinstance(columns, dict) or _is_base64(columns):
        if len(specs) != 1:
            raise invalid(f"the inputs must be given by name: {', '.join(specs)}. Received: unnamed values")
        columns = {next(iter(specs)): columns}
    unknown = sorted(columns.keys() - specs.keys())
    if unknown:
        raise invalid(f"the inputs are named {', '.join(specs)}. Received: {', '.join(unknown)}")
    return {name: decode_array(value, specs[name], name) for name, value in columns.items()}


def _columns_of_rows(rows):
    named = [isinstance(row, dict) and not _is_base64(row) for row in rows]
    if not any(named):
        return rows
    names = rows[0].keys() if named[0] else None
    for index, row in enumerate(rows):
        if not named[index] or row.keys() != names:
            raise invalid(f"all 'instances' must name the same inputs. Element {index} differs from the first")
    return {name: [row[name] for row in rows] for name in names}


def _is_base64(value):
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def decode_array(value, spec, name):
    """Turn nested JSON lists into an array.

    Args:
        value: A number, bool, string, `{"b64": ...}` object, or nested lists of them.
        spec: The `TensorSpec` of the input.
        name: The input's name, for the message.

    Returns:
        A numpy array.

    Raises:
        ServingError: `INVALID_ARGUMENT` if a value does not fit the dtype or the lists are ragged.
    """
    dtype = spec.dtype
    try:
        array = string_array(_decode_strings(value)) if dtype.kind == "O" else _numbers(value, dtype)
    except (ValueError, RecursionError):
        raise invalid(
            f"input {name!r} must be a rectangular (nested) list. Received: lists of unequal length"
        ) from None
    except ServingError as error:
        raise invalid(f"input {name!r}: {error.message}") from None
    if array.size == 0:
        return _empty(array.shape, spec)
    if dtype.kind == "O":
        return array
    if array.dtype.kind not in _accepted_kinds(dtype):
        received = "null, text or numbers out of range" if array.dtype.kind in "OUS" else dtype_name(array.dtype)
        raise invalid(f"input {name!r} takes {dtype_name(dtype)}. Received: {received}")
    with np.errstate(over="ignore"):
        result = array.astype(dtype)
    if not _survived(array, result):
        raise invalid(f"input {name!r} takes {dtype_name(dtype)}. Received: a number out of its range")
    return result


def _numbers(value, dtype):
    array = np.asarray(value)
    if dtype == np.uint64 and array.dtype == np.float64:
        # Small numbers beside some above 2**63 become float64, which rounds them.
        exact = np.asarray(value, dtype=object)
        if all(type(item) is int and 0 <= item < 2**64 for item in exact.flat):
            return exact.astype(np.uint64)
    return array


def _empty(shape, spec):
    # [] is all that JSON can say of a tensor of shape (0, 4): the signature knows the rest.
    known = spec.shape or ()
    rest = [0 if size is None else size for size in known[len(shape) :]]
    return np.empty((*shape, *rest), spec.dtype)


def _decode_strings(value):
    if isinstance(value, list):
        return [_decode_strings(item) for item in value]
    if _is_base64(value):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise invalid(f'{{"b64": ...}} must hold base64. Received: {error}') from None
    return value


def _accepted_kinds(dtype):
    if dtype.kind == "b":
        return "b"
    return "iu" if dtype.kind in "iu" else "iuf"


def _survived(array, result):
    if result.dtype.kind in "iu":
        return np.array_equal(array, result) and np.array_equal(array < 0, result < 0)
    return result.dtype.kind == "b" or np.array_equal(np.isfinite(array), np.isfinite(result))


def encode_outputs(outputs, rows):
    """Write the body of a `:predict` answer.

    Args:
        outputs: Output names to numpy arrays.
        rows: Whether the request came as rows ("instances").

    Returns:
        JSON as bytes; NaN, Infinity and -Infinity stand for themselves.

    Raises:
        ServingError: `INVALID_ARGUMENT` if rows are asked for and the outputs have not the same first dimension.
    """
    if not rows:
        parts = {name: _encode_array(array, name) for name, array in outputs.items()}
        return b'{"outputs":%b}' % (next(iter(parts.values())) if len(parts) == 1 else _object(parts))
    sizes = {array.shape[0] if array.ndim else None for array in outputs.values()}
    if len(sizes) != 1 or None in sizes:
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in outputs.items())
        raise invalid(f"outputs that share no first dimension need the request's 'inputs' form. Received: {shapes}")
    if len(outputs) == 1:
        ((name, array),) = outputs.items()
        return b'{"predictions":%b}' % _encode_array(array, name)
    parts = (_object({name: _encode_array(a[i, ...], name) for name, a in outputs.items()}) for i in range(sizes.pop()))
    return b'{"predictions":[%b]}' % b",".join(parts)


def _object(parts):
    return b"{%b}" % b",".join(b"%b:%b" % (orjson.dumps(name), part) for name, part in parts.items())


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


def _encode_array(array, name, write_string=None):
    array = np.asarray(array)
    if array.dtype.kind == "O":
        write_string = write_string or (_binary if name.endswith("_bytes") else _text)
        return orjson.dumps(_map_strings(array.tolist(), write_string))
    if array.dtype == ml_dtypes.bfloat16:
        array = array.astype(np.float32)
    if array.dtype.kind == "c":
        raise ServingError("UNIMPLEMENTED", f"{name!r} is {array.dtype.name}, which JSON has no form for")
    text = orjson.dumps(np.ascontiguousarray(array) if array.ndim else array[()], option=orjson.OPT_SERIALIZE_NUMPY)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return text
    # orjson writes what is not finite as null, in the array's own order; each gets its name back.
    names = iter(["NaN" if v != v else "Infinity" if v > 0 else "-Infinity" for v in array[~np.isfinite(array)]])
    return re.sub(b"null", lambda _: next(names).encode(), text)


def _map_strings(value, write):
    return [_map_strings(item, write) for item in value] if isinstance(value, list) else write(value)


def _binary(value):
    return {"b64": base64.b64encode(value).decode()}


def _text(value):
    return value.decode("utf-8", "replace")
