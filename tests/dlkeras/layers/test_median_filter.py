import keras
import numpy as np
import pytest
from scipy.ndimage import median_filter

from dlkeras.layers.median_filter import MedianFilter


def test_harness(harness):
    inputs = np.random.uniform(-1, 1, (2, 5, 6, 3)).astype("float32")
    harness(MedianFilter, {"size": 3, "mode": "nearest"}, inputs=inputs, output_shape=(2, 5, 6, 3))


@pytest.mark.parametrize("mode", ["reflect", "nearest"])
@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_agrees_with_scipy(mode, size):
    pictures = np.random.uniform(-255, 255, (2, 3, 7, 2)).astype("float32")
    filtered = keras.ops.convert_to_numpy(MedianFilter(size, mode)(pictures))
    np.testing.assert_array_equal(filtered, median_filter(pictures, (1, size, size, 1), mode=mode))


def test_any_size_of_uint8_pictures():
    inputs = keras.Input((None, None, 1), dtype="uint8")
    model = keras.Model(inputs, MedianFilter()(inputs))
    assert model.output_shape == (None, None, None, 1)
    for size in (4, 11):
        pictures = np.random.randint(0, 256, (1, size, 6, 1), dtype="uint8")
        np.testing.assert_array_equal(model.predict(pictures, verbose=0), median_filter(pictures, (1, 3, 3, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 4}, "`size` must be odd and at least 1. Received: size=4"),
        ({"size": -1}, "`size` must be odd and at least 1. Received: size=-1"),
        ({"mode": "edge"}, "`mode` must be one of reflect, nearest. Received: mode='edge'"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        MedianFilter(**arguments)
    assert str(error.value) == message
