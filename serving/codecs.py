"""The JSON of TensorFlow Serving's REST API <-> numpy arrays and messages, without TensorFlow."""

from serving.json_examples import parse_examples
from serving.json_inputs import PredictBody, decode_array, decode_inputs, parse, parse_predict
from serving.json_outputs import encode_classifications, encode_outputs, encode_regressions, encode_request

__all__ = [
    "PredictBody",
    "decode_array",
    "decode_inputs",
    "encode_classifications",
    "encode_outputs",
    "encode_regressions",
    "encode_request",
    "parse",
    "parse_examples",
    "parse_predict",
]
