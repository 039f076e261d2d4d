"""Which requests may be run together, found out by running them."""

import time

import numpy as np
import pytest

from serving.merging import Plan, find_plan, is_row_wise, join, pad_alike, plan_signatures, synthetic_samples
from serving.signatures import Signature, TensorSpec

FLOAT = np.dtype(np.float32)


def signature(inputs, outputs):
    specs = [
        {name: TensorSpec(np.dtype(dtype), shape, f"{name}:0") for name, (dtype, shape) in part.items()}
        for part in (inputs, outputs)
    ]
    return Signature(*specs, {})


ROWS = signature({"x": (FLOAT, (None, 3))}, {"y": (FLOAT, (None, 2))})


class Runner:
    """A model of one signature."""

    def __init__(self, model, signature=ROWS, stateful=False):
        self.signatures = {"s": signature}
        self.is_stateful = lambda name: stateful
        self.run = lambda name, inputs, outputs: model(inputs)


RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(size=(3, 2)).astype(np.float32)


def dense(inputs):
    return {"y": inputs["x"] @ WEIGHTS}


def minus_mean(inputs):
    return {"y": (inputs["x"] - inputs["x"].mean(0)) @ WEIGHTS}


def over_the_batch(inputs):
    scores = np.exp(inputs["x"] @ WEIGHTS - 5)
    return {"y": scores / scores.sum(0)}


def if_any_is_large(inputs):
    return {"y": dense(inputs)["y"] * (2 if np.abs(inputs["x"]).max() > 50 else 1)}


def size_of_batch(inputs):
    return {"y": np.full((len(inputs["x"]), 2), len(inputs["x"]), np.float32)}


def backwards(inputs):
    return {"y": dense(inputs)["y"][::-1]}


def constant(inputs):
    return {"y": np.ones((len(inputs["x"]), 2), np.float32)}


@pytest.mark.parametrize("model", [minus_mean, over_the_batch, if_any_is_large, size_of_batch, backwards, constant])
def test_models_whose_rows_see_each_other_are_not_merged(model):
    assert None in [find_plan(model, samples) for samples in synthetic_samples(ROWS)]
    assert not plan_signatures(Runner(model)).get("s")


@pytest.mark.parametrize(
    ("inputs", "outputs", "stateful", "expected"),
    [
        ({"x": (FLOAT, (None, 3))}, {"y": (FLOAT, (None, 2))}, False, True),
        ({"x": (FLOAT, (None, 3))}, {"y": (FLOAT, (None, 2))}, True, None),
        ({"x": (FLOAT, (None, 3))}, {"y": (FLOAT, (2,))}, False, None),
        # Text, and numbers that the model refuses: unknown until requests come.
        ({"x": (object, (None,))}, {"y": (FLOAT, (None, 2))}, False, "unknown"),
        ({"x": (FLOAT, (None, 4))}, {"y": (FLOAT, (None, 2))}, False, "unknown"),
    ],
)
def test_plans_are_made_when_a_model_is_loaded(inputs, outputs, stateful, expected):
    plans = plan_signatures(Runner(dense, signature(inputs, outputs), stateful))
    plan = plans.get("s", "unknown")
    assert plan == expected if expected is not True else plan.max_rows >= 1


def test_a_slow_model_is_not_tried_for_long():
    def slow(inputs):
        runs.append(time.sleep(0.3))
        return dense(inputs)

    runs = []
    assert plan_signatures(Runner(slow)) == {"s": None}
    assert len(runs) == 1


def test_models_whose_rows_are_apart_are_merged():
    for samples in synthetic_samples(ROWS):
        plan = find_plan(dense, samples)
        assert min(plan.seconds) == 1 and all(seconds > 0 for seconds in plan.seconds.values())


def test_a_model_that_refuses_large_batches_is_merged_as_far_as_it_goes():
    def limited(inputs):
        if len(inputs["x"]) > 8:
            raise ValueError("at most 8 rows")
        return dense(inputs)

    assert plan_signatures(Runner(limited))["s"].max_rows <= 8


def test_the_same_row_again_proves_nothing():
    row = {"x": np.ones((1, 3), np.float32)}
    assert find_plan(dense, [row] * 4) is None


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected"),
    [
        ({"x": (FLOAT, (None, 3))}, {"y": (FLOAT, (None,))}, True),
        ({"x": (object, (None,))}, {"y": (FLOAT, (None, 5))}, True),
        ({"x": (FLOAT, (None, None))}, {"y": (FLOAT, (None, 5))}, True),
        ({"x": (FLOAT, (1, 3))}, {"y": (FLOAT, (None, 5))}, False),
        ({"x": (FLOAT, ())}, {"y": (FLOAT, (None, 5))}, False),
        ({"x": (FLOAT, None)}, {"y": (FLOAT, (None, 5))}, False),
        ({"x": (FLOAT, (None, 3))}, {"y": (FLOAT, ())}, False),
        ({"x": (object, (None,))}, {"y": (np.int32, (None, None))}, False),
        ({}, {"y": (FLOAT, (None, 5))}, False),
    ],
)
def test_shapes_that_allow_it(inputs, outputs, expected):
    assert is_row_wise(signature(inputs, outputs)) is expected


def test_samples_suit_their_dtypes():
    numbers = {"a": (np.int32, (None, None)), "b": (bool, (None,)), "c": (np.uint8, (None, 2)), "d": (FLOAT, (None, 4))}
    for samples in synthetic_samples(signature(numbers, {})):
        for sample in samples:
            assert {name: (array.dtype, array.ndim) for name, array in sample.items()} == {
                "a": (np.int32, 2), "b": (bool, 1), "c": (np.uint8, 2), "d": (FLOAT, 2)
            }  # fmt: skip
            assert sample["a"].max() <= 1
    assert synthetic_samples(signature({"text": (object, (None,))}, {})) == []
    assert synthetic_samples(signature({"film": (FLOAT, (None, 1000, 1080, 1920, 3))}, {})) == []


def test_a_plan_chooses_what_is_quickest():
    plan = Plan({1: 1.0, 4: 1.6, 8: 1.9, 32: 6.0})
    assert [plan.choose(rows) for rows in (1, 2, 4, 5, 8, 9, 31, 32, 90)] == [1, 4, 4, 8, 8, 8, 32, 32, 32]


def test_rows_are_joined_and_filled_up():
    parts = [{"x": np.float32([[1, 2]])}, {"x": np.float32([[3, 4], [5, 6]])}]
    assert join(parts)["x"].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert join(parts, 5)["x"].tolist() == [[1, 2], [3, 4], [5, 6], [5, 6], [5, 6]]


def test_variable_lengths_are_padded_with_the_first_value():
    parts = [{"x": np.int64([[7, 2]])}, {"x": np.int64([[3, 4, 5], [6, 6, 6]])}]
    assert [part["x"].tolist() for part in pad_alike(parts)] == [[[7, 2, 7]], [[3, 4, 5], [6, 6, 6]]]
