import keras
import numpy as np
import pytest

from dlkeras.layers.standardization import StandardizePicture


def test_harness(harness):
    inputs = np.random.uniform(-1, 1, (2, 5, 6, 3)).astype("float32")
    harness(StandardizePicture, {}, inputs=inputs, output_shape=(2, 5, 6, 3))


@pytest.fixture
def pictures():
    """One at random, one of a single colour, and one of which a single pixel differs by less than the floor."""
    pictures = np.full((3, 4, 5, 3), 100.0, "float32")
    pictures[0] = np.random.uniform(0, 255, (4, 5, 3))
    pictures[2, 0, 0, 0] += 0.01
    return pictures


def test_by_hand(pictures):
    standard = keras.ops.convert_to_numpy(StandardizePicture()(pictures))
    assert standard[0].mean() == pytest.approx(0, abs=1e-5) and standard[0].std() == pytest.approx(1, abs=1e-5)
    assert abs(standard[1]).max() < 1e-3  # but for the mean's rounding
    # The mean rises by 0.01 / 60; the floor is 1 / sqrt(60).
    assert standard[2, 0, 0, 0] == pytest.approx((0.01 - 0.01 / 60) * np.sqrt(60), rel=1e-2)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the reference is TensorFlow's")
def test_agrees_with_tensorflow(pictures):
    import tensorflow as tf

    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, StandardizePicture()(inputs))
    reference = tf.image.per_image_standardization(pictures)
    np.testing.assert_allclose(model.predict(pictures, verbose=0), reference, rtol=1e-4, atol=1e-3)
