"""Requests of numbers alone, which are read without Python objects: whatever is in them, the answer is the same."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving import json_inputs
from serving.codecs import decode_inputs, parse_predict
from serving.errors import ServingError
from serving.json_numbers import MIN_BYTES, Numbers, find_numbers
from serving.signatures import Signature, TensorSpec

PADDING = b" " * MIN_BYTES
DTYPES = ("float16", "float32", "float64", "int8", "int32", "int64", "uint8", "uint64", "bool", "object")
ARRAY = "[[1, 2.5], [-3e2, 4]]"


def signature(dtype, *names):
    return Signature({name: TensorSpec(np.dtype(dtype), None, "") for name in names or ("x",)}, {}, {})


def outcome(text, made):
    """What a request gives: its arrays, or the error's code and words."""
    try:
        body = parse_predict(text)
        inputs = decode_inputs(body, "s", made)
    except ServingError as error:
        return error.code, error.message
    return body.signature_name, body.rows, {name: (x.dtype, x.shape, repr(x.tolist())) for name, x in inputs.items()}


def outcomes(text, made):
    """The same with the quick way and without."""
    quick = outcome(text, made)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_inputs, "find_numbers", lambda text: None)
        return quick, outcome(text, made)


@pytest.mark.parametrize(
    "body",
    [
        '{"instances": ARRAY}',
        '{"inputs": ARRAY}',
        '{"inputs": {"x": ARRAY}}',
        '{"signature_name": "s", "instances": ARRAY}',
        '{"inputs": {"x": ARRAY}, "signature_name": "s"}',
        '{"instances": ARRAY, "signature_name": "s"}',
    ],
)
def test_the_quick_way_is_taken(body):
    text = body.replace("ARRAY", ARRAY).encode() + PADDING
    assert isinstance(find_numbers(text), Numbers)
    quick, slow = outcomes(text, signature("float32"))
    assert quick == slow
    assert quick[2] == {"x": (np.float32, (2, 2), "[[1.0, 2.5], [-300.0, 4.0]]")}


@pytest.mark.parametrize(
    "body",
    [
        '{"instances": [[1, 2], [3]]}',
        # As many values as three lists of two would have.
        '{"instances": [[1, 2], [3, 4, 5], [6]]}',
        '{"signature_name": "[[,],[,],[,]]", "instances": [[1, 2], [3, 4, 5], [6]]}',
        '{"instances": [[1], []]}',
        '{"instances": [[[1], []], [[2], [3]]]}',
        '{"instances": [[1], 2]}',
        '{"instances": [[1, 2]]}',
        '{"instances": [[1, 2], 3]}',
        '{"instances": [[1, [2]]]}',
        '{"instances": [[1, 2]], "signature_name": "s"}',
        '{"instances": [[1, true]]}',
        '{"instances": [[1, {}]]}',
        '{"instances": [[]]}',
        '{"instances": 1}',
        '{"instances": [1, [2]]}',
        '{"instances": [1, true]}',
        '{"instances": [1, null]}',
        '{"instances": [1, NaN]}',
        '{"instances": [1, "2"]}',
        '{"instances": []}',
        '{"instances": [[], []]}',
        '{"instances": [1], "instances": [2]}',
        '{"instancs": [1]}',
        '{"einstances": [1]}',
        '{"instances": [1], "inputs": [2]}',
        '{"instances": [1], "more": 2}',
        '{"inputs": {"x": [1], "x": [2]}}',
        '{"inputs": {"y": [1]}}',
        '{"inputs": [{"x": [1]}]}',
        '{"signature_name": 1, "instances": [1]}',
        '{"signature_name": "a", "signature_name": "b", "instances": [1]}',
        "[1, 2, 3]",
        '{"instances": [1, 2}',
        '{"instances": [1,, 2]}',
        '{"instances": [01]}',
        '{"instances": [1e400]}',
        '{"instances": [16777216, 1]}',
        '{"instances": [16777216.0, 1]}',
        '{"instances": [65519, 65520, -7e4]}',
        '{"instances": [60000.5, -60000.5]}',
        '{"instances": [1e300, -1e300]}',
        '{"instances": [1e38, 2e38, 3.5e38]}',
        '{"instances": [127, 128, -129]}',
        '{"instances": [9223372036854775808]}',
        '{"instances": [18446744073709551616]}',
        '{"instances": [-0.0, 1E2, 1.0]}',
        '\ufeff{"instances": [1]}',
    ],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_unusual_gives_what_it_gave(body, dtype):
    quick, slow = outcomes(body.encode() + PADDING, signature(dtype))
    assert quick == slow


def test_an_input_must_be_named_where_there_are_several():
    made = signature("float32", "x", "y")
    for body in (b'{"inputs": [1]}', b'{"inputs": {"x": [1]}}'):
        quick, slow = outcomes(body + PADDING, made)
        assert quick == slow and quick[0] == "INVALID_ARGUMENT"
    made.defaults["y"] = np.float32(0)
    quick, slow = outcomes(b'{"inputs": {"x": [1]}}' + PADDING, made)
    assert quick == slow and list(quick[2]) == ["x"]


def test_many_rows_of_none_behind_a_long_one_are_refused_cheaply():
    # Lists of that shape would have 10^10 values.
    text = json.dumps({"instances": [[1] * 100_000, *[[]] * 100_000]}).encode()
    assert find_numbers(text) is None


def test_large_texts_and_small_ones_take_turns():
    for count in (10**5, 10, 10**5, 10):
        text = json.dumps({"instances": list(range(count))}).encode() + PADDING
        assert outcome(text, signature("int64"))[2]["x"][2] == repr(list(range(count)))


NUMBERS = st.one_of(st.integers(-(2**65), 2**65), st.floats(allow_nan=False), st.sampled_from([0, 1, -1, 0.5, 2**24]))
LEAVES = st.one_of(NUMBERS, NUMBERS, st.booleans(), st.none(), st.text("[],1e", max_size=3))
RECTANGLES = st.integers(1, 3).flatmap(lambda n: st.lists(st.lists(NUMBERS, min_size=n, max_size=n), min_size=1))
VALUES = st.one_of(RECTANGLES, st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3), max_leaves=8))


@settings(deadline=None)
@given(VALUES, st.sampled_from(["instances", "inputs"]), st.sampled_from(DTYPES), st.booleans())
def test_anything_gives_what_it_gave(values, key, dtype, named):
    body = {key: {"x": values} if named and key == "inputs" else values}
    quick, slow = outcomes(json.dumps(body).encode() + PADDING, signature(dtype))
    assert quick == slow


def test_a_signature_without_inputs_says_so():
    made = Signature({}, {}, {})
    for body in (b'{"instances": [1]}', b'{"inputs": [1]}', b'{"inputs": {"x": [1]}}'):
        quick, slow = outcomes(body + PADDING, made)
        assert quick == slow
