import keras
import numpy as np
import pytest

from dlkeras.layers.carried_recurrence import CarriedRecurrence

# JAX compiles each loop for seconds: there one cell is enough.
CELLS = {"lstm": 2, "gru": 1, "rnn": 1} if keras.backend.backend() == "tensorflow" else {"lstm": 2}


def _array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture
def inputs():
    return np.random.default_rng(0).normal(size=(3, 8, 4)).astype("float32")


@pytest.mark.parametrize(("cell", "states"), [*CELLS.items()])
def test_harness(harness, inputs, cell, states):
    shape = (3, 8, 5), *[(3, 5)] * states
    layer = harness(CarriedRecurrence, {"cell": cell, "units": 5}, inputs=inputs, output_shape=shape)
    symbol = keras.KerasTensor((None, None, 4))
    assert [output.shape for output in layer(symbol)] == [(None, None, 5), *[(None, 5)] * states]


@pytest.mark.parametrize("cell", [*CELLS])
def test_training_goes_on_where_it_was(inputs, cell):
    layer = CarriedRecurrence(cell, 5)
    whole, last, *_ = map(_array, layer(inputs))
    layer.carry(3)
    for _ in range(2):
        parts = [layer(part, training=True) for part in np.split(inputs, 2, axis=1)]
        np.testing.assert_allclose(np.concatenate([_array(part[0]) for part in parts], axis=1), whole, atol=1e-6)
        np.testing.assert_allclose(_array(parts[1][1]), last, atol=1e-6)
        # What is not training begins anew, and changes nothing that is carried.
        np.testing.assert_allclose(_array(layer(inputs[:2])[0]), whole[:2], atol=1e-6)
        assert not np.allclose(_array(layer(inputs, training=True)[0]), whole)
        layer.forget()
    layer.carry(0)
    for _ in range(2):
        np.testing.assert_allclose(_array(layer(inputs[:1], training=True)[0]), whole[:1], atol=1e-6)


def test_what_is_carried_is_no_weight(inputs):
    layer = CarriedRecurrence("lstm", 5)
    layer(inputs)
    before = [weight.path for weight in layer.weights]
    layer.carry(3)
    layer(inputs, training=True)
    assert [weight.path for weight in layer.weights] == before and len(before) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tanh", 4), "`cell` must be one of rnn, gru, lstm. Received: cell='tanh'"),
        (("gru", 0), "`units` must be above 0. Received: units=0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        CarriedRecurrence(*arguments)
