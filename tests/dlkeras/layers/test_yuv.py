import keras
import numpy as np
import pytest
from skimage.color import rgb2yuv, yuv2rgb

from dlkeras.layers.yuv import RGBToYUV, YUVToRGB


@pytest.mark.parametrize("kind", [RGBToYUV, YUVToRGB])
def test_harness(harness, kind):
    inputs = np.random.uniform(0, 1, (2, 5, 6, 3)).astype("float32")
    harness(kind, {}, inputs=inputs, output_shape=(2, 5, 6, 3))


@pytest.mark.parametrize(("kind", "reference"), [(RGBToYUV, rgb2yuv), (YUVToRGB, yuv2rgb)])
def test_agrees_with_scikit_image(kind, reference):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, kind()(inputs))
    pictures = np.random.uniform(0, 1, (2, 4, 5, 3)).astype("float32")
    np.testing.assert_allclose(model.predict(pictures, verbose=0), reference(pictures), atol=1e-5)


@pytest.mark.parametrize("kind", [RGBToYUV, YUVToRGB])
def test_refuses(kind):
    with pytest.raises(ValueError) as error:
        kind()(np.zeros((1, 2, 2, 1), "float32"))
    assert str(error.value) == "The pictures must have 3 channels. Received: shape=(1, 2, 2, 1)"
