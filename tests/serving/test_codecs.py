"""The REST API's JSON: its documented examples, what it refuses and in which words, round trips, and bounds."""

import gc
import json
import time
import tracemalloc

import ml_dtypes
import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from serving.codecs import PredictBody, decode_array, decode_inputs, encode_outputs, encode_request, parse_predict
from serving.errors import MAX_MESSAGE, ServingError
from serving.signatures import Signature, TensorSpec


def spec(dtype, shape=None):
    return TensorSpec(np.dtype(object if dtype == "string" else dtype), shape, "")


def decode(text, **specs):
    return decode_inputs(parse_predict(text), "s", Signature(specs, {}, {}))


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
        assert inputs["sensor"].tolist() == [[[1, 2], [3, 4]], [[4, 5], [6, 8]]]


def test_one_unnamed_input():
    assert decode(b'{"instances": [[[1, 2]], [[3, 4]]]}', x=spec("int64"))["x"].tolist() == [[[1, 2]], [[3, 4]]]
    assert decode(b'{"instances": [{"x": 1}, {"x": 2}]}', x=spec("int64"))["x"].tolist() == [1, 2]
    assert decode(b'{"inputs": 3}', x=spec("float32"))["x"].shape == ()
    assert decode(b'{"inputs": {"x": true}}', x=spec("bool"))["x"].item() is True
    assert decode(b'{"inputs": "a"}', x=spec("string"))["x"].item() == b"a"
    assert decode(b'{"inputs": {"b64": "AAE="}}', x=spec("string"))["x"].item() == b"\0\1"
    assert decode(b'{"instances": [{"b64": "AAE="}, "a"]}', x=spec("string"))["x"].tolist() == [b"\0\1", b"a"]
    assert decode(b'{"inputs": []}', x=spec("float32", (None, 4)))["x"].shape == (0, 4)
    assert decode(b'{"instances": [[], []]}', x=spec("float32", (None, None)))["x"].shape == (2, 0)


def test_base64_as_tensorflow_serving_reads_it():
    for text in ("AAEC/w==", "AAEC/w", " AAEC\\n/w== "):
        assert decode(b'{"inputs": {"b64": "%b"}}' % text.encode(), x=spec("string"))["x"].item() == b"\0\1\2\xff"


def test_columns_that_no_input_has_are_passed_over():
    assert list(decode(b'{"inputs": {"x": [1], "more": "a"}}', x=spec("float32"))) == ["x"]


def test_inputs_with_defaults_may_be_left_out():
    signature = Signature({"a": spec("int32"), "x": spec("int32")}, {}, {"a": np.int32(1)})
    for text in (b'{"inputs": {"x": [1]}}', b'{"instances": [{"x": 1}]}'):
        assert list(decode_inputs(parse_predict(text), "s", signature)) == ["x"]


def test_the_last_of_two_equal_keys_counts():
    assert decode(b'{"inputs": {"x": [1], "x": [2]}}', x=spec("int32"))["x"].tolist() == [2]
    assert decode(b'{"inputs": {"x": [1.5], "x": [NaN, 2]}}', x=spec("float32"))["x"][1] == 2


def test_not_finite_numbers():
    x = decode(b'{"instances": [NaN, Infinity, -Infinity, 1]}', x=spec("float32"))["x"]
    np.testing.assert_array_equal(x, np.float32([np.nan, np.inf, -np.inf, 1]))
    y = np.float32([[0.1, np.nan], [-np.inf, np.inf]])
    assert encode_outputs({"y": y}, rows=True) == b'{"predictions":[[0.1,NaN],[-Infinity,Infinity]]}'
    assert encode_outputs({"y": y, "z": y[0]}, rows=True) == (
        b'{"predictions":[{"y":[0.1,NaN],"z":0.1},{"y":[-Infinity,Infinity],"z":NaN}]}'
    )
    assert encode_outputs({"y": np.float64(np.nan)}, rows=False) == b'{"outputs":NaN}'


def test_whole_numbers_are_floats_but_floats_no_whole_numbers():
    for dtype in ("float16", "float32", "float64", ml_dtypes.bfloat16):
        x = decode(b'{"instances": [1, 2.5, -3e0]}', x=spec(dtype))["x"]
        assert x.dtype == dtype and x.astype(float).tolist() == [1, 2.5, -3]
    # A whole number that would be rounded is an error, a float's own rounding is none.
    for dtype, largest in (("float32", 2**24 - 1), ("float64", 2**53 - 1)):
        assert decode(b'{"instances": [%d]}' % largest, x=spec(dtype))["x"].tolist() == [largest]
        assert decode(b'{"instances": [%d.0]}' % (largest + 2), x=spec(dtype))["x"].tolist() == [largest + 1]
        with pytest.raises(ServingError, match=f"Cannot convert JSON value: {largest + 1} to .* without loss"):
            decode(b'{"instances": [1.5, %d]}' % (largest + 1), x=spec(dtype))
    assert decode(b'{"instances": [1e-50]}', x=spec("float32"))["x"].tolist() == [0]


def test_large_whole_numbers_are_exact():
    assert decode(b'{"instances": [9007199254740993]}', x=spec("int64"))["x"].tolist() == [2**53 + 1]
    assert decode(b'{"instances": [1, 18446744073709551615]}', x=spec("uint64"))["x"].tolist() == [1, 2**64 - 1]
    assert decode(b'{"instances": [-9223372036854775808]}', x=spec("int64"))["x"].tolist() == [-(2**63)]


def test_a_byte_order_mark_is_skipped():
    assert decode(b'\xef\xbb\xbf{"inputs": [1]}', x=spec("int32"))["x"].tolist() == [1]


ROW = "Failed to process element: "
KINDS = "INVALID_ARGUMENT: JSON Value: "


@pytest.mark.parametrize(
    ("text", "dtype", "words"),
    [
        (b"", "float32", "JSON Parse error: The document is empty"),
        (b"[NaN", "float32", "JSON Parse error: .* at offset: "),
        (b'{"inputs": [1,]}', "float32", "JSON Parse error: .* at offset: 13"),
        (b'{"inputs": ["\xff", NaN]}', "float32", "JSON Parse error"),
        (b'{"inputs": 1e400}', "float32", "JSON Parse error"),
        (b"[1]", "float32", r"JSON Value: \[1\] Is not object"),
        (b'{"instances": []}', "float32", "No values in 'instances' array"),
        (b'{"instances": {}}', "float32", "Excepting 'instances' to be an list/array"),
        (b'{"instances": [1], "inputs": [1]}', "float32", "only one of 'inputs' or 'instances' keys to exist"),
        (b'{"data": [1]}', "float32", "Missing 'inputs' or 'instances' key. Received: data"),
        (b'{"signature_name": 1, "inputs": [1]}', "float32", "'signature_name' key must be a string value"),
        (b'{"instances": [[1], [1, 2]]}', "float32", ROW + "1 .*Expecting tensor size: 1 but got: 2"),
        (b'{"instances": [[1, 2], [[3, 4]]]}', "float32", r"Expecting shape \[2\] but got: \[1,2\]"),
        (b'{"instances": [[1, [2]]]}', "float32", "Encountered list at unexpected level: 1 expected < 1"),
        (b'{"instances": [[[1], 2]]}', "float32", "found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        (b'{"inputs": [[1], [1, 2]]}', "float32", "unexpected size: 2 at level: 1 expected size: 1"),
        (b'{"inputs": [[1, 2], "ab"]}', "float32", 'Value: "ab" found at incorrect level'),
        (b'{"instances": [["a"], ["a", "b"]]}', "string", "Expecting tensor size: 1 but got: 2"),
        (b'{"instances": ["1.5"]}', "float32", KINDS + '"1.5" Type: String is not of expected type: float'),
        (b'{"instances": [1, null]}', "float64", ROW + "1 .*Type: Null is not of expected type: double"),
        (b'{"instances": [true]}', "float32", "Type: True is not of expected type: float"),
        (b'{"instances": [1, false]}', "int32", "Type: False is not of expected type: int32"),
        (b'{"instances": [1.0]}', "int32", KINDS + r"1.0 Type: Number is not of expected type: int32"),
        (b'{"instances": [NaN]}', "int64", "NaN Type: Number is not of expected type: int64"),
        (b'{"instances": [2147483648]}', "int32", "2147483648 Type: Number is not of expected type: int32"),
        (b'{"instances": [9223372036854775808]}', "int64", "not of expected type: int64"),
        (b'{"instances": [18446744073709551616]}', "uint64", "not of expected type: uint64"),
        (b'{"instances": [128]}', "int8", "not of expected type: int8"),
        (b'{"instances": [-1]}', "uint64", "not of expected type: uint64"),
        (b'{"instances": [1e39]}', "float32", r"Cannot convert JSON value: 1e\+39 to float without loss"),
        (b'{"instances": [70000]}', "float16", "70000 to half without loss"),
        (b'{"instances": [3.4e38]}', ml_dtypes.bfloat16, "to bfloat16 without loss"),
        (b'{"instances": [1]}', "bool", "1 Type: Number is not of expected type: bool"),
        (b'{"instances": [true, 1]}', "bool", ROW + "1 .*not of expected type: bool"),
        (b'{"instances": [1]}', "string", "1 Type: Number is not of expected type: string"),
        (b'{"inputs": ["\\ud800", NaN]}', "string", "half a surrogate pair"),
        (b'{"instances": [{"b64": "*"}]}', "string", "Unable to base64 decode"),
        (b'{"inputs": [{"b64": 1}]}', "string", 'Value: {"b64": 1} not formatted correctly for base64 data'),
        (b'{"inputs": [{"y": 1}]}', "float32", 'Value: {"y": 1} Type: Object is not of expected type: float'),
        (b'{"instances": [1]}', "complex64", ROW + "0.* UNIMPLEMENTED: Conversion of JSON Value: 1 to type: complex64"),
        (b'{"instances": [{"x": 1}, 2]}', "float32", "Expecting object but got list at item 1 of input list"),
        (b'{"instances": [2, {"x": 1}]}', "float32", "Expecting value/list but got object at item 1 of input list"),
        (b'{"instances": [{"xx": 1}]}', "float32", r"does not have named input: xx. Did you mean 'x'\? Received: xx"),
        (b'{"instances": [{"x": 1}, {}]}', "float32", ROW + "1 .*JSON object: {} keys must be equal to: x"),
        (b'{"inputs": {"xx": 1}}', "float32", "Missing named input: x in 'inputs' object. Did you mean 'x'"),
    ],
)
def test_refusals(text, dtype, words):
    with pytest.raises(ServingError, match=words) as caught:
        decode(text, x=spec(dtype))
    assert caught.value.code == "INVALID_ARGUMENT"


def test_what_json_has_no_form_for():
    with pytest.raises(ServingError, match="Conversion of JSON Value: 1 to type: complex64") as caught:
        decode(b'{"inputs": [1]}', x=spec("complex64"))
    assert caught.value.code == "UNIMPLEMENTED"
    with pytest.raises(ServingError, match="Failed to write JSON value for tensor type: complex64") as caught:
        encode_outputs({"y": np.complex64([1])}, rows=False)
    assert caught.value.code == "INVALID_ARGUMENT"


def test_a_refusal_ends_with_a_correct_request():
    with pytest.raises(ServingError) as caught:
        decode(b'{"instances": [["a", "b", "c"]]}', x=spec("float32", (None, 3)))
    sample = caught.value.message.partition("as JSON: ")[2]
    assert "Input 'x' takes float32 [any, 3]" in caught.value.message
    assert decode(sample.encode(), x=spec("float32", (None, 3)))["x"].shape == (1, 3)


def test_several_inputs_must_be_named():
    for text, words in (
        (b'{"inputs": [1]}', "inputs is a plain value/list, but expecting an object"),
        (b'{"instances": [1]}', "instances is a plain list, but expecting list of objects"),
        (b'{"instances": [{"b64": "AA=="}]}', "given by name: a, b"),
    ):
        with pytest.raises(ServingError, match=words):
            decode(text, a=spec("float32"), b=spec("float32"))
    with pytest.raises(ServingError, match="key: b of 'instances' list"):
        decode(b'{"instances": [{"a": 1, "b": "x"}]}', a=spec("float32"), b=spec("float32"))


HUGE = {
    "byte order marks": b"\xef\xbb\xbf" * 1_000_000,
    "brackets": b'{"instances": ' + b"[" * 100_000,
    "closed brackets": b'{"instances": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "brackets and NaN": b'{"instances": ' + b"[" * 100_000 + b"NaN",
    "deep as may be": b'{"inputs": ' + b"[" * 1000 + b"1" + b"]" * 1000 + b"}",
    "deep, NaN": b'{"inputs": ' + b"[" * 900 + b"NaN" + b"]" * 900 + b"}",
    "objects": b'{"instances": [' + b'{"a":' * 100_000,
    "a million keys": b"{%b}" % b",".join(b'"%d":0' % i for i in range(1_000_000)),
    "a million inputs": b'{"inputs": {%b}}' % b",".join(b'"%d":0' % i for i in range(1_000_000)),
    "a million digits": b'{"inputs": %b}' % (b"1" * 1_000_000),
    "a million digits, NaN": b'{"inputs": [NaN, %b]}' % (b"1" * 1_000_000),
    "many long numbers, NaN": b'{"inputs": [NaN%b, ""]}' % ((b"," + b"1" * 4000) * 1000),
    "a long key": b'{"%b": 1}' % (b"k" * 5_000_000),
    "a long name": b'{"inputs": {"%b": 1}}' % (b"k" * 5_000_000),
    "long text among short": b'{"inputs": [%b, "%b"]}' % (b",".join([b'"a"'] * 100_000), b"b" * 5_000_000),
    "wrong at the end": b'{"instances": [%b, "a"]}' % b",".join([b"1"] * 1_000_000),
    "ragged at the end": b'{"instances": [%b, [1, 2]]}' % b",".join([b"[1]"] * 200_000),
    "a million NaNs": b'{"instances": [%b, "a"]}' % b",".join([b"NaN"] * 1_000_000),
}


@pytest.fixture
def without_others_objects():
    """Keeps Python's garbage collector from looking through all that other tests of this process have left behind."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("name", HUGE)
def test_what_is_huge_is_refused_cheaply(name, without_others_objects):
    text = HUGE[name]
    start = time.thread_time()  # others run servers in this process
    with pytest.raises(ServingError) as caught:
        decode(text, x=spec("float32", (None, 3)))
    assert time.thread_time() - start < 5
    assert caught.value.code == "INVALID_ARGUMENT" and len(caught.value.message.encode()) <= MAX_MESSAGE


def test_a_long_text_takes_no_more_memory_than_itself():
    # numpy's own reading of such a list gives every element the room of the longest: 2 TB here.
    text = HUGE["long text among short"]
    tracemalloc.start()
    with pytest.raises(ServingError, match="Type: String"):
        decode(text, x=spec("float32"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * len(text)


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
    assert encode_outputs({"y": np.zeros((0, 3)), "z": np.zeros(0)}, rows=True) == b'{"predictions":[]}'
    # Whole floats keep their point, or a client would take them for integers.
    assert encode_outputs({"y": np.float32([1, -0.0, 9e6])}, rows=True) == b'{"predictions":[1.0,-0.0,9000000.0]}'
    assert encode_outputs({"y": np.array([1.5], ml_dtypes.bfloat16)}, rows=True) == b'{"predictions":[1.5]}'


def test_rows_need_one_first_dimension():
    for outputs, words in (
        ({"y": np.float32(0.5)}, "Tensor name: y has no shape information"),
        ({"y": np.zeros(2), "z": np.zeros(3)}, "Tensor name: z has inconsistent batch size: 3 expecting: 2"),
        ({}, "Cannot convert empty tensor map to JSON"),
    ):
        with pytest.raises(ServingError, match=words):
            encode_outputs(outputs, rows=True)


NUMBERS = st.sampled_from(["float16", "float32", "float64", "int8", "uint8", "int32", "int64", "uint64", "bool"])


@given(NUMBERS.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=1))))
@settings(max_examples=150, deadline=None)
def test_every_number_survives(array):
    name, one = "x", spec(array.dtype, (None,) * array.ndim)
    request = parse_predict(encode_request("s", {name: array}))
    answer = json.loads(encode_outputs({name: array}, rows=False))["outputs"]
    assert request.signature_name == "s"
    np.testing.assert_array_equal(decode_inputs(request, "s", Signature({name: one}, {}, {}))[name], array)
    np.testing.assert_array_equal(decode_array(answer, one, name), array)


@given(NUMBERS.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, min_side=1))))
@settings(max_examples=100, deadline=None)
def test_rows_hold_what_columns_hold(array):
    rows = json.loads(encode_outputs({"a": array, "b": array}, rows=True))["predictions"]
    column = json.loads(encode_outputs({"a": array}, rows=False))["outputs"]
    np.testing.assert_equal([row["b"] for row in rows], column)


@given(st.lists(st.tuples(st.text(), st.binary()), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_strings_survive(pairs):
    columns = {"text": [text for text, _ in pairs], "raw_bytes": [raw for _, raw in pairs]}
    arrays = {name: np.array([v.encode() if name == "text" else v for v in values] + [None], object)[:-1]
              for name, values in columns.items()}  # fmt: skip
    rows = json.loads(encode_outputs(arrays, rows=True))["predictions"]
    signature = Signature({"text": spec("string"), "raw_bytes": spec("string")}, {}, {})
    decoded = decode_inputs(PredictBody("", True, rows), "s", signature)
    for name, array in arrays.items():
        assert decoded[name].tolist() == array.tolist()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "b64", "y"]), inner, max_size=2),
)


@given(st.dictionaries(st.sampled_from(["instances", "inputs", "signature_name"]), JSON), NUMBERS | st.just("string"))
@settings(max_examples=300, deadline=None)
def test_anything_is_read_or_refused(body, dtype):
    try:
        x = decode(json.dumps(body).encode(), x=spec(dtype))["x"]
    except ServingError as error:
        assert error.code == "INVALID_ARGUMENT" and orjson.dumps(error.message)
    else:
        assert x.dtype == (object if dtype == "string" else dtype)
