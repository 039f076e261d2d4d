import keras
import numpy as np
import pytest
from skimage.color import rgb2yuv

from dlkeras.layers.grayscale import Grayscale


@pytest.mark.parametrize("channels", [1, 3])
def test_harness(harness, channels):
    inputs = np.random.uniform(0, 1, (2, 5, 6, 3)).astype("float32")
    harness(Grayscale, {"channels": channels}, inputs=inputs, output_shape=(2, 5, 6, channels))


@pytest.mark.parametrize("channels", [1, 3])
def test_agrees_with_scikit_image(channels):
    inputs = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(inputs, Grayscale(channels)(inputs))
    assert model.output_shape == (None, None, None, channels)
    pictures = np.random.randint(0, 256, (2, 4, 5, 3), dtype="uint8")
    grey = model.predict(pictures, verbose=0)
    luma = 255 * rgb2yuv(pictures)[..., :1]
    np.testing.assert_allclose(grey, np.repeat(luma, channels, axis=-1), atol=0.05)  # Keras's weights have 4 digits


def test_refuses():
    with pytest.raises(ValueError) as error:
        Grayscale(channels=2)
    assert str(error.value) == "`channels` must be one of 1, 3. Received: channels=2"
    with pytest.raises(ValueError) as error:
        Grayscale()(np.zeros((1, 2, 2, 4), "float32"))
    assert str(error.value) == "The pictures must have 3 channels. Received: shape=(1, 2, 2, 4)"
