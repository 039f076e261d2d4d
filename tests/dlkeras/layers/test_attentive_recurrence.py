import keras
import numpy as np
import pytest

from dlkeras.layers.attentive_recurrence import AttentiveRecurrence, step_beams

UNITS = 4


@pytest.fixture
def seen():
    """Two rows of five tokens, a memory of three places, its keys, and which of its places count."""
    random = np.random.default_rng(0)
    inputs, memory, keys = (random.normal(size=(2, *shape)).astype("float32") for shape in ((5, 3), (3, 6), (3, UNITS)))
    return inputs, memory, keys, np.array([[True, True, True], [True, True, False]])


def _states(cell):
    random = np.random.default_rng(1)
    return [random.normal(size=(2, UNITS)).astype("float32") for _ in range(2 if cell == "lstm" else 1)]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_by_hand(seen, cell):
    inputs, memory, keys, keep = seen
    layer, states = AttentiveRecurrence(cell, UNITS), _states(cell)
    outputs, contexts = map(keras.ops.convert_to_numpy, layer(inputs, states, memory, keys, keep))
    assert outputs.shape == (2, 5, UNITS) and contexts.shape == (2, 5, 6)
    projection, vector = map(
        keras.ops.convert_to_numpy, (layer.attention.projection.kernel, layer.attention.vector[:, 0])
    )
    for place in range(5):
        query = keras.ops.convert_to_numpy(states[0]) @ projection
        scores = np.where(keep, np.exp(np.tanh(query[:, None] + keys) @ vector), 0)
        context = np.einsum("bs,bsf->bf", scores / scores.sum(1, keepdims=True), memory)
        output, states = layer.cell(np.concatenate([inputs[:, place], context], axis=1), states)
        np.testing.assert_allclose(contexts[:, place], context, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(outputs[:, place], keras.ops.convert_to_numpy(output), rtol=1e-4, atol=1e-6)


def test_config():
    layer = AttentiveRecurrence("lstm", UNITS, name="decoder")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is AttentiveRecurrence and again.get_config() == layer.get_config()


def test_beams_take_their_steps_apart(seen):
    cell = keras.layers.LSTMCell(UNITS)
    inputs = seen[0]  # five beams
    states = [np.random.default_rng(2).normal(size=(2, 5, UNITS)).astype("float32") for _ in range(2)]
    cell.build((None, 3))
    outputs, after = step_beams(cell, inputs, states)
    for beam in range(5):
        output, expected = cell(inputs[:, beam], [state[:, beam] for state in states])
        for found, one in zip((outputs, *after), (output, *expected), strict=True):
            np.testing.assert_allclose(
                keras.ops.convert_to_numpy(found)[:, beam], keras.ops.convert_to_numpy(one), rtol=1e-5, atol=1e-6
            )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rnn", 4), "`cell` must be one of gru, lstm. Received: cell='rnn'"),
        (("gru", 0), "`units` must be above 0. Received: units=0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        AttentiveRecurrence(*arguments)
