"""Median filter."""

import keras
from keras import ops

from dlkeras.checks import check_choice
from dlkeras.layers.padding import MODES, pad_axis


@keras.saving.register_keras_serializable(package="dlkeras")
class MedianFilter(keras.layers.Layer):
    """Replaces every pixel by the median of the square around it; as `scipy.ndimage.median_filter`.

    Takes pictures `(batch, height, width, channels)`, each channel by itself. Holds `size ** 2` pictures at a time.

    Args:
        size: Side of the square in pixels, odd.
        mode: How the picture goes on beyond its border: `"reflect"` or `"nearest"`, SciPy's names.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(self, size=3, mode="reflect", **kwargs):
        if size < 1 or size % 2 == 0:
            raise ValueError(f"`size` must be odd and at least 1. Received: size={size}")
        check_choice("mode", mode, MODES)
        super().__init__(**kwargs)
        self.size = size
        self.mode = mode

    def call(self, inputs):
        x = ops.cast(inputs, self.compute_dtype)
        height, width = ops.shape(x)[1:3]
        for axis in (1, 2):
            x = pad_axis(x, axis, self.size // 2, self.mode)
        offsets = [(row, column) for row in range(self.size) for column in range(self.size)]
        windows = ops.stack([x[:, i : i + height, j : j + width] for i, j in offsets], axis=-1)
        return ops.sort(windows, axis=-1)[..., self.size**2 // 2]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "size": self.size, "mode": self.mode}
