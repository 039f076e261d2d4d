"""Layers of networks that paint."""

import keras
import numpy as np
from keras import layers, ops

_NOISE_SIDES = 61, 67


@keras.saving.register_keras_serializable(package="dlkeras")
class ConditionalInstanceNormalization(layers.Layer):
    """Gives each channel of each picture the mean and the deviation that a condition names.

    Called on maps `(batch, height, width, channels)` and conditions `(batch, size)`.

    Args:
        offset: Where this layer's numbers begin in the condition: `channels` of scale less 1, and as many of shift.
    """

    def __init__(self, offset=0, **kwargs):
        super().__init__(**kwargs)
        self.offset = offset

    def call(self, inputs):
        x, condition = inputs
        channels = x.shape[-1]
        condition = condition[:, None, None, self.offset : self.offset + 2 * channels]
        scale, shift = ops.split(condition, 2, axis=-1)
        mean, variance = ops.moments(x, axes=(1, 2), keepdims=True)
        return (x - mean) * (ops.rsqrt(variance + 1e-5) * (1 + scale)) + shift

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "offset": self.offset}


@keras.saving.register_keras_serializable(package="dlkeras")
class ReflectionPadding(layers.Layer):
    """Continues maps beyond their borders by their mirror image, so that borders look like the rest of the picture.

    Args:
        margin: Pixels on each side, less than the maps have.
    """

    def __init__(self, margin=1, **kwargs):
        super().__init__(**kwargs)
        self.margin = margin

    def call(self, x):
        return ops.pad(x, [[0, 0], [self.margin] * 2, [self.margin] * 2, [0, 0]], mode="reflect")

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        return (batch, *(side and side + 2 * self.margin for side in sides), channels)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable(package="dlkeras")
class EnlargeLike(layers.Layer):
    """Repeats pixels of coarse maps twice each way, and cuts them to the sides of finer ones: called on `(x, like)`."""

    def call(self, inputs):
        x, like = inputs
        x = ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)
        _, height, width, _ = ops.shape(like)
        return x[:, :height, :width]

    def compute_output_shape(self, input_shape):
        x, like = input_shape
        return (*like[:3], x[-1])


@keras.saving.register_keras_serializable(package="dlkeras")
class WithNoise(layers.Layer):
    """Adds a channel of noise to maps, the same for each place every time.

    A convolution paints what is alike alike: all that it can put into a plain sky is a regular pattern. Noise gives it
    something to make strokes of (Ulyanov et al. 2016, "Texture networks").
    """

    def call(self, x):
        batch, height, width, _ = ops.shape(x)
        # Two tiles whose sides have no common divisor come together again after 4087 pixels only.
        tiles = [np.random.default_rng(side).normal(0, 0.7, (1, side, side, 1)) for side in _NOISE_SIDES]
        noise = sum(_repeated(ops.convert_to_tensor(tile, x.dtype), height, width) for tile in tiles)
        return ops.concatenate([x, ops.broadcast_to(noise, (batch, height, width, 1))], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:3], input_shape[3] + 1)


def _repeated(tile, height, width):
    rows, columns = ops.arange(height) % tile.shape[1], ops.arange(width) % tile.shape[2]
    return ops.take(ops.take(tile, rows, axis=1), columns, axis=2)
