"""A signature's sample request is one that the signature takes, and short."""

import numpy as np
import pytest

from serving.codecs import decode_inputs, parse_predict
from serving.samples import correct_request, sample_arrays, sample_body
from serving.signatures import Signature, TensorSpec


def signature(**inputs):
    return Signature(
        {
            name: TensorSpec(np.dtype(object if dtype == "string" else dtype), shape, "")
            for name, (dtype, shape) in inputs.items()
        },
        {},
        {},
    )


@pytest.mark.parametrize(
    ("inputs", "body", "arrays"),
    [
        (
            {"x": ("float32", (None, 3))},
            '{"signature_name": "s", "instances": [[0.0, 0.0, 0.0]]}',
            "x: float32 [1, 3]",
        ),
        ({"x": ("int64", (2,))}, '{"signature_name": "s", "inputs": [0, 0]}', "x: int64 [2]"),
        ({"x": ("bool", ())}, '{"signature_name": "s", "inputs": true}', "x: bool []"),
        ({"x": ("uint8", None)}, '{"signature_name": "s", "inputs": 0}', "x: uint8 of any shape"),
        (
            {"image_bytes": ("string", (None,))},
            '{"signature_name": "s", "instances": [{"b64": "AAEC"}]}',
            "image_bytes: string [1]",
        ),
        (
            {"a": ("string", (None,)), "b": ("float16", (None, None, 2))},
            '{"signature_name": "s", "instances": [{"a": "text", "b": [[0.0, 0.0]]}]}',
            "a: string [1], b: float16 [1, 1, 2]",
        ),
        (
            {"a": ("string", (None,)), "b": ("float32", ())},
            '{"signature_name": "s", "inputs": {"a": ["text"], "b": 0.0}}',
            "a: string [1], b: float32 []",
        ),
    ],
)
def test_the_sample_is_accepted(inputs, body, arrays):
    one = signature(**inputs)
    assert sample_body("s", one) == body
    assert sample_arrays(one) == arrays
    assert correct_request("s", one) == f"A correct request: {arrays}; as JSON: {body}"
    one.check_inputs(decode_inputs(parse_predict(body.encode()), "s", one), "s")


def test_large_shapes_are_cut():
    image = signature(image=("float32", (None, 32, 32, 3)))
    assert sample_body("s", image) == '{"signature_name": "s", "instances": [[[[0.0, 0.0, 0.0], ...], ...]]}'
    assert sample_arrays(image) == "image: float32 [1, 32, 32, 3]"
    assert sample_body("s", signature(x=("float32", (None, 784)))) == (
        '{"signature_name": "s", "instances": [[0.0, ...]]}'
    )


@pytest.mark.parametrize(
    "one",
    [
        signature(**{f"input_{i}": ("float32", (None, 100)) for i in range(1000)}),
        signature(**{"n" * 10_000: ("string", (None,)), "m" * 10_000: ("string", ())}),
        signature(x=("float32", (None, *[2**40] * 200))),
        signature(),
    ],
)
def test_samples_are_short(one):
    assert len(sample_body("s" * 10_000, one)) <= 303 and len(sample_arrays(one)) <= 303
