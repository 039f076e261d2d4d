"""What a transformer is told beside its tokens: where each one stands, and which one to answer in."""

import math

import keras
from keras import layers, ops

_LONGEST_WAVE = 10_000


@keras.saving.register_keras_serializable(package="dlkeras")
class ClassToken(layers.Layer):
    """Puts one learned token before the others (Devlin et al., 2018, "BERT"); its output stands for them all.

    Tokens `(batch, tokens, width)` in, `(batch, 1 + tokens, width)` out.
    """

    def build(self, input_shape):
        self.token = self.add_weight(shape=(1, 1, input_shape[-1]), initializer="zeros", name="token")

    def call(self, inputs):
        token = ops.broadcast_to(self.token, (ops.shape(inputs)[0], 1, inputs.shape[-1]))
        return ops.concatenate([token, inputs], axis=1)

    def compute_output_shape(self, input_shape):
        batch, tokens, width = input_shape
        return batch, None if tokens is None else 1 + tokens, width


@keras.saving.register_keras_serializable(package="dlkeras")
class PositionEmbedding(layers.Layer):
    """Adds a learned vector a position (Dosovitskiy et al., 2020, "An image is worth 16x16 words").

    Tokens `(batch, tokens, width)` in, the same shape out; the number of tokens is that of the first call.
    """

    def build(self, input_shape):
        # The standard deviation of BERT and of all that came after it.
        initializer = keras.initializers.RandomNormal(stddev=0.02)
        self.positions = self.add_weight(shape=(1, *input_shape[1:]), initializer=initializer, name="positions")

    def call(self, inputs):
        return inputs + self.positions

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable(package="dlkeras")
class SinusoidalPositions(layers.Layer):
    """Adds sines and cosines of a token's place (Vaswani et al. 2017, "Attention is all you need", section 3.5).

    Tokens `(batch, tokens, width)` in, the same shape out, whatever the number of tokens.
    """

    def call(self, inputs, place=None):
        """Takes tokens, and the place where all of them stand if they do not stand one after the other."""
        places = ops.arange(ops.shape(inputs)[1]) if place is None else ops.reshape(place, (1,))
        return inputs + ops.cast(sinusoids(places, inputs.shape[-1]), inputs.dtype)

    def compute_output_shape(self, input_shape, *args, **kwargs):
        return input_shape


def sinusoids(places, width):
    """Returns float32 `(..., width)`: sines of places at falling frequencies, and then their cosines."""
    sines, cosines = _waves(places, width)
    return ops.concatenate([sines, cosines], axis=-1)


def rotate(x, places):
    """Turns pairs of features by angles that grow with the place (Su et al. 2021, "RoFormer").

    Args:
        x: `(..., length, width)`, an even width.
        places: Whole numbers `(length,)`.

    Returns:
        The like of `x`. The product of two of them depends on the distance of their places alone.
    """
    sines, cosines = (ops.cast(wave, x.dtype) for wave in _waves(places, x.shape[-1]))  # (length, width / 2)
    first, second = ops.split(x, 2, axis=-1)
    return ops.concatenate([first * cosines - second * sines, second * cosines + first * sines], axis=-1)


def _waves(places, width):
    if width % 2:
        raise ValueError(f"Places are told by pairs of features, so the width must be even. Received: width={width}")
    frequencies = ops.exp(ops.arange(width // 2, dtype="float32") * (-math.log(_LONGEST_WAVE) / (width // 2)))
    angles = ops.expand_dims(ops.cast(places, "float32"), -1) * frequencies
    return ops.sin(angles), ops.cos(angles)
