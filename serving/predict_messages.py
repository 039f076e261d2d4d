"""PredictRequest and PredictResponse <-> arrays, without a message where a client repeats itself.

A client sends the same bytes again and again but for its tensor's values, which come last: how they are to be read is
found out once for each such beginning. An answer is put together from parts that repeat, too.
"""

import functools
from typing import NamedTuple

import numpy as np
from google.protobuf.message import DecodeError

from serving.errors import ServingError
from serving.protocol import ModelSpecMessage, PredictRequest
from serving.specs import ModelSpec, fill_spec, read_spec, request_spec
from serving.tensors import to_array, to_bytes

MAX_LENGTHS = 64
MAX_LAYOUTS = 4
# A beginning holds names and a shape; what is longer is not worth the memory.
MAX_BEGINNING = 1024
_FLIPPED = bytes(255 - byte for byte in range(256))


class _Layout(NamedTuple):
    """What messages of one length and one beginning say.

    Args:
        beginning: All bytes before the tensor's.
        spec: The `ModelSpec`.
        output_filter: A tuple of output names.
        name: The input's name.
        dtype: Its numpy dtype.
        shape: Its shape.
    """

    beginning: bytes
    spec: ModelSpec
    output_filter: tuple
    name: str
    dtype: np.dtype
    shape: tuple


class PredictCall:
    """A request, as far as it has been read.

    Attributes:
        spec: The `ModelSpec`.
        output_filter: A tuple of output names; empty for all.

    Args:
        data: The message's bytes.
        message: The `PredictRequest`; None where the layout says all.
        layout: The `_Layout`, or None.

    Raises:
        ServingError: `INVALID_ARGUMENT` if it names no model.
    """

    __slots__ = ("_data", "_layout", "_message", "output_filter", "spec")

    def __init__(self, data, message, layout=None):
        self._data, self._message, self._layout = data, message, layout
        if layout is None:
            self.spec, self.output_filter = request_spec(message), tuple(message.output_filter)
        else:
            self.spec, self.output_filter = layout.spec, layout.output_filter

    def message(self):
        """Give the whole `PredictRequest`."""
        return PredictRequest.FromString(self._data) if self._message is None else self._message

    def read_inputs(self, _, signature):
        """Read the tensors.

        Args:
            signature: The `Signature`.

        Returns:
            Input names to numpy arrays; None for inputs that the signature has not got.

        Raises:
            ServingError: `INVALID_ARGUMENT` if a tensor cannot be read.
        """
        if self._layout is not None:
            beginning, _, _, name, dtype, shape = self._layout
            array = np.frombuffer(self._data, dtype, offset=len(beginning)).reshape(shape)
            return {name: array if name in signature.inputs else None}
        inputs = {}
        for name, tensor in self._message.inputs.items():
            try:
                # What the signature has not got is refused by name: its values, which may be many, are not read.
                inputs[name] = to_array(tensor) if name in signature.inputs else None
            except ServingError as error:
                raise ServingError(error.code, f"input {name!r}: {error.message}") from None
        return inputs


class PredictReader:
    """Reads requests; stands where a message's class does."""

    DESCRIPTOR = PredictRequest.DESCRIPTOR

    def __init__(self):
        # By the length of messages; an empty list for those that were seen once.
        self._layouts = {}

    def FromString(self, data):  # noqa: N802, the name that messages have
        """Read a request.

        Args:
            data: The message's bytes.

        Returns:
            A `PredictCall`.

        Raises:
            DecodeError: If it is no `PredictRequest`.
            ServingError: As `PredictCall`.
        """
        layouts = self._layouts.get(len(data))
        for layout in layouts or ():
            if data[: len(layout.beginning)] == layout.beginning:
                return PredictCall(data, None, layout)
        call = PredictCall(data, PredictRequest.FromString(data))
        if layouts is None:
            if len(self._layouts) >= MAX_LENGTHS:
                self._layouts.clear()
            self._layouts[len(data)] = []
        elif len(layouts) < MAX_LAYOUTS:
            layouts += find_layout(data, call.message())
        return call


def find_layout(data, message):
    """Find out what a message says before its tensor's values, if these come last.

    Args:
        data: Its bytes.
        message: The `PredictRequest`.

    Returns:
        A list of one `_Layout`, or of none.
    """
    if len(message.inputs) != 1:
        return []
    ((name, tensor),) = message.inputs.items()
    content = tensor.tensor_content
    beginning = bytes(data[: len(data) - len(content)])
    if not content or len(beginning) > MAX_BEGINNING or not _ends_with(beginning, content, name, message):
        return []
    try:
        array = to_array(tensor)
    except ServingError:
        return []
    if array.nbytes != len(content):
        return []
    return [
        _Layout(beginning, read_spec(message.model_spec), tuple(message.output_filter), name, array.dtype, array.shape)
    ]


def _ends_with(beginning, content, name, message):
    # The sure way to know that the last bytes are the tensor's: with all of them changed, they are what has changed.
    changed = content.translate(_FLIPPED)
    try:
        other = PredictRequest.FromString(beginning + changed)
    except DecodeError:
        return False
    if name not in other.inputs or other.inputs[name].tensor_content != changed:
        return False
    other.inputs[name].tensor_content = content
    return other == message


def encode_response(spec, outputs, as_content=False):
    """Write a `PredictResponse`.

    Args:
        spec: The `ModelSpec` that answered.
        outputs: Output names to numpy arrays.
        as_content: Whether numbers go to `tensor_content`.

    Returns:
        Its bytes.

    Raises:
        ServingError: If a dtype has no TensorFlow equivalent.
    """
    parts = []
    for name, array in outputs.items():
        tensor = to_bytes(array, as_content)
        parts += _entry_head(name, len(tensor)), tensor
    parts.append(_spec_field(spec))
    return b"".join(parts)


@functools.lru_cache(maxsize=1024)
def _entry_head(name, size):
    """Write what comes before a tensor in `PredictResponse.outputs`: field 1, a map's entry of fields 1 and 2."""
    key = name.encode()
    head = b"\x0a%b%b\x12%b" % (_varint(len(key)), key, _varint(size))
    return b"\x0a%b%b" % (_varint(len(head) + size), head)


@functools.lru_cache(maxsize=1024)
def _spec_field(spec):
    message = ModelSpecMessage()
    fill_spec(message, spec)
    data = message.SerializeToString()
    return b"\x12%b%b" % (_varint(len(data)), data)


def _varint(number):
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes((*parts, number))
