"""What keeps a JSON value from being a tensor, in TensorFlow Serving's own words."""

import json
import math

import ml_dtypes
import numpy as np

from serving.errors import ServingError
from serving.json_arrays import EXACT, build_array, decode_base64, encodes, fits, is_base64
from serving.tensors import dtype_name

_MAX_SHOWN = 100
# How long to look for what is wrong: a third of a second.
_MAX_STEPS = 300_000
_BLOCK = 1000
_SHORT = 8
_UNCLEAR = "The lists are of unequal length or too deep, or a value does not fit"
_TYPE_NAMES = {dict: "Object", list: "Array", str: "String", int: "Number", float: "Number", type(None): "Null"}
_DTYPE_NAMES = {"float32": "float", "float64": "double", "float16": "half"}


def invalid(message):
    """Make the error of a request that cannot be read."""
    return ServingError("INVALID_ARGUMENT", message)


def shown(value):
    """Write a JSON value for a message.

    Args:
        value: Anything that JSON can hold.

    Returns:
        At most about 100 characters of its JSON, however large it is.
    """
    text = ""
    for chunk in json.JSONEncoder().iterencode(value):
        text += chunk[: _MAX_SHOWN + 1]
        if len(text) > _MAX_SHOWN:
            return text[:_MAX_SHOWN] + "..."
    return text


def type_name(value):
    """Name the type of a JSON value as TensorFlow Serving does: `Number`, `String`, `True`, ..."""
    return str(value) if isinstance(value, bool) else _TYPE_NAMES[type(value)]


def tensor_mistake(value, spec):
    """Find what keeps a JSON value from being a tensor.

    Args:
        value: The JSON value, of which `build_array` makes no array.
        spec: The `TensorSpec`.

    Returns:
        A sentence on the first thing that is wrong.
    """
    return _mistake(value, spec.dtype, _shape(value), iter(range(_MAX_STEPS))) or _UNCLEAR


def row_mistake(rows, spec):
    """Find the first of several values that is no tensor, or of another shape than the first.

    Args:
        rows: A list of JSON values, of which `build_array` makes no array.
        spec: The `TensorSpec` of all of them together.

    Returns:
        Its index and a sentence on what is wrong.
    """
    steps = iter(range(_MAX_STEPS))
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        # Most of a large request is right: that is soon seen, and the slow look is for the rest.
        if build_array([rows[0], *block], spec, True) is None:
            for index, row in enumerate(block, start):
                wrong = _row_mistake(row, rows[0], spec.dtype, steps)
                if wrong is not None:
                    return index, wrong
    return 0, _UNCLEAR


def _row_mistake(row, first, dtype, steps):
    shape, expected = _shape(row), _shape(first)
    wrong = _mistake(row, dtype, shape, steps)
    if wrong is None and math.prod(shape) != math.prod(expected):
        wrong = f"Expecting tensor size: {math.prod(expected)} but got: {math.prod(shape)}"
    if wrong is None and shape != expected:
        wrong = f"Expecting shape {_shape_text(expected)} but got: {_shape_text(shape)}"
    return wrong


def _shape(value):
    shape = []
    while type(value) is list:
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return shape


def _shape_text(shape):
    return f"[{','.join(map(str, shape))}]"


def _mistake(value, dtype, shape, steps):
    # A stack of iterators, because a request may nest deeper than Python calls.
    pending = [iter([value])]
    while pending:
        level = len(pending) - 1
        for item in pending[-1]:
            if next(steps, None) is None:
                return _UNCLEAR
            wrong = _item_mistake(item, level, dtype, shape)
            if wrong:
                return wrong
            if type(item) is list:
                leaves = level == len(shape) - 1 and len(item) > _SHORT
                pending.append(_suspects(item, dtype) if leaves else iter(item))
                break
        else:
            pending.pop()
    return None


def _item_mistake(item, level, dtype, shape):
    if type(item) is not list:
        if level == len(shape):
            return _value_mistake(item, dtype)
        where = f"{level + 1} in the JSON DOM. Expected at level: {len(shape)}"
        return f"JSON Value: {shown(item)} found at incorrect level: {where}"
    if level >= len(shape):
        return f"Encountered list at unexpected level: {level} expected < {len(shape)}"
    if len(item) != shape[level]:
        size = f"{len(item)} at level: {level} expected size: {shape[level]}"
        return f"Encountered list at unexpected size: {size}"
    return None


def _suspects(items, dtype):
    for start in range(0, len(items), _BLOCK):
        block = items[start : start + _BLOCK]
        if not fits(block, dtype):
            yield from block


def _value_mistake(value, dtype):
    if dtype.kind == "O":
        return _string_mistake(value)
    if dtype.kind == "b":
        return None if type(value) is bool else _type_error(value, dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return None if type(value) is int and limits.min <= value <= limits.max else _type_error(value, dtype)
    if dtype.kind == "c":
        return f"Conversion of JSON Value: {shown(value)} to type: {dtype.name}"
    if type(value) not in (int, float):
        return _type_error(value, dtype)
    if type(value) is int or math.isfinite(value):
        largest = EXACT.get(dtype) if type(value) is int else None
        largest = largest or float(ml_dtypes.finfo(dtype).max)
        if not -largest <= value <= largest:
            name = _DTYPE_NAMES.get(dtype.name, dtype.name)
            return f"Cannot convert JSON value: {shown(value)} to {name} without loss of precision."
    return None


def _string_mistake(value):
    if type(value) is dict and not is_base64(value):
        return f"JSON Value: {shown(value)} not formatted correctly for base64 data"
    if type(value) is dict:
        try:
            decode_base64(value)
        except ServingError as error:
            return error.message
        return None
    if type(value) is not str:
        return _type_error(value, np.dtype(object))
    return None if encodes(value) else f"JSON Value: {shown(value)} holds half a surrogate pair"


def _type_error(value, dtype):
    name = dtype_name(dtype)
    expected = _DTYPE_NAMES.get(name, name)
    return f"JSON Value: {shown(value)} Type: {type_name(value)} is not of expected type: {expected}"
