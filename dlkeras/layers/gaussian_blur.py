"""Gaussian blur."""

import keras
import numpy as np
from keras import ops

from dlkeras.checks import check_choice, check_positive
from dlkeras.layers.padding import MODES, pad_axis


@keras.saving.register_keras_serializable(package="dlkeras")
class GaussianBlur(keras.layers.Layer):
    """Blurs pictures `(batch, height, width, channels)`, each channel by itself; as `scipy.ndimage.gaussian_filter`.

    Args:
        sigma: Standard deviation of the Gaussian, in pixels, above 0.
        truncate: How many standard deviations the kernel reaches to either side, above 0.
        mode: How the picture goes on beyond its border: `"reflect"` or `"nearest"`, SciPy's names.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(self, sigma=1.0, truncate=4.0, mode="reflect", **kwargs):
        check_positive("sigma", sigma)
        check_positive("truncate", truncate)
        check_choice("mode", mode, MODES)
        super().__init__(**kwargs)
        self.sigma = sigma
        self.truncate = truncate
        self.mode = mode

    def call(self, inputs):
        radius = int(self.truncate * self.sigma + 0.5)
        weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / self.sigma) ** 2)
        weights = np.tile(weights[:, None] / weights.sum(), inputs.shape[-1])  # (2 * radius + 1, channels)
        x = ops.cast(inputs, self.compute_dtype)
        # A Gaussian over a plane is one over the columns, then one over the rows.
        for axis, kernel in ((1, weights[:, None, :, None]), (2, weights[None, :, :, None])):
            kernel = ops.convert_to_tensor(kernel, self.compute_dtype)
            x = ops.depthwise_conv(pad_axis(x, axis, radius, self.mode), kernel, data_format="channels_last")
        return x

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "sigma": self.sigma, "truncate": self.truncate, "mode": self.mode}
