"""The body of a `:predict` request -> numpy arrays.

Source: https://www.tensorflow.org/tfx/serving/api_rest.
"""

import codecs
import json
from typing import NamedTuple

import orjson

from serving.errors import ServingError, listed
from serving.json_arrays import build_array, is_base64
from serving.json_errors import invalid, row_mistake, shown, tensor_mistake
from serving.json_numbers import Numbers, find_numbers
from serving.samples import correct_request
from serving.signatures import did_you_mean


class PredictBody(NamedTuple):
    """The body of a `:predict` request.

    Args:
        signature_name: A string, empty for the default signature.
        rows: Whether the tensors come as rows ("instances") rather than columns ("inputs").
        values: What stands under that key.
        bools: Whether true or false may be among the values.
    """

    signature_name: str
    rows: bool
    values: object
    bools: bool = True


def parse(text):
    """Parse JSON in which NaN, Infinity and -Infinity stand for themselves, as TensorFlow Serving allows.

    Of a key that an object has twice, the last value counts.

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
        wrong = f"{error.msg} at offset: {error.pos}" if text.strip() else "The document is empty"
    if text.startswith(codecs.BOM_UTF8) or b"NaN" in text or b"Infinity" in text:
        try:
            return json.loads(text.decode("utf-8-sig"))
        except json.JSONDecodeError as error:
            wrong = f"{error.msg} at offset: {error.pos}"
        # Too deep, too many digits, or no text at all.
        except (ValueError, RecursionError) as error:
            wrong = str(error)
    raise invalid(f"JSON Parse error: {wrong}. The body must be JSON")


def parse_object(text):
    """Parse a request's body.

    Args:
        text: Bytes.

    Returns:
        The body, a dict, and its signature's name, a string.

    Raises:
        ServingError: `INVALID_ARGUMENT` if it is not a JSON object, or the name no string.
    """
    body = parse(text)
    if type(body) is not dict:
        raise invalid(f"JSON Value: {shown(body)} Is not object. The body must be a JSON object")
    signature_name = body.get("signature_name", "")
    if type(signature_name) is not str:
        wording = "not formatted correctly. 'signature_name' key must be a string value."
        raise invalid(f"JSON Value: {shown(body)} {wording} Received: {shown(signature_name)}")
    return body, signature_name


def parse_predict(text):
    """Read the body of a `:predict` request as far as that goes without the signature.

    Args:
        text: Bytes.

    Returns:
        `Numbers` if it is nothing else, or a `PredictBody`.

    Raises:
        ServingError: `INVALID_ARGUMENT` if the body has not the form that the REST API documents.
    """
    return find_numbers(text) or _parse_predict(text)


def _parse_predict(text):
    body, signature_name = parse_object(text)
    # One byte is found ten times sooner than a word, and lists of numbers have neither.
    bools = (b"u" in text and b"true" in text) or (b"f" in text and b"false" in text)
    if "instances" not in body:
        if "inputs" not in body:
            raise invalid(f"Missing 'inputs' or 'instances' key. Received: {listed(body) or 'no key'}")
        return PredictBody(signature_name, False, body["inputs"], bools)
    rows = body["instances"]
    if "inputs" in body:
        wording = "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist"
        raise invalid(f"JSON Value: {shown(body)} {wording}")
    if type(rows) is not list:
        raise invalid(f"JSON Value: {shown(body)} Excepting 'instances' to be an list/array")
    if not rows:
        raise invalid(f"JSON Value: {shown(body)} No values in 'instances' array: it must have at least one element")
    return PredictBody(signature_name, True, rows, bools)


def decode_inputs(body, name, signature):
    """Turn the tensors of a request into arrays of the signature's dtypes.

    Args:
        body: What `parse_predict` returned.
        name: The signature's name, for the message.
        signature: The `Signature`.

    Returns:
        Input names to numpy arrays.

    Raises:
        ServingError: `INVALID_ARGUMENT`, with a correct request, if a value does not fit its dtype or a name is wrong.
    """
    if isinstance(body, Numbers):
        inputs = body.to_inputs(signature)
        if inputs is not None:
            return inputs
        # What does not fit is read again in full, to say what and where.
        body = _parse_predict(body.text)
    try:
        columns, named = _columns(body, signature)
        return {key: _decode(columns[key], key, named, body, signature.inputs[key]) for key in columns}
    except ServingError as error:
        raise ServingError(error.code, f"{error.message} {correct_request(name, signature)}") from None


def _columns(body, signature):
    """Sort the values by input; tell whether the request named them."""
    specs, values = signature.inputs, body.values
    if body.rows:
        first = values[0]
        if type(first) is dict and not is_base64(first):
            return _named_rows(values, signature), True
        plain = "instances is a plain list, but expecting list of objects"
    else:
        if type(values) is dict and not is_base64(values):
            return _named_columns(values, signature), True
        plain = "inputs is a plain value/list, but expecting an object"
    if len(specs) != 1:
        wording = f"{plain} as multiple input tensors required as per tensorinfo_map."
        raise invalid(f"{wording} The inputs must be given by name: {listed(specs)}.")
    return {next(iter(specs)): values}, False


def _named_rows(rows, signature):
    names = rows[0].keys()
    if not signature.inputs.keys() - signature.defaults.keys() <= names <= signature.inputs.keys():
        raise _wrong_keys(0, rows[0], signature)
    for index, row in enumerate(rows):
        if type(row) is not dict or is_base64(row):
            raise invalid(f"Expecting object but got list at item {index} of input list.")
        if row.keys() != names:
            raise _wrong_keys(index, row, signature)
    return {name: [row[name] for row in rows] for name in names}


def _wrong_keys(index, row, signature):
    unknown = next((key for key in row if key not in signature.inputs), None)
    if unknown is not None:
        hint = did_you_mean(unknown, signature.inputs)
        return invalid(
            f"Failed to process element: {index} key: {unknown[:100]} of 'instances' list. Error: INVALID_ARGUMENT: "
            f"JSON object: does not have named input: {unknown[:100]}.{hint} Received: {listed(row)}."
        )
    return invalid(
        f"Failed to process element: {index} of 'instances' list. JSON object: {shown(row)} "
        f"keys must be equal to: {listed(signature.inputs)}. Received: {listed(row) or 'none'}."
    )


def _named_columns(columns, signature):
    # Names that the signature does not have are passed over, as TensorFlow Serving does.
    for name in signature.inputs:
        if name not in columns and name not in signature.defaults:
            unknown = [key for key in columns if key not in signature.inputs][:1]
            hint = did_you_mean(unknown[0], [name]) if unknown else ""
            raise invalid(
                f"Missing named input: {name} in 'inputs' object.{hint} Received: {listed(columns) or 'none'}."
            )
    return {name: columns[name] for name in signature.inputs if name in columns}


def _decode(value, name, named, body, spec):
    array = build_array(value, spec, body.bools)
    if array is not None:
        return array
    code = "INVALID_ARGUMENT"
    if body.rows:
        wrong = _row_wording(value, name if named else None, spec)
    else:
        wrong = tensor_mistake(value, spec)
        code = "UNIMPLEMENTED" if wrong.startswith("Conversion of") else code
    raise ServingError(code, f"{wrong.removesuffix('.')}. Input {name!r} takes {spec}.")


def _row_wording(rows, name, spec):
    index, wrong = row_mistake(rows, spec)
    if name is None and type(rows[index]) is dict and not is_base64(rows[index]):
        return f"Expecting value/list but got object at item {index} of input list"
    code = "UNIMPLEMENTED" if wrong.startswith("Conversion of") else "INVALID_ARGUMENT"
    key = "" if name is None else f" key: {name}"
    return f"Failed to process element: {index}{key} of 'instances' list. Error: {code}: {wrong}"


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
    return _decode(value, name, True, PredictBody("", False, value), spec)
