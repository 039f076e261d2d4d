"""Errors: codes on both transports, and TensorFlow's text made readable."""

import urllib.parse

import pytest
import tensorflow as tf

from serving.errors import GRPC_CODES, HTTP_STATUS, MAX_MESSAGE, ServingError, from_exception, listed, readable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Unknown image file format.\n\t [[{{function_node body_20}}{{node DecodePng}}]]",
            "Unknown image file format.",
        ),
        ("{{function_node __f_1}} {{function_node __f_1}} Input to reshape\n\t [[{{node R}}]]", "Input to reshape"),
        (
            "assertion failed: [x must be in [0, 5).] [Condition x < y did not hold element-wise:] [x (x:0) = ] [[9]]",
            "x must be in [0, 5).",
        ),
        (
            "2 root error(s) found.\n  (0) INVALID_ARGUMENT: bad shape\n\t [[{{node a}}]]\n\t [[b]]\n"
            "  (1) INVALID_ARGUMENT: bad shape\n\t [[{{node a}}]]\n0 successful operations.",
            "bad shape",
        ),
        ("Graph execution error:\n\nDetected at node 'x'", "Graph execution error:"),
    ],
)
def test_readable(text, expected):
    assert readable(text) == expected


def test_codes():
    import grpc

    assert {code.name: code.value[0] for code in grpc.StatusCode} == GRPC_CODES
    assert HTTP_STATUS.keys() <= GRPC_CODES.keys()
    assert [ServingError(code, "").http_status for code in ("INVALID_ARGUMENT", "NOT_FOUND", "DATA_LOSS")] == [
        400,
        404,
        500,
    ]


def test_from_exception():
    failure = from_exception(tf.errors.OutOfRangeError(None, None, "no more\n\t [[x]]"))
    assert (failure.code, failure.message) == ("OUT_OF_RANGE", "no more")
    assert from_exception(ValueError("odd")).message == "ValueError: odd"
    assert from_exception(ValueError("odd")).code == "INTERNAL"


@pytest.mark.parametrize("text", ["a", "%", "é", "\U0001f600", "\ud800", "\n"])
def test_messages_fit_into_a_header(text):
    message = ServingError("INTERNAL", text * 10_000).message
    assert len(message.encode()) <= MAX_MESSAGE
    # gRPC percent-encodes it; a client takes 8 KiB of headers.
    assert len(urllib.parse.quote(message)) < 6000
    assert len(message) > 300


def test_listed():
    assert listed([]) == ""
    assert listed({"a": 1, "b": 2}) == "a, b"
    many = listed([f"name{i}" for i in range(1_000_000)])
    assert many.startswith("name0, name1, ") and many.endswith(", ... (1000000 in all)") and len(many) < 300
    assert len(listed(["k" * 10_000] * 2)) < 300
