import keras
import numpy as np
from scipy.special import softmax

from dlkeras.layers import MirrorAverage


def _classifier():
    return keras.Sequential([keras.Input((4, 5, 2)), keras.layers.Flatten(), keras.layers.Dense(3)])


def test_harness(harness):
    inputs = np.random.normal(size=(4, 4, 5, 2)).astype("float32")
    harness(MirrorAverage, {"layer": _classifier()}, inputs=inputs, output_shape=(4, 3))


def test_averages_probabilities_out_of_training_only():
    classifier = _classifier()
    layer = MirrorAverage(classifier)
    pictures = np.random.normal(size=(6, 4, 5, 2)).astype("float32")
    one, other = (
        keras.ops.convert_to_numpy(classifier(x, training=False)) for x in (pictures, pictures[:, :, ::-1].copy())
    )
    expected = (softmax(one, axis=-1) + softmax(other, axis=-1)) / 2
    assert np.abs(expected - softmax(one, axis=-1)).max() > 0.01
    found = keras.ops.convert_to_numpy(layer(pictures, training=False))
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer(pictures, training=True), one, rtol=1e-5, atol=1e-6)


def test_pixels_are_turned_back():
    place = keras.layers.Conv2D(3, (1, 4), padding="same")  # of even width, so that left and right differ
    layer = MirrorAverage(place)
    pictures = np.random.normal(size=(2, 4, 6, 2)).astype("float32")
    layer.build(pictures.shape)
    one, other = (keras.ops.convert_to_numpy(place(x)) for x in (pictures, pictures[:, :, ::-1].copy()))
    expected = (softmax(one, axis=-1) + softmax(other[:, :, ::-1], axis=-1)) / 2
    assert np.abs(expected - softmax(one, axis=-1)).max() > 0.01
    found = keras.ops.convert_to_numpy(layer(pictures, training=False))
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-5, atol=1e-6)
