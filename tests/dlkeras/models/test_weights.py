"""Weights files at half the size."""

import keras
import numpy as np

from dlkeras.models.weights import halve


def test_a_halved_file_is_loaded_like_the_one_before(tmp_path):
    def make():
        inputs = keras.Input((30,))
        x = keras.layers.BatchNormalization()(keras.layers.Dense(400)(inputs))
        return keras.Model(inputs, keras.layers.Dropout(0.5)(x))

    model, again = make(), make()
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    size = path.stat().st_size
    halve(path)
    assert path.stat().st_size < 0.7 * size
    again.load_weights(path)
    assert {weight.dtype for weight in again.trainable_weights} == {"float32"}
    for one, other in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)
    assert [file.name for file in tmp_path.iterdir()] == ["model.weights.h5"]
