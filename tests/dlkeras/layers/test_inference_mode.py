import keras
import numpy as np

from dlkeras.layers.inference_mode import InferenceMode


def test_harness(harness):
    inputs = np.random.normal(size=(4, 6)).astype("float32")
    harness(InferenceMode, {"layer": keras.layers.Dense(3)}, inputs=inputs, output_shape=(4, 3))


def test_statistics_stay_and_weights_move():
    part = keras.Sequential([keras.Input((5,)), keras.layers.BatchNormalization(), keras.layers.Dropout(0.9)])
    normalization = part.layers[0]
    inputs = keras.Input((5,))
    model = keras.Model(inputs, keras.layers.Dense(1)(InferenceMode(part)(inputs)))
    x = np.random.normal(3, 2, (16, 5)).astype("float32")
    np.testing.assert_array_equal(model(x, training=True), model(x, training=False))

    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], verbose=0)
    gamma, _, mean, _ = normalization.get_weights()
    np.testing.assert_array_equal(mean, np.zeros(5))
    assert not np.array_equal(gamma, np.ones(5))
