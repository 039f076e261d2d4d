"""Colour pictures in grey."""

import keras
from keras import ops

from dlkeras.checks import check_choice


@keras.saving.register_keras_serializable(package="dlkeras")
class Grayscale(keras.layers.Layer):
    """Turns RGB pictures `(batch, height, width, 3)` into their luma, ITU-R BT.601.

    Args:
        channels: Channels of the output: 1, or 3 alike, for a model that takes colour.

    Raises:
        ValueError: `channels` is neither 1 nor 3, or the pictures have not 3 channels.
    """

    def __init__(self, channels=1, **kwargs):
        check_choice("channels", channels, (1, 3))
        super().__init__(**kwargs)
        self.channels = channels

    def build(self, input_shape):
        check_rgb(input_shape)

    def call(self, inputs):
        x = ops.cast(inputs, self.compute_dtype)
        grey = ops.image.rgb_to_grayscale(x, data_format="channels_last")  # (batch, height, width, 1)
        return ops.repeat(grey, self.channels, axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.channels)

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


def check_rgb(shape):
    """Refuses pictures that have not 3 channels."""
    if shape[-1] != 3:
        raise ValueError(f"The pictures must have 3 channels. Received: shape={tuple(shape)}")
