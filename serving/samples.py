"""A short correct request for a signature, for the errors that refuse a wrong one."""

import itertools
import json

from serving.tensors import dtype_name

_MAX_SAMPLE = 300
_MAX_NAME = 60
_MAX_INPUTS = 4
_MAX_LIST = 4
_CUT = "..."


def correct_request(name, signature):
    """Write the sentence that ends an error: what a correct request looks like.

    Args:
        name: The signature's name.
        signature: The `Signature`.

    Returns:
        A sentence of at most about 600 characters.
    """
    return f"A correct request: {sample_arrays(signature)}; as JSON: {sample_body(name, signature)}"


def sample_arrays(signature):
    """Describe arrays that a signature takes.

    Args:
        signature: The `Signature`.

    Returns:
        Text such as `x: float32 [1, 3]`, in which any size is 1.
    """
    parts = [f"{_short(name)}: {dtype_name(spec.dtype)} {_shape_text(spec)}" for name, spec in _first_inputs(signature)]
    return _cut(", ".join(parts + _rest(signature)))


def sample_body(name, signature):
    """Write the body of a `:predict` request that a signature takes.

    Args:
        name: The signature's name.
        signature: The `Signature`.

    Returns:
        JSON of at most 300 characters, in rows where every input has a first dimension of any size; `...` stands
        for what is too long to show.
    """
    rows = bool(signature.inputs) and all(_has_rows(spec) for spec in signature.inputs.values())
    values = {
        _short(key): _value(key, spec, _sizes(spec)[1:] if rows else _sizes(spec))
        for key, spec in _first_inputs(signature)
    }
    if len(signature.inputs) == 1:
        text = next(iter(values.values()))
    else:
        members = [f"{json.dumps(key)}: {value}" for key, value in values.items()] + _rest(signature)
        text = f"{{{', '.join(members)}}}"
    tensors = f'"instances": [{text}]' if rows else f'"inputs": {text}'
    return _cut(f'{{"signature_name": {json.dumps(_short(name))}, {tensors}}}')


def _first_inputs(signature):
    return itertools.islice(signature.inputs.items(), _MAX_INPUTS)


def _rest(signature):
    return [_CUT] if len(signature.inputs) > _MAX_INPUTS else []


def _cut(text):
    return text if len(text) <= _MAX_SAMPLE else text[:_MAX_SAMPLE] + _CUT


def _short(name):
    return name if len(name) <= _MAX_NAME else name[:_MAX_NAME] + _CUT


def _has_rows(spec):
    return bool(spec.shape) and spec.shape[0] is None


def _sizes(spec):
    return [1 if size is None else size for size in spec.shape or ()]


def _shape_text(spec):
    return "of any shape" if spec.shape is None else str(_sizes(spec))


def _value(name, spec, sizes):
    if not sizes:
        return _scalar(name, spec.dtype)
    size = sizes[0]
    # Of a list of lists one is enough: the shape is told beside it.
    shown = size if size <= _MAX_LIST and len(sizes) == 1 else min(size, 1)
    items = [_value(name, spec, sizes[1:])] * shown + [_CUT] * (shown < size)
    return f"[{', '.join(items)}]"


def _scalar(name, dtype):
    if dtype.kind == "O":
        return '{"b64": "AAEC"}' if name.endswith("_bytes") else '"text"'
    return {"b": "true", "i": "0", "u": "0"}.get(dtype.kind, "0.0")
