"""Messages that repeat themselves are read and written in parts: what they say must be what they always said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from serving import predict_messages
from serving.errors import ServingError
from serving.predict_messages import PredictCall, PredictReader, encode_response
from serving.protocol import PredictRequest, PredictResponse
from serving.signatures import Signature, TensorSpec
from serving.specs import ModelSpec, fill_spec
from serving.tensors import to_proto

DTYPES = ["float32", "float64", "int32", "int64", "uint8", "bool", "float16", "complex64"]


def request(array, name="x", model="m", output_filter=(), content=True):
    message = PredictRequest(output_filter=output_filter)
    message.model_spec.name = model
    to_proto(array, content=content, proto=message.inputs[name])
    return message


def signature(dtype="float32", name="x"):
    return Signature({name: TensorSpec(np.dtype(dtype), None, "")}, {}, {})


def said(call, made):
    """What a request says: its model, its outputs, and its arrays."""
    try:
        inputs = call.read_inputs("s", made)
    except ServingError as error:
        return call.spec, call.output_filter, error.message
    return (
        call.spec,
        call.output_filter,
        {name: x if x is None else (x.dtype, x.tolist()) for name, x in inputs.items()},
    )


def check(reader, message, made):
    data = message if isinstance(message, bytes) else message.SerializeToString()
    plain = PredictCall(data, PredictRequest.FromString(data))
    for _ in range(3):
        call = reader.FromString(memoryview(data))
        # By text, in which NaN equals itself.
        assert repr(said(call, made)) == repr(said(plain, made))
        assert call.message() == plain.message()
    return call


def is_quick(call):
    return call._layout is not None


@settings(deadline=None)
@given(st.data(), st.sampled_from(DTYPES), st.booleans(), st.lists(st.text("ab", max_size=2), max_size=2))
def test_whatever_is_sent_is_read_as_ever(data, dtype, content, output_filter):
    reader, shapes = PredictReader(), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
    for array in data.draw(st.lists(hnp.arrays(dtype, shapes), min_size=1, max_size=5)):
        check(reader, request(array, output_filter=output_filter, content=content), signature(dtype))


def test_a_message_that_comes_again_is_read_by_its_layout():
    reader, draw = PredictReader(), np.random.default_rng(0)
    for _ in range(3):
        call = check(reader, request(draw.random((2, 3)).astype("float32")), signature())
        assert is_quick(call)


def test_models_inputs_and_shapes_of_one_length_are_told_apart():
    reader, array = PredictReader(), np.arange(6, dtype="float32")
    for _ in range(3):
        for model in "mn":
            for name in "xy":
                for shape in ((2, 3), (3, 2)):
                    call = check(reader, request(array.reshape(shape), name, model), signature())
                    assert call.spec.name == model
                    assert (call.read_inputs("s", signature())[name] is None) == (name == "y")


def more_filter(text):
    return PredictRequest(output_filter=[text]).SerializeToString()


def more_unknown(text):
    return b"\xfa\x3f\x08" + text.encode()


def more_tensor(text):
    return request(np.frombuffer(text.encode(), "float32")).SerializeToString()


@pytest.mark.parametrize("more", [more_filter, more_unknown, more_tensor])
def test_what_stands_behind_the_values_is_not_taken_for_them(more):
    # The values' own bytes come again behind them, and then others in their place.
    reader, data = PredictReader(), request(np.frombuffer(b"abcdabcd", "float32")).SerializeToString()
    for text in ("abcdabcd", "abcdabce"):
        check(reader, data + more(text), signature())


@pytest.mark.parametrize(
    "message",
    [
        request(np.float32([1, 2]), content=False),
        request(np.array([b"text"], object)),
        request(np.float32([])),
        PredictRequest(model_spec={"name": "m"}),
    ],
    ids=["by value", "text", "none", "no input"],
)
def test_what_has_no_values_at_its_end_is_read_in_full(message):
    call = check(PredictReader(), message, signature())
    assert not is_quick(call)


def test_several_inputs_are_read_in_full():
    message = request(np.float32([1]))
    to_proto(np.float32([2]), content=True, proto=message.inputs["y"])
    assert not is_quick(check(PredictReader(), message, signature()))


def test_a_tensor_that_cannot_be_read_says_so_every_time():
    message = request(np.float32([1, 2, 3]))
    message.inputs["x"].tensor_shape.dim[0].size = 2
    assert "must hold 2 values" in said(check(PredictReader(), message, signature()), signature())[2]


def test_a_request_without_a_model_is_refused_every_time():
    reader = PredictReader()
    data = memoryview(PredictRequest(inputs={"x": to_proto(np.float32([1]), content=True)}).SerializeToString())
    for _ in range(3):
        with pytest.raises(ServingError, match="Missing ModelSpec"):
            reader.FromString(data)


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(predict_messages, "MAX_LENGTHS", 4)
    reader = PredictReader()
    for size in range(20):
        for model in "abcdefgh":
            check(reader, request(np.zeros(size, "float32"), model=model), signature())
        assert len(reader._layouts) <= 4
        assert all(len(layouts) <= predict_messages.MAX_LAYOUTS for layouts in reader._layouts.values())


@pytest.mark.parametrize("as_content", [False, True])
def test_an_answer_is_the_message_that_it_stands_for(as_content):
    spec = ModelSpec("m" * 200, 7, "serving_default")
    outputs = {dtype: np.arange(6).reshape(2, 3).astype(dtype) for dtype in DTYPES}
    outputs |= {"text": np.array([b"a", b""], object), "one": np.float32(3), "none": np.zeros((0, 4), "float32")}
    outputs |= {"large": np.zeros((200, 300)), "sliced": np.arange(12, dtype="float32").reshape(3, 4)[:, ::2]}
    outputs["swapped"] = np.arange(3, dtype=">f4")
    message = PredictResponse()
    fill_spec(message.model_spec, spec)
    for name, array in outputs.items():
        to_proto(array, content=as_content, proto=message.outputs[name])
    assert PredictResponse.FromString(encode_response(spec, outputs, as_content)) == message
