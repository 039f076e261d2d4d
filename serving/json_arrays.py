"""JSON values -> numpy arrays, as quick as it gets."""

import base64
import binascii
import struct
from itertools import chain, repeat

import ml_dtypes
import numpy as np

from serving.errors import ServingError

# `struct` is three times quicker than numpy here, and as strict as TensorFlow Serving: a whole number is a float too
# but not the other way round, text is no number, and what is out of range is refused. Only a bool passes for a number.
_CODES = {"float16": "e", "float32": "f", "float64": "d", "int8": "b", "int16": "h", "int32": "i", "int64": "q"}
_CODES |= {"uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q", "bfloat16": "f"}
_FORMATS = {np.dtype(name): f"<%d{code}" for name, code in _CODES.items()}
_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
# TensorFlow Serving refuses whole numbers that a float might not hold exactly.
EXACT = {np.dtype(np.float32): 2**24 - 1, np.dtype(np.float64): 2**53 - 1}
_MISFITS = (ValueError, TypeError, OverflowError, struct.error, ServingError)


def is_base64(value):
    """Tell whether a JSON value stands for bytes."""
    return type(value) is dict and len(value) == 1 and type(value.get("b64")) is str


def decode_base64(value):
    """Read the bytes of a `{"b64": ...}` object.

    Args:
        value: A dict of which `is_base64` is true.

    Returns:
        Bytes.

    Raises:
        ServingError: `INVALID_ARGUMENT` if it is not base64.
    """
    text = value["b64"]
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        pass
    # TensorFlow Serving skips white space and does without padding.
    text = "".join(text.split())
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        wording = f'Unable to base64 decode. {{"b64": ...}} must hold base64. Received: {error}'
        raise ServingError("INVALID_ARGUMENT", wording) from None


def encodes(text):
    """Tell whether a string is text: JSON can escape half a character, which has no bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def build_array(value, spec, bools):
    """Make an array of a JSON value.

    Args:
        value: A number, bool, string, `{"b64": ...}` object, or nested lists of them.
        spec: The `TensorSpec`.
        bools: Whether true or false may be among the values.

    Returns:
        A numpy array of the dtype of `spec`; None if a value does not fit it or the lists are ragged.
    """
    try:
        shape, flat = _flatten(value)
        if not flat:
            return _empty(shape, spec)
        return _leaves(flat, spec.dtype, bools).reshape(shape)
    # What is wrong is looked for later: most requests are right.
    except _MISFITS:
        return None


def fits(leaves, dtype):
    """Tell whether JSON values, none of them a list, can be elements of a tensor.

    Args:
        leaves: A list.
        dtype: The tensor's numpy dtype.

    Returns:
        A bool.
    """
    try:
        _leaves(leaves, dtype, True)
    except _MISFITS:
        return False
    return True


def _flatten(value):
    """Give the shape and the leaves of nested lists."""
    if type(value) is not list:
        return (), [value]
    shape = [len(value)]
    while value and type(value[0]) is list:
        if len(value) == 1:
            value = value[0]
            shape.append(len(value))
            continue
        # What is no list has no length, or is text.
        sizes = set(map(len, value))
        if len(sizes) != 1 or set(map(type, value)) != {list}:
            raise ValueError
        shape += sizes
        value = list(chain.from_iterable(value))
    return shape, value


def _empty(shape, spec):
    # [] is all that JSON can say of a tensor of shape (0, 4): the signature knows the rest.
    known = spec.shape or ()
    rest = [0 if size is None else size for size in known[len(shape) :]]
    return np.empty((*shape, *rest), spec.dtype)


def _leaves(flat, dtype, bools):
    if dtype.kind == "O":
        array = np.empty(len(flat), dtype)
        array[:] = [item.encode() if type(item) is str else _bytes(item) for item in flat]
        return array
    if bools or dtype.kind == "b":
        has_bools = bool in (kinds := set(map(type, flat)))
        if has_bools != (kinds == {bool}) or has_bools != (dtype.kind == "b"):
            raise TypeError
        if has_bools:
            return np.array(flat)
    if dtype not in _FORMATS:
        raise TypeError
    array = np.empty(len(flat), np.float32 if dtype == _BFLOAT16 else dtype)
    struct.pack_into(_FORMATS[dtype] % len(flat), array, 0, *flat)
    exact = EXACT.get(dtype)
    if exact and (array.max() > exact or array.min() < -exact) and any(map(_inexact, flat, repeat(exact))):
        raise OverflowError
    return array if dtype != _BFLOAT16 else _to_bfloat16(array)


def _inexact(item, exact):
    return type(item) is int and not -exact <= item <= exact


def _bytes(item):
    if not is_base64(item):
        raise TypeError
    return decode_base64(item)


def _to_bfloat16(array):
    with np.errstate(over="ignore"):
        result = array.astype(_BFLOAT16)
    if not np.array_equal(np.isinf(result), np.isinf(array)):
        raise OverflowError
    return result
