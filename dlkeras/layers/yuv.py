"""RGB to YUV and back (ITU-R BT.601, analogue form: Y in [0, 1], U in [-0.436, 0.436], V in [-0.615, 0.615])."""

import keras
import numpy as np
from keras import ops

from dlkeras.layers.grayscale import check_rgb

_LUMA = np.array([0.299, 0.587, 0.114])
# Y, then the scaled differences of blue and of red from it.
_YUV_FROM_RGB = np.stack([_LUMA, 0.492111 * ([0, 0, 1] - _LUMA), 0.877283 * ([1, 0, 0] - _LUMA)])


class _LinearColor(keras.layers.Layer):
    """Multiplies every pixel by a matrix."""

    def build(self, input_shape):
        check_rgb(input_shape)

    def call(self, inputs):
        matrix = ops.convert_to_tensor(self._matrix.T, self.compute_dtype)
        return ops.matmul(ops.cast(inputs, self.compute_dtype), matrix)

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable(package="dlkeras")
class RGBToYUV(_LinearColor):
    """Turns RGB pictures `(batch, height, width, 3)` into YUV; as `skimage.color.rgb2yuv` on values in [0, 1].

    Raises:
        ValueError: The pictures have not 3 channels.
    """

    _matrix = _YUV_FROM_RGB


@keras.saving.register_keras_serializable(package="dlkeras")
class YUVToRGB(_LinearColor):
    """Turns YUV pictures `(batch, height, width, 3)` into RGB; the inverse of `RGBToYUV`.

    Raises:
        ValueError: The pictures have not 3 channels.
    """

    _matrix = np.linalg.inv(_YUV_FROM_RGB)
