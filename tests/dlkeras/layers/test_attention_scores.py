import keras
import numpy as np
import pytest

from dlkeras.layers.attention_scores import BahdanauAttention, LuongAttention


@pytest.fixture
def seen():
    """Two rows: four queries, a memory of three places, its keys, and which of its places count."""
    random = np.random.default_rng(0)
    query, memory, keys = (random.normal(size=(2, *shape)).astype("float32") for shape in ((4, 5), (3, 6), (3, 5)))
    return query, memory, keys, np.array([[True, True, True], [True, False, True]])


def _bahdanau(layer, query, key):
    projection, vector = (keras.ops.convert_to_numpy(weight) for weight in (layer.projection.kernel, layer.vector))
    return np.tanh(query @ projection + key) @ vector[:, 0]


@pytest.mark.parametrize(
    ("layer", "score"),
    [(BahdanauAttention(5), _bahdanau), (LuongAttention(), lambda layer, query, key: query @ key)],
)
def test_by_hand(seen, layer, score):
    context, weights = map(keras.ops.convert_to_numpy, layer(*seen))
    assert context.shape == (2, 4, 6) and weights.shape == (2, 4, 3)
    for row, (queries, memory, keys, keep) in enumerate(zip(*seen, strict=True)):
        for place, query in enumerate(queries):
            scores = np.exp(
                [score(layer, query, key) if kept else -np.inf for key, kept in zip(keys, keep, strict=True)]
            )
            np.testing.assert_allclose(weights[row, place], scores / scores.sum(), rtol=1e-4, atol=1e-7)
            np.testing.assert_allclose(context[row, place], scores / scores.sum() @ memory, rtol=1e-4, atol=1e-6)
    assert (weights[1, :, 1] == 0).all()


@pytest.mark.parametrize("layer", [BahdanauAttention(5, name="look"), LuongAttention(name="look")])
def test_config_symbols_and_a_single_place(seen, layer):
    query, memory, keys, keep = seen
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer) and again.get_config() == layer.get_config()
    context, weights = layer(query, memory[:, :1], keys[:, :1], keep[:, :1])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(context), np.repeat(memory[:, :1], 4, axis=1), rtol=1e-6)
    symbols = layer(*(keras.Input((None, *array.shape[2:]), dtype=array.dtype) for array in seen))
    assert [symbol.shape for symbol in symbols] == [(None, None, 6), (None, None, None)]
    assert tuple(weights.shape) == (2, 4, 1)


def test_refuses():
    with pytest.raises(ValueError, match=r"`units` must be above 0. Received: units=0"):
        BahdanauAttention(0)
