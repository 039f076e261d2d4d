"""A network that paints in any style: instance normalization whose scales and shifts come from the style picture.

Pictures `(batch, height, width, 3)` in [0, 255] in and out, of any size from 16 x 16.

Source: Ghiasi et al. 2017, "Exploring the structure of a real-time, arbitrary neural artistic stylization network";
Dumoulin et al. 2017, "A learned representation for artistic style". Different here: the style is read from means and
deviations of feature maps, which few styles are enough to learn from; colours are matched first, by their means and
covariances; maps of the way down are added on the way up; and there is noise to make strokes of.
"""

import keras
from keras import initializers, layers

from dlkeras.checks import check_positive
from dlkeras.models.base import ConfiguredModel
from dlkeras.models.style.layers import ConditionalInstanceNormalization, EnlargeLike, ReflectionPadding, WithNoise
from dlkeras.models.style.statistics import COLOUR_NUMBERS, ColourStatistics, MatchColours, StyleStatistics


class _Painter:
    """Adds convolutions with conditional normalization, and counts the numbers that they take."""

    def __init__(self, condition_size):
        self.condition = keras.Input((condition_size,), name="condition")
        self.used = 0

    def unit(self, x, filters, kernel_size, name, strides=1, skip=None, relu=True):
        x = _convolution(x, filters, kernel_size, name, strides, use_bias=False)
        x = layers.Add(name=f"{name}_add")([x, skip]) if skip is not None else x
        x = ConditionalInstanceNormalization(self.used, name=f"{name}_norm")([x, self.condition])
        self.used += 2 * filters
        return layers.ReLU(name=f"{name}_relu")(x) if relu else x

    def block(self, x, name):
        filters = x.shape[-1]
        y = self.unit(self.unit(x, filters, 3, f"{name}_1"), filters, 3, f"{name}_2", relu=False)
        return layers.Add(name=name)([x, y])


def _convolution(x, filters, kernel_size, name, strides=1, **kwargs):
    x = ReflectionPadding(kernel_size // 2, name=f"{name}_pad")(x)
    return layers.Conv2D(filters, kernel_size, strides, name=name, **kwargs)(x)


def condition_size(width, blocks):
    """Returns how many numbers a `Stylizer` is told a style by: two a normalized channel, and those of colours."""
    return _normalized_numbers(width, blocks) + COLOUR_NUMBERS


def _normalized_numbers(width, blocks):
    return 2 * (10 * width + 8 * width * blocks)


@keras.saving.register_keras_serializable(package="dlkeras")
class Stylizer(ConfiguredModel):
    """Paints pictures by a condition: called on `[pictures, conditions]`.

    First the colours are given the mean and the covariance of the style's; what the network adds to that are strokes.
    Two steps down, residual blocks at a quarter of the sides, two steps up by repeating pixels and convolving, which
    leaves no chequered pattern as transposed convolutions do. Pictures that come out are not clipped to [0, 255].

    Args:
        width: Channels at the picture's own size; twice and four times as many below.
        blocks: Number of residual blocks.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(self, width=16, blocks=5, **kwargs):
        check_positive("width", width)
        check_positive("blocks", blocks)
        pictures = keras.Input((None, None, 3), name="picture")
        painter = _Painter(condition_size(width, blocks))
        x = layers.Rescaling(1 / 127.5, -1.0, name="scaled")(pictures)
        coloured = MatchColours(name="colours")([x, painter.condition])
        fine = painter.unit(WithNoise(name="noise_1")(coloured), width, 5, "down_1")
        half = painter.unit(WithNoise(name="noise_2")(fine), 2 * width, 3, "down_2", strides=2)
        x = painter.unit(WithNoise(name="noise_3")(half), 4 * width, 3, "down_3", strides=2)
        for number in range(1, blocks + 1):
            x = painter.block(x, f"block_{number}")
        x = painter.unit(EnlargeLike(name="enlarge_1")([x, half]), 2 * width, 3, "up_1", skip=half)
        x = painter.unit(EnlargeLike(name="enlarge_2")([x, fine]), width, 3, "up_2", skip=fine)
        x = _convolution(x, 3, 5, "paint", kernel_initializer=initializers.RandomNormal(stddev=0.01))
        x = layers.Add(name="painted")([coloured, x])
        x = layers.Rescaling(127.5, 127.5, name="pixels")(x)
        super().__init__([pictures, painter.condition], x, arguments={"width": width, "blocks": blocks}, **kwargs)


def style_predictor(features, width, blocks, units=128, name="predictor"):
    """Builds the network that reads a style, for a `Stylizer` of the same width and number of blocks.

    Args:
        features: `keras.Model` of `dlkeras.models.style.features.picture_features`.
        width: Of the `Stylizer`.
        blocks: Of the `Stylizer`.
        units: Width of its hidden layer, and of the style's code.
        name: Of the model.

    Returns:
        A `keras.Model` from pictures `(batch, height, width, 3)` in [0, 255] to conditions.
    """
    pictures = keras.Input((None, None, 3), name="style")
    smaller = layers.AveragePooling2D(2, name="smaller")(pictures)
    maps = features(pictures)
    numbers = [
        StyleStatistics(name="statistics")(maps),
        StyleStatistics(name="smaller_statistics")(features(smaller)),
    ]
    x = layers.Concatenate(name="numbers")(numbers)
    x = layers.Dense(units, activation="relu", name="hidden")(x)
    x = layers.Dense(units, activation="relu", name="code")(x)
    x = layers.Dense(_normalized_numbers(width, blocks), name="scales_and_shifts")(x)
    x = layers.Concatenate(name="condition")([x, ColourStatistics(name="colours")(maps[0])])
    return keras.Model(pictures, x, name=name)


def style_network(features, width=16, blocks=5, **kwargs):
    """Builds a network that paints a content in a style, both from one input: pairs `(batch, 2, height, width, 3)`.

    Its layers `predictor` and `stylizer` take pictures of different sizes.

    Args:
        features: `keras.Model` that styles are read with; see `dlkeras.models.style.features.picture_features`.
        width: Channels of the `Stylizer`.
        blocks: Its residual blocks.
        **kwargs: Of `keras.Model`, such as `name`.

    Returns:
        A `keras.Model` that gives pictures `(batch, height, width, 3)`, not clipped to [0, 255].
    """
    pairs = keras.Input((2, None, None, 3), name="pair")
    content, style = pairs[:, 0], pairs[:, 1]
    condition = style_predictor(features, width, blocks)(style)
    return keras.Model(pairs, Stylizer(width, blocks, name="stylizer")([content, condition]), **kwargs)


VARIANTS = {"stylizer": (Stylizer, {})}
