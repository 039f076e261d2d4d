"""Lists of numbers in a `:predict` request -> numpy arrays, without a Python object for every number."""

import functools
import math

import numpy as np
import simdjson

from serving.json_arrays import EXACT

# Below this, Python objects are as quick.
MIN_BYTES = 512
MAX_RANK = 32
# Requests of one shape are alike but for their numbers: by what is left without these, the shape is known.
MAX_SHAPES = 64
MAX_KEPT_STRUCTURE = 2**16
_shapes = {}
_ROWS = b'{"instances"'
_NO_STRUCTURE = b"0123456789+-.eE \n\r\t"
_BUFFERS = {"f": ("d", np.float64), "i": ("i", np.int64), "u": ("u", np.uint64)}
_KEYS = {"instances", "inputs", "signature_name"}
# A parser keeps ten times the size of the largest text that it has read; without one, every text finds that much anew.
MAX_KEPT_TEXT = 2**18
_spare = []


class Numbers:
    """A request's one tensor, nested lists of numbers alone, not yet read.

    Attributes:
        text: The request's body, bytes.
        signature_name: A string, empty for the default signature.
        rows: Whether it stands under "instances" rather than "inputs".

    Args:
        text, signature_name, rows: See above.
        name: The input's name, or None.
        values: The list, a `simdjson.Array`.
        shape: The shape of it.
        parser: The `simdjson.Parser` that it belongs to.
    """

    __slots__ = ("_name", "_parser", "_shape", "_values", "rows", "signature_name", "text")

    def __init__(self, text, signature_name, rows, name, values, shape, parser):
        self.text = text
        self.signature_name = signature_name
        self.rows = rows
        self._name = name
        self._values = values
        self._shape = shape
        self._parser = parser

    def to_inputs(self, signature):
        """Read the numbers.

        Args:
            signature: The `Signature`.

        Returns:
            The input's name to a numpy array of its dtype; None if they do not fit the signature. To be asked once.
        """
        try:
            return self._read(signature)
        finally:
            # The parser reads no other text as long as somebody looks at this one.
            self._values = None
            if len(self.text) <= MAX_KEPT_TEXT and not _spare:
                _spare.append(self._parser)

    def _read(self, signature):
        specs = signature.inputs
        name = next(iter(specs), None) if self._name is None else self._name
        if name not in specs:
            return None
        if len(specs) > 1 and (self._name is None or not specs.keys() - signature.defaults.keys() <= {name}):
            return None
        array = self._to_array(specs[name].dtype)
        return None if array is None else {name: array}

    def _to_array(self, dtype):
        if dtype.kind not in _BUFFERS:
            return None
        code, wide = _BUFFERS[dtype.kind]
        try:
            flat = np.frombuffer(self._values.as_buffer(of_type=code), wide)
        except (TypeError, ValueError):
            return None
        # A list of none looks like one of one.
        if len(flat) != math.prod(self._shape):
            return None
        least, most = _limits(dtype)
        # The ufuncs themselves: the methods of these names are Python, which takes longer than to look.
        if np.maximum.reduce(flat) > most or np.minimum.reduce(flat) < least:
            return None
        return flat.astype(dtype).reshape(self._shape)


@functools.cache
def _limits(dtype):
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    # Beyond what a float holds exactly, whole numbers are refused and others are not: it can no longer be told here.
    return (-EXACT[dtype], EXACT[dtype]) if dtype in EXACT else (limits.min, limits.max)


def find_numbers(text):
    """Look for a request that is nothing but numbers.

    Args:
        text: A request's body, bytes.

    Returns:
        `Numbers`; None if it is small, is something else, or is wrong, which is for others to say.
    """
    if len(text) < MIN_BYTES:
        return None
    # Most requests have this key and no other, which needs no search.
    plain = text.startswith(_ROWS) and text.find(b'"', len(_ROWS)) < 0
    structure = None if plain and _is_one_row(text) else text.translate(None, _NO_STRUCTURE)
    shape = _shapes.get(structure)
    if shape is None and structure is not None and not _may_be_numbers(structure):
        return None
    parser = _take_parser()
    try:
        body = parser.parse(text)
    except (ValueError, RuntimeError):
        return None
    found = _find_list(body, plain)
    if found is None:
        return None
    values = found[-1]
    if shape is None:
        shape = _shape_of_row(values) if structure is None else _shape_of(values, structure)
    return None if shape is None else Numbers(text, *found, shape, parser)


def _is_one_row(text):
    """Tell whether a list begins with a list, and no other is in them."""
    begin = text.find(b"[")
    return text.startswith(b"[[", begin) and text.find(b"[", begin + 2) < 0


def _take_parser():
    try:
        return _spare.pop()
    except IndexError:
        return simdjson.Parser()


def _may_be_numbers(structure):
    begin = structure.find(b"[")
    return begin >= 0 and b'"' not in structure[begin : structure.rfind(b"]")]


def _remember(structure, shape):
    if len(structure) <= MAX_KEPT_STRUCTURE:
        if len(_shapes) >= MAX_SHAPES:
            _shapes.clear()
        _shapes[structure] = shape


def _find_list(body, plain):
    """Give the signature's name, whether the list holds rows, its input's name or None, and the list."""
    if plain:
        values = body["instances"]
        return ("", True, None, values) if isinstance(values, simdjson.Array) else None
    keys = list(body.keys()) if isinstance(body, simdjson.Object) else []
    wanted = [key for key in keys if key != "signature_name"]
    # Of a key that is there twice the last counts, which simdjson does not know.
    if len(wanted) != 1 or len(keys) > 2 or not _KEYS.issuperset(keys):
        return None
    signature_name, rows = body.get("signature_name", ""), wanted == ["instances"]
    name, values = None, body[wanted[0]]
    if not rows and isinstance(values, simdjson.Object) and len(values) == 1:
        (name,) = values.keys()
        values = values[name]
    if not isinstance(signature_name, str) or not isinstance(values, simdjson.Array):
        return None
    return signature_name, rows, name, values


def _shape_of_row(values):
    size = len(values[0]) if len(values) == 1 else 0
    return (1, size) if size else None


def _shape_of(values, structure):
    """Give the shape of nested lists, if it is one: their brackets and commas must stand as that shape's do."""
    shape = []
    while isinstance(values, simdjson.Array) and len(shape) <= MAX_RANK:
        shape.append(len(values))
        values = values[0] if shape[-1] else None
    if 0 in shape or len(shape) > MAX_RANK:
        return None
    text = structure[structure.find(b"[") : structure.rfind(b"]") + 1]
    length = 0
    for size in reversed(shape):
        length = size * (length + 1) + 1
    # Before it is made: a first row of many values, and many rows of none, would make it far larger than the request.
    if len(text) != length or text != _structure_of(shape):
        return None
    _remember(structure, tuple(shape))
    return tuple(shape)


def _structure_of(shape):
    """Write nested lists of a shape without what is in them."""
    part = b""
    for size in reversed(shape):
        part = b"[%b]" % b",".join([part] * size)
    return part
