"""What a signature takes, and how it words what it refuses."""

import numpy as np
import pytest

from serving.errors import MAX_MESSAGE, ServingError
from serving.protocol import SignatureDefMap
from serving.signatures import Signature, TensorSpec

X = np.zeros((2, 3), np.float32)


def spec(dtype, *shape):
    return TensorSpec(np.dtype(dtype), shape, "")


AFFINE = Signature({"x": spec("float32", None, 3)}, {"y": spec("float32", None), "z": spec("float32", None)}, {})


def signature_def():
    one = SignatureDefMap().signature_def["s"]
    one.method_name = "tensorflow/serving/predict"
    one.inputs["x"].dtype = 1
    one.inputs["x"].name = "x:0"
    one.inputs["x"].tensor_shape.dim.add().size = -1
    one.inputs["a"].dtype = 7
    one.inputs["a"].tensor_shape.unknown_rank = True
    one.outputs["y"].dtype = 9
    one.defaults["a"].dtype = 7
    one.defaults["a"].string_val.append(b"default")
    return one


def test_from_proto():
    signature = Signature.from_proto(signature_def())
    assert list(signature.inputs) == ["a", "x"]
    assert signature.inputs["x"] == TensorSpec(np.dtype(np.float32), (None,), "x:0")
    assert signature.inputs["a"].shape is None and signature.outputs["y"].shape == ()
    assert signature.method_name == "tensorflow/serving/predict"
    complete = signature.check_inputs({"x": X[0]}, "s")
    assert complete["a"].item() == b"default" and complete["x"] is not None
    with pytest.raises(ServingError, match=r"0!=2 .* Missing but required: {x}\..* Received: none"):
        signature.check_inputs({}, "s")


def test_inputs_that_fit_come_back():
    assert AFFINE.check_inputs({"x": X}, "s")["x"] is X


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, r"^input size does not match signature: 0!=1 len\({}\) != len\({x}\). Sent extra: {}. Missing but requir"),
        ({}, r"takes the inputs x \(float32 \[any, 3\]\). Received: none"),
        ({"x": X, "q": X}, r"2!=1 len\({q,? ?x}\) != len\({x}\). Sent extra: {q}. Missing but required: {}"),
        ({"xx": X}, r"^input tensor alias not found in signature: xx. Did you mean 'x'\?"),
        ({"x": X[:, :2]}, r"takes float32 \[any, 3\]. Received: float32 \[2, 2\]"),
        ({"x": X[0]}, r"Received: float32 \[3\]"),
        ({"x": X.astype(np.float64)}, r"Received: float64 \[2, 3\]"),
        ({"x": X.astype(object)}, r"Received: string \[2, 3\]"),
        ({}, r'A correct request: x: float32 \[1, 3\]; as JSON: {"signature_name": "s", "instances": \[\[0.0, 0.0, 0'),
    ],
)
def test_wrong_inputs(inputs, words):
    with pytest.raises(ServingError, match=words) as caught:
        AFFINE.check_inputs(inputs, "s")
    assert caught.value.code == "INVALID_ARGUMENT"


def test_outputs():
    assert AFFINE.select_outputs((), "s") == ("y", "z")
    assert AFFINE.select_outputs(("z", "y"), "s") == ("y", "z")
    assert AFFINE.select_outputs(["z"], "s") == ("z",)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["q"], r"^output tensor alias not found in signature: q Outputs expected to be in the set {y, ?z}\."),
        (["yy"], "Did you mean 'y'"),
        (["y", "z", "y"], "^duplicate output tensor alias: y$"),
    ],
)
def test_wrong_outputs(names, words):
    with pytest.raises(ServingError, match=words) as caught:
        AFFINE.select_outputs(names, "s")
    assert caught.value.code == "INVALID_ARGUMENT"


def test_messages_end_with_the_sample_however_much_was_sent():
    for inputs in ({"k" * 100_000: X}, {f"k{i}": X for i in range(100_000)}):
        with pytest.raises(ServingError) as caught:
            AFFINE.check_inputs(inputs, "s")
        assert caught.value.message.endswith('"instances": [[0.0, 0.0, 0.0]]}')
        assert len(caught.value.message) <= MAX_MESSAGE
    with pytest.raises(ServingError) as caught:
        AFFINE.select_outputs(["k" * 100_000] * 100_000, "s")
    assert len(caught.value.message) < MAX_MESSAGE


def test_what_is_fed_inside_the_graph_takes_any_shape_but_is_told_apart():
    inside = AFFINE._replace(inputs={"x": AFFINE.inputs["x"]._replace(fed_inside=True)})
    assert inside.check_inputs({"x": X[0]}, "s")["x"] is not None
    assert inside.fits({"x": X}) and not inside.fits({"x": X[0]})
    assert inside.misfit({"x": X[0]}, "s").startswith("Input 'x' takes float32 [any, 3]. Received: [3]. A correct")
