"""TensorProto <-> numpy, against TensorFlow's own make_tensor_proto and make_ndarray."""

import time
import tracemalloc

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tensorflow.core.framework import tensor_pb2

from serving.errors import ServingError
from serving.protocol import TensorProto
from serving.tensors import numpy_dtype, string_array, to_array, to_proto

DTYPES = ["bool", "float16", "float32", "float64", "complex64", "complex128"]
DTYPES += [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
ARRAYS = st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0)))


def ours(tensorflow_proto):
    return TensorProto.FromString(tensorflow_proto.SerializeToString())


def theirs(proto):
    return tf.make_ndarray(tensor_pb2.TensorProto.FromString(proto.SerializeToString()))


@given(ARRAYS)
@settings(max_examples=100, deadline=None)
def test_round_trips_through_tensorflow(array):
    for read in (to_array(ours(tf.make_tensor_proto(array))), theirs(to_proto(array)), theirs(to_proto(array, True))):
        assert read.dtype == array.dtype
        np.testing.assert_array_equal(read, array)


@given(hnp.arrays(object, hnp.array_shapes(min_dims=0, min_side=0), elements=st.binary(max_size=5)))
@settings(max_examples=50, deadline=None)
def test_strings_round_trip(array):
    np.testing.assert_array_equal(theirs(to_proto(array)), array)
    np.testing.assert_array_equal(to_array(to_proto(array)), array)


def test_bfloat16_and_value_fields():
    array = np.array([1.5, -2.0], ml_dtypes.bfloat16)
    assert to_array(ours(tf.make_tensor_proto(tf.constant(array)))).tolist() == [1.5, -2.0]
    assert to_proto(np.float32([1, 2])).float_val[:] == [1.0, 2.0]
    assert to_proto(np.float32([1, 2]), content=True).tensor_content == np.float32([1, 2]).tobytes()
    assert numpy_dtype(tf.bfloat16.as_datatype_enum) == array.dtype


def test_last_value_fills_the_rest():
    proto = tensor_pb2.TensorProto(dtype=1, float_val=[1, 2])
    proto.tensor_shape.dim.add().size = 4
    assert tf.make_ndarray(proto).tolist() == [1, 2, 2, 2]
    assert to_array(ours(proto)).tolist() == [1, 2, 2, 2]


def test_text_becomes_bytes_and_keeps_trailing_zeros():
    assert string_array(["é", b"a\0"]).tolist() == ["é".encode(), b"a\0"]
    for wrong in ([1], [["a"], ["b", "c"]]):
        with pytest.raises(ServingError, match=r"text or bytes|unequal"):
            string_array(wrong)


@pytest.mark.parametrize("sizes", [(3,), (2, 2), (-1,), (2**50,)])
def test_contradictions_are_refused(sizes):
    proto = TensorProto(dtype=1, float_val=[1.0] if 2**50 in sizes else [1.0] * 5)
    for size in sizes:
        proto.tensor_shape.dim.add().size = size
    with pytest.raises(ServingError, match="shape"):
        to_array(proto)


def test_unknown_dtype_is_refused():
    with pytest.raises(ServingError, match="DataType 20"):
        to_array(TensorProto(dtype=20))
    with pytest.raises(ServingError, match="string_val"):
        to_array(TensorProto(dtype=7, tensor_content=b"abc"))
    with pytest.raises(ServingError, match="3 bytes"):
        to_array(TensorProto(dtype=1, tensor_content=b"abc"))


@pytest.mark.parametrize(
    "sizes",
    [
        (2**40,),
        (2**30, 2**30, 2**30),
        (2**62, 2**62, 0),
        (2**62, 0),
        (2**63 - 1,) * 64,
        (1,) * 65,
        (1,) * 1_000_000,
        (2**24 + 1,),
    ],
)
@pytest.mark.parametrize("dtype", [1, 7])
def test_huge_shapes_are_refused_cheaply(sizes, dtype):
    proto = TensorProto(dtype=dtype)
    if 0 not in sizes:
        proto.MergeFrom(TensorProto(float_val=[1.0]) if dtype == 1 else TensorProto(string_val=[b"a"]))
    for size in sizes:
        proto.tensor_shape.dim.add().size = size
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(ServingError, match="shape") as caught:
        to_array(proto)
    seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.code == "INVALID_ARGUMENT"
    assert seconds < 1 and peak < 2**20


def test_an_empty_tensor_may_have_long_sides():
    proto = TensorProto(dtype=1)
    for size in (0, 2**40):
        proto.tensor_shape.dim.add().size = size
    assert to_array(proto).shape == (0, 2**40)


def test_only_the_lower_half_of_a_half_counts():
    proto = TensorProto(dtype=19, half_val=[0x3C00, 0x7FFF3C00, -1])
    proto.tensor_shape.dim.add().size = 3
    assert to_array(proto)[:2].tolist() == [1.0, 1.0]


def test_rows_of_a_larger_array():
    merged = np.arange(12, dtype=np.float32).reshape(4, 3)
    for rows in (merged[1:3], merged[:, 1:], merged.T):
        np.testing.assert_array_equal(to_array(to_proto(rows)), rows)
        np.testing.assert_array_equal(to_array(to_proto(rows, content=True)), rows)
