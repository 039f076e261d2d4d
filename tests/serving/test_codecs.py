"""The REST API's JSON: its documented examples, what it refuses, and round trips."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from serving.codecs import PredictBody, decode_array, decode_inputs, encode_outputs, encode_request, parse_predict
from serving.errors import ServingError
from serving.signatures import TensorSpec


def spec(dtype, shape=None):
    return TensorSpec(np.dtype(object if dtype == "string" else dtype), shape, "")


def decode(text, **specs):
    return decode_inputs(parse_predict(text), specs)


def test_rows_of_named_inputs():
    # The example of https://www.tensorflow.org/tfx/serving/api_rest#specifying_input_tensors_in_row_format.
    rows = b"""{"instances": [{"tag": "foo", "signal": [1, 2, 3], "sensor": [[1, 2], [3, 4]]},
                              {"tag": "bar", "signal": [3, 4, 1], "sensor": [[4, 5], [6, 8]]}]}"""
    columns = b"""{"inputs": {"tag": ["foo", "bar"], "signal": [[1, 2, 3], [3, 4, 1]],
                              "sensor": [[[1, 2], [3, 4]], [[4, 5], [6, 8]]]}}"""
    for text in (rows, columns):
        inputs = decode(text, tag=spec("string"), signal=spec("int32"), sensor=spec("float32"))
        assert inputs["tag"].tolist() == [b"foo", b"bar"]
        assert inputs["signal"].dtype == np.int32 and inputs["signal"].tolist() == [[1, 2, 3], [3, 4, 1]]
        assert inputs["sensor"].dtype == np.float32 and inputs["sensor"].shape == (2, 2, 2)


def test_one_unnamed_input():
    assert decode(b'{"instances": [[[1, 2]], [[3, 4]]]}', x=spec("int64"))["x"].shape == (2, 1, 2)
    assert decode(b'{"inputs": 3}', x=spec("float32"))["x"].shape == ()
    assert decode(b'{"inputs": {"b64": "AAE="}}', x=spec("string"))["x"].item() == b"\0\1"
    assert decode(b'{"instances": [{"b64": "AAE="}, "a"]}', x=spec("string"))["x"].tolist() == [b"\0\1", b"a"]
    assert decode(b'{"inputs": []}', x=spec("float32", (None, 4)))["x"].shape == (0, 4)


def test_not_finite_numbers():
    x = decode(b'{"instances": [NaN, Infinity, -Infinity, 1]}', x=spec("float32"))["x"]
    np.testing.assert_array_equal(x, np.float32([np.nan, np.inf, -np.inf, 1]))
    y = np.float32([[0.1, np.nan], [-np.inf, np.inf]])
    assert encode_outputs({"y": y}, rows=True) == b'{"predictions":[[0.1,NaN],[-Infinity,Infinity]]}'
    assert encode_outputs({"y": y, "z": y[0]}, rows=True) == (
        b'{"predictions":[{"y":[0.1,NaN],"z":0.1},{"y":[-Infinity,Infinity],"z":NaN}]}'
    )


@pytest.mark.parametrize(
    ("text", "dtype", "words"),
    [
        (b"", "float32", "must be JSON"),
        (b"[NaN", "float32", "must be JSON"),
        (b"[" * 100_000 + b"NaN", "float32", "must be JSON"),
        (b"[1]", "float32", "JSON object"),
        (b'{"instances": []}', "float32", "at least one"),
        (b'{"instances": [1], "inputs": [1]}', "float32", "one of the keys"),
        (b'{"data": [1]}', "float32", "one of the keys"),
        (b'{"signature_name": 1, "inputs": [1]}', "float32", "signature_name"),
        (b'{"instances": [[1], [1, 2]]}', "float32", "rectangular"),
        (b'{"inputs": ' + b"[" * 1000 + b"]" * 1000 + b"}", "string", "rectangular|text or bytes"),
        (b'{"inputs": ' + b"[" * 1000 + b"1" + b"]" * 1000 + b"}", "float32", "rectangular|takes float32"),
        (b'{"instances": [["a"], ["a", "b"]]}', "string", "rectangular|unequal"),
        (b'{"instances": ["1.5"]}', "float32", "takes float32"),
        (b'{"instances": [null]}', "float32", "takes float32"),
        (b'{"instances": [true]}', "float32", "Received: bool"),
        (b'{"instances": [1.0]}', "int32", "Received: float64"),
        (b'{"instances": [128]}', "int8", "range"),
        (b'{"instances": [-1]}', "uint64", "range"),
        (b'{"instances": [1e39]}', "float32", "range"),
        (b'{"instances": [1]}', "bool", "takes bool"),
        (b'{"instances": [1]}', "string", "text or bytes"),
        (b'{"instances": [{"b64": "*"}]}', "string", "base64"),
        (b'{"instances": [{"x": 1}, 2]}', "float32", "Element 1"),
        (b'{"instances": [{"y": 1}]}', "float32", "named x. Received: y"),
    ],
)
def test_refusals(text, dtype, words):
    with pytest.raises(ServingError, match=words) as caught:
        decode(text, x=spec(dtype))
    assert caught.value.code == "INVALID_ARGUMENT"


def test_several_inputs_must_be_named():
    with pytest.raises(ServingError, match="by name: a, b"):
        decode(b'{"inputs": [1]}', a=spec("float32"), b=spec("float32"))


def test_outputs():
    one = {"y": np.int64([1, 2])}
    two = {"name": np.array([b"a", b"\xff"], object), "raw_bytes": np.array([b"a", b"\xff"], object)}
    assert encode_outputs(one, rows=True) == b'{"predictions":[1,2]}'
    assert encode_outputs(one, rows=False) == b'{"outputs":[1,2]}'
    assert json.loads(encode_outputs(two, rows=False)) == {
        "outputs": {"name": ["a", "\ufffd"], "raw_bytes": [{"b64": "YQ=="}, {"b64": "/w=="}]}
    }
    assert json.loads(encode_outputs(two, rows=True))["predictions"][0] == {"name": "a", "raw_bytes": {"b64": "YQ=="}}
    assert encode_outputs({"y": np.float32(0.5)}, rows=False) == b'{"outputs":0.5}'
    assert encode_outputs({"y": np.bool_([True])}, rows=True) == b'{"predictions":[true]}'
    for outputs in ({"y": np.float32(0.5)}, {"y": np.zeros(2), "z": np.zeros(3)}):
        with pytest.raises(ServingError, match="first dimension"):
            encode_outputs(outputs, rows=True)


NUMBERS = st.sampled_from(["float16", "float32", "float64", "int8", "uint8", "int32", "int64", "uint64", "bool"])


@given(NUMBERS.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=1))))
@settings(max_examples=150, deadline=None)
def test_every_number_survives(array):
    name, one = "x", spec(array.dtype, (None,) * array.ndim)
    request = parse_predict(encode_request("s", {name: array}))
    answer = json.loads(encode_outputs({name: array}, rows=False))["outputs"]
    assert request.signature_name == "s"
    np.testing.assert_array_equal(decode_inputs(request, {name: one})[name], array)
    np.testing.assert_array_equal(decode_array(answer, one, name), array)


@given(st.lists(st.tuples(st.text(), st.binary()), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_strings_survive(pairs):
    columns = {"text": [text for text, _ in pairs], "raw_bytes": [raw for _, raw in pairs]}
    arrays = {name: np.array([v.encode() if name == "text" else v for v in values] + [None], object)[:-1]
              for name, values in columns.items()}  # fmt: skip
    rows = json.loads(encode_outputs(arrays, rows=True))["predictions"]
    decoded = decode_inputs(PredictBody("", True, rows), {"text": spec("string"), "raw_bytes": spec("string")})
    for name, array in arrays.items():
        assert decoded[name].tolist() == array.tolist()
