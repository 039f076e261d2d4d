"""What a style is read from, and colours that are matched by it."""

import keras
from keras import layers, ops

from dlkeras.losses.style import gram_matrix, moments

COLOUR_NUMBERS = 12
# Of colours in every direction: the chroma of a grey picture, which is next to nothing, must not be blown up.
_LEAST_VARIANCE = 0.003


def colour_statistics(pixels):
    """Returns what the colours of pictures are: means, and square roots of covariances.

    Args:
        pixels: `(batch, height, width, 3)` in [-1, 1].

    Returns:
        `(batch, 3)`, and symmetric matrices `(batch, 3, 3)`.
    """
    pixels = ops.cast(pixels, "float32")  # roots and inverses of matrices are not there in half precision
    mean = ops.mean(pixels, axis=(1, 2), keepdims=True)
    covariance = gram_matrix(pixels - mean) + _LEAST_VARIANCE * ops.eye(3, dtype=pixels.dtype)
    values, vectors = ops.linalg.eigh(covariance)
    root = ops.matmul(vectors * ops.sqrt(values)[:, None], ops.transpose(vectors, (0, 2, 1)))
    return mean[:, 0, 0], root


@keras.saving.register_keras_serializable(package="dlkeras")
class ColourStatistics(layers.Layer):
    """`colour_statistics` of pixels in [-1, 1] as one row of numbers: `(batch, 12)`."""

    def call(self, pixels):
        mean, root = colour_statistics(pixels)
        return ops.cast(ops.concatenate([mean, ops.reshape(root, (-1, 9))], axis=-1), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], COLOUR_NUMBERS)


@keras.saving.register_keras_serializable(package="dlkeras")
class MatchColours(layers.Layer):
    """Gives pixels in [-1, 1] the mean and the covariance of colours that the end of a condition names.

    The map of colours is linear; of a picture's own statistics it is the identity.
    """

    def call(self, inputs):
        pixels, condition = (ops.cast(one, "float32") for one in inputs)
        mean, root = colour_statistics(pixels)
        wanted_mean = condition[:, None, None, -COLOUR_NUMBERS:-9]
        wanted = ops.reshape(condition[:, -9:], (-1, 3, 3))
        change = ops.matmul(ops.linalg.inv(root), ops.transpose(wanted, (0, 2, 1)))  # of rows
        _, height, width, _ = ops.shape(pixels)
        flat = ops.matmul(ops.reshape(pixels - mean[:, None, None], (-1, height * width, 3)), change)
        return ops.cast(ops.reshape(flat, (-1, height, width, 3)) + wanted_mean, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape[0]


@keras.saving.register_keras_serializable(package="dlkeras")
class StyleStatistics(layers.Layer):
    """What a style is read from: a list of maps to `(batch, numbers)`.

    Means and deviations of the channels of all maps, and how those of the first one, the pixels, go together.
    """

    def call(self, inputs):
        colours = gram_matrix(inputs[0])
        channels = colours.shape[-1]
        colours = ops.reshape(colours, (-1, channels * channels))
        return ops.concatenate([colours, *(moments(maps) for maps in inputs)], axis=-1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], input_shape[0][-1] ** 2 + 2 * sum(shape[-1] for shape in input_shape))
