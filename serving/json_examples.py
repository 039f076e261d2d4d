"""The body of a `:classify` or `:regress` request -> examples, without TensorFlow.

Source: https://www.tensorflow.org/tfx/serving/api_rest.
"""

import struct

from serving.json_arrays import decode_base64, encodes, is_base64
from serving.json_errors import invalid, shown, type_name
from serving.json_inputs import parse_object
from serving.protocol import Input

_MAX_NAME = 100


def parse_examples(text):
    """Read the body of a `:classify` or `:regress` request.

    Args:
        text: Bytes.

    Returns:
        The signature's name, empty for the default, and an `Input` message.

    Raises:
        ServingError: `INVALID_ARGUMENT` if the body has not the form that the REST API documents.
    """
    body, signature_name = parse_object(text)
    message = Input()
    if "context" in body:
        _fill_example(message.example_list_with_context.context, body["context"])
        target = message.example_list_with_context.examples
    else:
        target = message.example_list.examples
    for example in _examples(body):
        _fill_example(target.add(), example)
    return signature_name, message


def _examples(body):
    if "examples" not in body:
        wrong = "When method is classify, key 'examples' is expected and was not found"
    elif type(body["examples"]) is not list:
        wrong = "Expecting 'examples' value to be an list/array"
    elif not body["examples"]:
        wrong = "'examples' value is an empty array"
    else:
        return body["examples"]
    accepted = '{"examples": [{"feature": 1.0}]}'
    raise invalid(f"JSON Value: {shown(body)} {wrong}. A request looks like {accepted}")


def _fill_example(message, value):
    if type(value) is not dict:
        raise invalid(f"Example must be JSON object but got JSON {type_name(value)}. Received: {shown(value)}")
    for name, content in value.items():
        if not encodes(name):
            raise invalid(f"A feature's name holds half a surrogate pair. Received: {shown(name)}")
        _fill_feature(message.features.feature[name], name, content if type(content) is list else [content])


def _fill_feature(feature, name, values):
    if not values:
        feature.SetInParent()
        return
    kind = _kind(values[0], name)
    if len(set(map(type, values))) > 1 or type(values[0]) in (dict, list):
        for value in values:
            if _kind(value, name) != kind:
                raise invalid(f"Unexpected element type in feature: {name[:_MAX_NAME]} expecting type: {kind}")
    if kind == "bytes":
        feature.bytes_list.value.extend([_bytes(value) for value in values])
    elif kind == "int64":
        _check_integers(values, name)
        feature.int64_list.value.extend(map(int, values))
    else:
        _check_floats(values)
        feature.float_list.value.extend(values)


def _kind(value, name):
    """Say which kind of feature a value makes: a number without a decimal point is no float."""
    if type(value) is float or (type(value) is int and not -(2**63) <= value < 2**64):
        return "float"
    if type(value) in (int, bool):
        return "int64"
    if type(value) is str or is_base64(value):
        return "bytes"
    raise invalid(f"Feature: {name[:_MAX_NAME]} has element with unexpected JSON type: {type_name(value)}")


def _bytes(value):
    if type(value) is dict:
        return decode_base64(value)
    if not encodes(value):
        raise invalid(f"JSON Value: {shown(value)} holds half a surrogate pair")
    return value.encode()


def _check_integers(values, name):
    if max(values) >= 2**63:
        raise invalid(f"Feature: {name[:_MAX_NAME]} has uint64 element. Only int64 is supported.")


def _check_floats(values):
    for value in values:
        try:
            struct.pack("<f", value)
        except (OverflowError, struct.error):
            raise invalid(f"Cannot convert JSON value: {shown(value)} to float without loss of precision.") from None
