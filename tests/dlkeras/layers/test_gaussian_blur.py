import keras
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from dlkeras.layers.gaussian_blur import GaussianBlur


def test_harness(harness):
    inputs = np.random.uniform(-1, 1, (2, 5, 6, 3)).astype("float32")
    harness(GaussianBlur, {"sigma": 0.8, "mode": "nearest"}, inputs=inputs, output_shape=(2, 5, 6, 3))


@pytest.mark.parametrize("mode", ["reflect", "nearest"])
# The last kernel reaches 18 pixels to either side, further than the picture is high or wide.
@pytest.mark.parametrize(("sigma", "truncate"), [(1.0, 4.0), (0.7, 2.0), (0.1, 4.0), (4.5, 4.0)])
def test_agrees_with_scipy(mode, sigma, truncate):
    pictures = np.random.uniform(0, 255, (2, 7, 9, 3)).astype("float32")
    blurred = keras.ops.convert_to_numpy(GaussianBlur(sigma, truncate, mode)(pictures))
    expected = gaussian_filter(pictures, (0, sigma, sigma, 0), truncate=truncate, mode=mode)
    np.testing.assert_allclose(blurred, expected, rtol=1e-4)


def test_any_size_of_uint8_pictures():
    inputs = keras.Input((None, None, 1), dtype="uint8")
    model = keras.Model(inputs, GaussianBlur()(inputs))
    assert model.output_shape == (None, None, None, 1)
    for size in (4, 11):
        pictures = np.random.randint(0, 256, (1, size, 6, 1), dtype="uint8")
        expected = gaussian_filter(pictures.astype("float32"), (0, 1, 1, 0))
        np.testing.assert_allclose(model.predict(pictures, verbose=0), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma": 0}, "`sigma` must be above 0. Received: sigma=0"),
        ({"truncate": -1}, "`truncate` must be above 0. Received: truncate=-1"),
        ({"mode": "edge"}, "`mode` must be one of reflect, nearest. Received: mode='edge'"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        GaussianBlur(**arguments)
    assert str(error.value) == message
