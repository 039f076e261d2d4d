"""TensorProto <-> numpy arrays, without TensorFlow."""

import functools
import math

import ml_dtypes
import numpy as np

from serving.errors import ServingError
from serving.protocol import TensorProto

# DataType number: numpy dtype, and the field of TensorProto that holds its values one by one.
_TYPES = {
    1: (np.dtype(np.float32), "float_val"),
    2: (np.dtype(np.float64), "double_val"),
    3: (np.dtype(np.int32), "int_val"),
    4: (np.dtype(np.uint8), "int_val"),
    5: (np.dtype(np.int16), "int_val"),
    6: (np.dtype(np.int8), "int_val"),
    7: (np.dtype(object), "string_val"),
    8: (np.dtype(np.complex64), "scomplex_val"),
    9: (np.dtype(np.int64), "int64_val"),
    10: (np.dtype(bool), "bool_val"),
    14: (np.dtype(ml_dtypes.bfloat16), "half_val"),
    17: (np.dtype(np.uint16), "int_val"),
    18: (np.dtype(np.complex128), "dcomplex_val"),
    19: (np.dtype(np.float16), "half_val"),
    22: (np.dtype(np.uint32), "uint32_val"),
    23: (np.dtype(np.uint64), "uint64_val"),
}
_NUMBERS = {dtype: number for number, (dtype, _) in _TYPES.items()}

_STRING = _NUMBERS[np.dtype(object)]

# Fields whose wire form is the array's own little-endian bytes, and their numbers.
_PACKED = {
    name: TensorProto.DESCRIPTOR.fields_by_name[name].number
    for name in ("tensor_content", "float_val", "double_val", "scomplex_val", "dcomplex_val")
}

# One value may stand for a whole tensor; without a bound, twenty bytes could ask for all the memory there is.
_MAX_FILLED_BYTES = 2**26
_MAX_RANK = 64  # numpy's own


def numpy_dtype(number):
    """Give the numpy dtype of a DataType number; strings are `object` arrays of bytes.

    Args:
        number: A value of TensorFlow's `DataType` enum.

    Returns:
        A numpy dtype.

    Raises:
        ServingError: If the type has no numpy equivalent (resources, variants, quantized types).
    """
    if number not in _TYPES:
        names = ", ".join(dtype_name(dtype) for dtype in _NUMBERS)
        raise ServingError("INVALID_ARGUMENT", f"dtype must be one of {names}. Received: DataType {number}")
    return _TYPES[number][0]


def dtype_name(dtype):
    """Name a numpy dtype the way TensorFlow does: `float32`, `int64`, `string`, ..."""
    return "string" if dtype.kind == "O" else np.dtype(dtype).name


def string_array(values):
    """Turn text or bytes into an `object` array of bytes.

    Args:
        values: A str, bytes, nested lists of them, or a numpy array of either.

    Returns:
        An array of bytes with the shape of `values`.

    Raises:
        ServingError: If an element is neither, or the lists are ragged.
    """
    array = np.asarray(values, dtype=object)
    flat = [value.encode() if isinstance(value, str) else value for value in array.ravel().tolist()]
    for value in flat:
        if not isinstance(value, bytes):
            received = "lists of unequal length" if isinstance(value, list) else repr(value)[:80]
            raise ServingError("INVALID_ARGUMENT", f"a string tensor takes text or bytes. Received: {received}")
    result = np.empty(len(flat), dtype=object)
    result[:] = flat
    return result.reshape(array.shape)


def to_array(tensor):
    """Read a TensorProto.

    Args:
        tensor: A `TensorProto`, its values in `tensor_content` or in the field of its type.

    Returns:
        A numpy array, read-only where it shares the message's memory.

    Raises:
        ServingError: If the message's dtype, shape and values do not fit together.
    """
    dtype = numpy_dtype(tensor.dtype)
    rank = len(tensor.tensor_shape.dim)
    if rank > _MAX_RANK:
        raise ServingError("INVALID_ARGUMENT", f"a tensor's shape has at most {_MAX_RANK} dimensions. Received: {rank}")
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.tensor_shape.unknown_rank or (shape and min(shape) < 0):
        raise ServingError("INVALID_ARGUMENT", f"a tensor's shape must be known. Received: {list(shape)}")
    if tensor.tensor_content and dtype.kind == "O":
        raise ServingError("INVALID_ARGUMENT", "a string tensor takes string_val. Received: tensor_content")
    if tensor.tensor_content:
        flat = _from_content(tensor.tensor_content, dtype)
    else:
        flat = _from_values(getattr(tensor, _TYPES[tensor.dtype][1]), dtype)
    return _fill(flat, shape)


def _from_content(content, dtype):
    if len(content) % dtype.itemsize:
        message = f"tensor_content of {dtype.name} must hold whole values. Received: {len(content)} bytes"
        raise ServingError("INVALID_ARGUMENT", message)
    return np.frombuffer(content, dtype)


def _from_values(values, dtype):
    if dtype.kind == "O":
        flat = np.empty(len(values), dtype=object)
        flat[:] = values
        return flat
    if dtype.kind == "c":
        real = np.array(values, dtype=dtype.type(0).real.dtype)
        return real[: len(real) // 2 * 2].view(dtype)
    if dtype in (np.float16, ml_dtypes.bfloat16):
        # The field holds 32 bits: the upper half is nobody's.
        return np.array(values, dtype=np.int32).astype(np.uint16).view(dtype)
    return np.array(values).astype(dtype) if len(values) else np.empty(0, dtype)


def _fill(flat, shape):
    count = math.prod(shape)
    if len(flat) > count or (len(flat) < count and count * flat.itemsize > _MAX_FILLED_BYTES):
        message = f"a tensor of shape {list(shape)} must hold {count} values. Received: {len(flat)}"
        raise ServingError("INVALID_ARGUMENT", message)
    if len(flat) == count:
        return _reshape(flat, shape)
    # TensorFlow's own shorthand: the last value given stands for all that follow, and zero for none given.
    filled = np.empty(count, flat.dtype)
    filled[: len(flat)] = flat
    filled[len(flat) :] = flat[-1] if len(flat) else (b"" if flat.dtype.kind == "O" else 0)
    return filled.reshape(shape)


def _reshape(flat, shape):
    try:
        return flat.reshape(shape)
    except (ValueError, OverflowError):
        # An empty tensor may still name sizes beyond what an address can say.
        raise ServingError("INVALID_ARGUMENT", f"a tensor's shape is too large. Received: {list(shape)}") from None


def to_proto(array, content=False, proto=None):
    """Write a numpy array as a TensorProto.

    Args:
        array: The array; str, bytes and `object` arrays become string tensors.
        content: Whether numbers go to `tensor_content`, which is quicker to read, rather than to the field of their
            type, which is what TensorFlow Serving answers with.
        proto: The message to fill; a new one when None.

    Returns:
        The `TensorProto`.

    Raises:
        ServingError: If the dtype has no TensorFlow equivalent.
    """
    if array.dtype.kind in "OUS":
        array = string_array(array)
    elif not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype not in _NUMBERS:
        raise ServingError("INVALID_ARGUMENT", f"arrays of dtype {array.dtype} have no TensorFlow equivalent")
    proto = TensorProto() if proto is None else proto
    number = _NUMBERS[array.dtype]
    field = "tensor_content" if content and number != _STRING else _TYPES[number][1]
    if field in _PACKED:
        # One merge of bytes is fifty times quicker than a list of Python numbers, and twice than field by field.
        raw = array.tobytes()
        proto.MergeFromString(_header(number, array.shape, field, len(raw)) + raw)
        return proto
    proto.MergeFromString(_header(number, array.shape))
    if field == "half_val":
        proto.half_val.extend(array.view(np.uint16).ravel().tolist())
    else:
        getattr(proto, field).extend(array.ravel().tolist())
    return proto


def to_bytes(array, content=False):
    """Write a numpy array as the bytes of a TensorProto.

    Args:
        array: As for `to_proto`.
        content: As for `to_proto`.

    Returns:
        Bytes.

    Raises:
        ServingError: If the dtype has no TensorFlow equivalent.
    """
    number = _NUMBERS.get(array.dtype)
    field = "tensor_content" if content and number != _STRING else _TYPES.get(number, (None, None))[1]
    if field not in _PACKED or not array.dtype.isnative:
        return to_proto(array, content).SerializeToString()
    raw = array.tobytes()
    return _header(number, array.shape, field, len(raw)) + raw


@functools.lru_cache(maxsize=1024)
def _header(number, shape, field=None, length=0):
    """Serialize what comes before a tensor's values: its dtype, its shape, and the head of their field."""
    proto = TensorProto(dtype=number)
    proto.tensor_shape.SetInParent()
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    if not length:
        return proto.SerializeToString()
    head = [_PACKED[field] << 3 | 2]
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    return proto.SerializeToString() + bytes([*head, length])
