"""What callers hand in, made ready for the wire: arrays for `predict`, features for `classify` and `regress`."""

import numpy as np

from serving.client.calls import ClientError
from serving.tensors import string_array


def to_arrays(inputs, specs):
    """Turn a request's inputs into arrays of the dtypes that the signature asks for, where that keeps their kind.

    Args:
        inputs: Input names to numpy arrays, numbers, text, bytes, or nested lists of them.
        specs: The signature's inputs, names to `TensorSpec`.

    Returns:
        Input names to numpy arrays. An input that the signature does not have, or of the wrong kind, goes as it is:
        the server says what is wrong.

    Raises:
        ServingError: `INVALID_ARGUMENT` if the lists are ragged or strings are mixed with something else.
    """
    return {name: _to_array(value, specs.get(name), name) for name, value in inputs.items()}


def _to_array(value, spec, name):
    if spec is not None and spec.dtype.kind == "O":
        return string_array(value)
    array = _rectangular(value, f"input {name!r}")
    if spec is None or array.dtype == spec.dtype:
        return array
    return array.astype(spec.dtype) if array.size == 0 or _keeps_values(array, spec.dtype) else array


def _rectangular(value, what):
    try:
        array = np.asarray(value)
    except ValueError:
        message = f"{what} must be a rectangular (nested) list. Received: lists of unequal length"
        raise ClientError("INVALID_ARGUMENT", message) from None
    return string_array(value) if array.dtype.kind in "OUS" else array


def _keeps_values(array, dtype):
    if dtype.kind in "iu" and array.dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return limits.min <= int(array.min()) and int(array.max()) <= limits.max
    return dtype.kind not in "biu" and array.dtype.kind in "iufV"


def to_features(example):
    """Turn an example into the flat lists that a `tf.Example` is made of.

    Args:
        example: Feature names to numbers, bools, text, bytes, numpy arrays, or nested lists of them.

    Returns:
        Feature names to one-dimensional arrays of dtype int64, float64 or object (bytes).

    Raises:
        ServingError: `INVALID_ARGUMENT` if a value is none of these, or an integer beyond 64 bits.
    """
    return {name: _to_feature(value, name) for name, value in example.items()}


def _to_feature(value, name):
    array = _rectangular(value, f"feature {name!r}").ravel()
    if array.dtype.kind == "O":
        return array
    if array.dtype.kind in "bi" or (array.dtype.kind == "u" and _keeps_values(array, np.dtype(np.int64))):
        return array.astype(np.int64)
    if array.dtype.kind in "fV":
        return array.astype(np.float64)
    raise ClientError("INVALID_ARGUMENT", f"feature {name!r} takes int64, floats or bytes. Received: {array.dtype}")
