"""Classify, Regress and MultiInference: examples read by TensorFlow's own parser, and TensorFlow Serving's checks."""

import json
import time

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import message_factory

from serving.codecs import encode_classifications, encode_regressions, parse_examples
from serving.errors import ServingError
from serving.examples import (
    CLASSIFY_METHOD,
    REGRESS_METHOD,
    Task,
    classification_result,
    examples_array,
    plan,
    regression_result,
)
from serving.multi_inference import assemble_multi_inference, multi_inference_spec, plan_multi_inference
from serving.protocol import POOL, Input
from serving.signatures import Signature, TensorSpec

LABELS = np.array([[b"a", b"b"], [b"c", b"\xff"]], object)
SCORES = np.float32([[0.1, 0.9], [1, 0]])


def signature(inputs=("inputs",), outputs=("classes", "scores"), method=""):
    spec = TensorSpec(np.dtype(object), (None,), "")
    return Signature(dict.fromkeys(inputs, spec), dict.fromkeys(outputs, spec), {}, method)


def read(text, **features):
    """Read a REST body the way a model would."""
    return tf.io.parse_example(examples_array(parse_examples(text)[1]), features)


def dense(dtype, *shape):
    return tf.io.FixedLenFeature(shape, dtype)


def test_the_documented_request():
    text = b"""{"signature_name": "classify_objects", "examples": [
        {"image": {"b64": "aW1hZ2UgYnl0ZXM="}, "caption": "seaside"},
        {"image": {"b64": "YXdlc29tZSBpbWFnZSBieXRlcw=="}, "caption": "mountains"}]}"""
    assert parse_examples(text)[0] == "classify_objects"
    features = read(text, image=dense(tf.string), caption=dense(tf.string))
    assert features["image"].numpy().tolist() == [b"image bytes", b"awesome image bytes"]
    assert features["caption"].numpy().tolist() == [b"seaside", b"mountains"]


def test_numbers_are_of_the_kind_they_are_written_in():
    text = b'{"examples": [{"i": [1, -9223372036854775808, true], "f": [1.0, 2e3], "n": [NaN, -Infinity, 1e-50]}]}'
    features = read(text, i=dense(tf.int64, 3), f=dense(tf.float32, 2), n=dense(tf.float32, 3))
    assert features["i"].numpy().tolist() == [[1, -(2**63), 1]]
    assert features["f"].numpy().tolist() == [[1.0, 2000.0]]
    np.testing.assert_array_equal(features["n"].numpy(), np.float32([[np.nan, -np.inf, 0]]))


def test_context_is_in_every_example_and_the_examples_own_wins():
    text = b'{"context": {"c": 1, "both": "context"}, "examples": [{"x": 2.0}, {"x": 3.0, "both": "own"}]}'
    features = read(text, c=dense(tf.int64), x=dense(tf.float32), both=dense(tf.string))
    assert features["c"].numpy().tolist() == [1, 1]
    assert features["x"].numpy().tolist() == [2, 3]
    assert features["both"].numpy().tolist() == [b"context", b"own"]


def test_an_empty_list_is_a_feature_of_no_kind():
    message = parse_examples(b'{"examples": [{"x": []}]}')[1]
    assert message.example_list.examples[0].features.feature["x"].WhichOneof("kind") is None
    assert "x" in message.example_list.examples[0].features.feature


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{", "JSON Parse error"),
        (b'{"signature_name": 1, "examples": [{}]}', "'signature_name' key must be a string value"),
        (b"{}", "JSON Value: {} When method is classify, key 'examples' is expected and was not found"),
        (b'{"examples": {}}', "Expecting 'examples' value to be an list/array"),
        (b'{"examples": []}', "'examples' value is an empty array"),
        (b'{"examples": [1]}', "Example must be JSON object but got JSON Number"),
        (b'{"examples": [{}], "context": [1]}', "Example must be JSON object but got JSON Array"),
        (b'{"examples": [{"x": [1, 2.0]}]}', "Unexpected element type in feature: x expecting type: int64"),
        (b'{"examples": [{"x": [1.0, "a"]}]}', "Unexpected element type in feature: x expecting type: float"),
        (b'{"examples": [{"x": ["a", true]}]}', "Unexpected element type in feature: x expecting type: bytes"),
        (b'{"examples": [{"x": null}]}', "Feature: x has element with unexpected JSON type: Null"),
        (b'{"examples": [{"x": [1, null]}]}', "Feature: x has element with unexpected JSON type: Null"),
        (b'{"examples": [{"x": [[1]]}]}', "Feature: x has element with unexpected JSON type: Array"),
        (b'{"examples": [{"x": ["a", {"b": 1}]}]}', "Feature: x has element with unexpected JSON type: Object"),
        (b'{"examples": [{"x": {"b64": "*"}}]}', "Unable to base64 decode"),
        (b'{"examples": [{"x": 9223372036854775808}]}', "Feature: x has uint64 element. Only int64 is supported."),
        (b'{"examples": [{"x": [1.0, 1e39]}]}', r"Cannot convert JSON value: 1e\+39 to float without loss of prec"),
        (b'{"examples": [{"x": "\\ud800", "y": NaN}]}', "half a surrogate pair"),
        (b'{"examples": [{"\\ud800": NaN}]}', "half a surrogate pair"),
    ],
)
def test_wrong_bodies(text, words):
    with pytest.raises(ServingError, match=words) as caught:
        parse_examples(text)
    assert caught.value.code == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    "text",
    [
        b'{"examples": ' + b"[" * 100_000,
        b'{"examples": [{"x": ' + b"[" * 1000 + b"]" * 1000 + b"}]}",
        b'{"examples": [{"x": [%b, "a"]}]}' % b",".join([b"1"] * 500_000),
        b'{"%b": 1}' % (b"k" * 1_000_000),
        b'{"examples": [{"%b": null}]}' % (b"k" * 1_000_000),
    ],
)
def test_what_is_huge_is_refused_cheaply(text):
    start = time.process_time()
    with pytest.raises(ServingError):
        parse_examples(text)
    assert time.process_time() - start < 1


def test_no_examples():
    with_context = Input()
    with_context.example_list_with_context.context.features.feature["x"].int64_list.value.append(1)
    for message in (Input(), with_context):
        with pytest.raises(ServingError, match=r"^Input is empty\.$"):
            examples_array(message)


def test_plan():
    assert plan(signature(), "s", CLASSIFY_METHOD) == Task("s", CLASSIFY_METHOD, ("classes", "scores"))
    assert plan(signature(outputs=["scores"]), "s", CLASSIFY_METHOD).output_names == ("scores",)
    assert plan(signature(outputs=["outputs"]), "s", REGRESS_METHOD).output_names == ("outputs",)
    checked = signature(method=CLASSIFY_METHOD)
    assert plan(checked, "s", CLASSIFY_METHOD, check_method_name=True).signature_name == "s"


@pytest.mark.parametrize(
    ("one", "method", "check", "code", "words"),
    [
        (
            signature(method="tensorflow/serving/predict"),
            CLASSIFY_METHOD,
            True,
            "INVALID_ARGUMENT",
            "^Expected classification signature method_name to be tensorflow/serving/classify. "
            "Was: tensorflow/serving/predict$",
        ),
        (
            signature(outputs=["outputs"], method=CLASSIFY_METHOD),
            REGRESS_METHOD,
            True,
            "INVALID_ARGUMENT",
            "^Expected regression signature method_name to be tensorflow/serving/regress. Was: tensorflow/serving/cla",
        ),
        (signature(), "m", False, "UNIMPLEMENTED", "^Unsupported signature method_name: m$"),
        (signature(inputs=["inputs", "x"]), CLASSIFY_METHOD, False, "INVALID_ARGUMENT", "^Expected one input Tensor."),
        (signature(outputs=["a", "b", "c"]), CLASSIFY_METHOD, False, "INVALID_ARGUMENT", "two output Tensors, found 3"),
        (signature(), REGRESS_METHOD, False, "INVALID_ARGUMENT", "^Expected one output Tensor."),
        (
            signature(inputs=["x"]),
            CLASSIFY_METHOD,
            False,
            "INVALID_ARGUMENT",
            "^No classification inputs found in SignatureDef: .* inputs x and the outputs classes, scores",
        ),
        (
            signature(outputs=["y"]),
            CLASSIFY_METHOD,
            False,
            "INVALID_ARGUMENT",
            '^Expected classification signature outputs to contain at least one of "classes" or "scores".',
        ),
        (
            signature(outputs=["y"]),
            REGRESS_METHOD,
            False,
            "INVALID_ARGUMENT",
            "^No regression outputs found in SignatureDef:",
        ),
    ],
)
def test_wrong_signatures(one, method, check, code, words):
    with pytest.raises(ServingError, match=words) as caught:
        plan(one, "s", method, check)
    assert caught.value.code == code


def pairs(result):
    return [[(c.label, round(c.score, 5)) for c in row.classes] for row in result.classifications]


def test_classifications():
    both = classification_result({"classes": LABELS, "scores": SCORES}, 2)
    assert pairs(both) == [[("a", 0.1), ("b", 0.9)], [("c", 1), ("\ufffd", 0)]]
    assert pairs(classification_result({"classes": LABELS[:1]}, 1)) == [[("a", 0), ("b", 0)]]
    assert pairs(classification_result({"scores": SCORES[:1]}, 1)) == [[("", 0.1), ("", 0.9)]]


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ({"classes": LABELS[0]}, r"^Expected Tensor shape: \[batch_size num_classes\] but got \[2\]$"),
        ({"scores": SCORES[None]}, r"but got \[1,2,2\]$"),
        ({"classes": SCORES}, r"^Expected classes Tensor of DT_STRING. Got: DT_FLOAT$"),
        ({"scores": SCORES.astype(np.float64)}, r"^Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE$"),
        ({"scores": SCORES.astype(np.int64)}, r"Got: DT_INT64$"),
        ({"classes": LABELS[:1]}, r"^Expected classes output batch size of 2. Got: 1$"),
        ({"scores": SCORES[:1]}, r"^Expected scores output batch size of 2. Got: 1$"),
        (
            {"classes": LABELS, "scores": SCORES[:, :1]},
            r"^Tensors class and score should match in dim_size\(1\). Got 2 vs. 1$",
        ),
    ],
)
def test_what_is_no_classification(outputs, words):
    with pytest.raises(ServingError, match=words) as caught:
        classification_result(outputs, 2)
    assert caught.value.code == "INVALID_ARGUMENT"


def test_regressions():
    for array in (SCORES[:, 0], SCORES[:, :1]):
        values = [one.value for one in regression_result({"outputs": array}, 2).regressions]
        assert values == pytest.approx([0.1, 1])


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (SCORES, r"^Expected output Tensor shape to be either \[batch_size\] or \[batch_size, 1\] but got \[2,2\]$"),
        (np.float32(1), r"but got \[\]$"),
        (SCORES[:1, 0], "^Input batch size did not match output batch size: 2 vs. 1$"),
        (np.zeros(2), "^Expected output Tensor of DT_FLOAT.  Got: DT_DOUBLE$"),
    ],
)
def test_what_is_no_regression(array, words):
    with pytest.raises(ServingError, match=words) as caught:
        regression_result({"outputs": array}, 2)
    assert caught.value.code == "INVALID_ARGUMENT"


def test_answers_as_json():
    text = encode_classifications(classification_result({"classes": LABELS, "scores": SCORES}, 2))
    expected = [[["a", 0.1], ["b", 0.9]], [["c", 1.0], ["\ufffd", 0.0]]]
    assert json.loads(text)["results"] == json.loads(text)["result"] == expected
    assert b'["c",1.0]' in text
    text = encode_regressions(regression_result({"outputs": np.float32([3.5, np.nan, -np.inf])}, 3))
    assert text == b'{"results":[3.5,NaN,-Infinity],"result":[3.5,NaN,-Infinity]}'
    no_classes = classification_result({"scores": np.zeros((2, 0), np.float32)}, 2)
    assert json.loads(encode_classifications(no_classes))["results"] == [[], []]


def multi_inference(*tasks):
    name = POOL.FindMessageTypeByName("tensorflow.serving.MultiInferenceRequest")
    request = message_factory.GetMessageClass(name)()
    for model, signature_name, method, version in tasks:
        task = request.tasks.add(method_name=method)
        task.model_spec.name, task.model_spec.signature_name = model, signature_name
        if isinstance(version, int):
            task.model_spec.version.value = version
        elif version:
            task.model_spec.version_label = version
    return request


SIGNATURES = {
    "serving_default": signature(),
    "r": signature(outputs=["outputs"]),
    "c": signature(outputs=["classes"], method=CLASSIFY_METHOD),
}


def test_multi_inference():
    request = multi_inference(("m", "r", REGRESS_METHOD, 3), ("m", "", CLASSIFY_METHOD, None))
    assert multi_inference_spec(request).version.value == 3
    tasks = plan_multi_inference(request, SIGNATURES.__getitem__)
    assert tasks == [
        Task("r", REGRESS_METHOD, ("outputs",)),
        Task("serving_default", CLASSIFY_METHOD, ("classes", "scores")),
    ]
    outputs = [{"outputs": SCORES[:, 0]}, {"classes": LABELS, "scores": SCORES}]
    first, second = assemble_multi_inference(tasks, outputs, 2, "m", 3).results
    assert (first.model_spec.name, first.model_spec.version.value, first.model_spec.signature_name) == ("m", 3, "r")
    assert [one.value for one in first.regression_result.regressions] == pytest.approx([0.1, 1])
    assert second.model_spec.signature_name == "serving_default"
    assert second.WhichOneof("result") == "classification_result"
    assert pairs(second.classification_result)[1][0] == ("c", 1)


@pytest.mark.parametrize(
    ("tasks", "check", "code", "words"),
    [
        ([], False, "INVALID_ARGUMENT", "at least one task"),
        ([("", "r", REGRESS_METHOD, None)], False, "INVALID_ARGUMENT", "^Found ModelSpec with an empty model name.$"),
        (
            [("m", "r", REGRESS_METHOD, None), ("n", "c", CLASSIFY_METHOD, None)],
            False,
            "INVALID_ARGUMENT",
            "^All ModelSpecs in a MultiInferenceRequest must access the same model name.",
        ),
        (
            [("m", "r", REGRESS_METHOD, 1), ("m", "c", CLASSIFY_METHOD, 2)],
            False,
            "INVALID_ARGUMENT",
            "the same model version",
        ),
        (
            [("m", "r", REGRESS_METHOD, "stable"), ("m", "c", CLASSIFY_METHOD, "canary")],
            False,
            "INVALID_ARGUMENT",
            "the same model version",
        ),
        (
            [("m", "", CLASSIFY_METHOD, None), ("m", "serving_default", CLASSIFY_METHOD, None)],
            False,
            "INVALID_ARGUMENT",
            "^Duplicate evaluation of signature: serving_default$",
        ),
        ([("m", "r", "other", None)], False, "UNIMPLEMENTED", "^Unsupported signature method_name: other$"),
        ([("m", "r", REGRESS_METHOD, None)], True, "INVALID_ARGUMENT", "method_name to be tensorflow/serving/regress"),
    ],
)
def test_multi_inference_refusals(tasks, check, code, words):
    with pytest.raises(ServingError, match=words) as caught:
        plan_multi_inference(multi_inference(*tasks), SIGNATURES.__getitem__, check)
    assert caught.value.code == code
