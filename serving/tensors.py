"""TensorProto <-> numpy arrays, without TensorFlow."""

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

# Fields whose packed wire form is the array's own little-endian bytes, with the type of one stored value.
_PACKED = {name: TensorProto.DESCRIPTOR.fields_by_name[name].number for name in ("float_val", "double_val")}
_PACKED |= {name: TensorProto.DESCRIPTOR.fields_by_name[name].number for name in ("scomplex_val", "dcomplex_val")}

# One value may stand for a whole tensor; without a bound, twenty bytes could ask for all the memory there is.
_MAX_FILLED_ELEMENTS = 2**24


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
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.tensor_shape.unknown_rank or any(size < 0 for size in shape):
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
        return np.array(values, dtype=np.uint16).view(dtype)
    return np.array(values).astype(dtype) if len(values) else np.empty(0, dtype)


def _fill(flat, shape):
    count = 1
    for size in shape:
        count *= size
    if len(flat) == count:
        return flat.reshape(shape)
    if len(flat) > count or count > _MAX_FILLED_ELEMENTS:
        message = f"a tensor of shape {list(shape)} must hold {count} values. Received: {len(flat)}"
        raise ServingError("INVALID_ARGUMENT", message)
    # TensorFlow's own shorthand: the last value given stands for all that follow, and zero for none given.
    filled = np.empty(count, flat.dtype)
    filled[: len(flat)] = flat
    filled[len(flat) :] = flat[-1] if len(flat) else (b"" if flat.dtype.kind == "O" else 0)
    return filled.reshape(shape)


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
    array = (
        string_array(array) if array.dtype.kind in "OUS" else array.astype(array.dtype.newbyteorder("="), copy=False)
    )
    if array.dtype not in _NUMBERS:
        raise ServingError("INVALID_ARGUMENT", f"arrays of dtype {array.dtype} have no TensorFlow equivalent")
    proto = TensorProto() if proto is None else proto
    proto.dtype = _NUMBERS[array.dtype]
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    field = _TYPES[proto.dtype][1]
    if content and array.dtype.kind != "O":
        proto.tensor_content = array.tobytes()
    elif field in _PACKED:
        _merge_packed(proto, _PACKED[field], array.tobytes())
    elif field == "half_val":
        proto.half_val.extend(array.view(np.uint16).ravel().tolist())
    else:
        getattr(proto, field).extend(array.ravel().tolist())
    return proto


def _merge_packed(proto, number, raw):
    # Fifty times quicker than extending the field with a list of Python floats.
    header, length = [number << 3 | 2], len(raw)
    while length > 127:
        header.append(length & 127 | 128)
        length >>= 7
    proto.MergeFromString(bytes([*header, length]) + raw)
