"""EfficientNets (Tan and Le, 2019, "EfficientNet: Rethinking model scaling for convolutional neural networks").

Pictures `(batch, height, width, channels)` in, logits `(batch, num_classes)` out.
One network, B0, of inverted residual blocks with squeeze and excitation; the larger ones are it with more channels and
more blocks. The form for pictures of about 32 px (stem `"small"`) keeps the first two strides at 1, so that 4 x 4 is
left of 32 x 32.

Layers are named as in `keras.applications`, whose weights fit by name, but for the head (`logits`, there
`predictions`) and squeeze and excitation, which is one layer here and two 1 x 1 convolutions there. Those models take
pixels of 0 to 255 and begin with a `Normalization` layer of 7 parameters (means, variances, a counter), which these do
not have: they take what it gives, pictures in [0, 1] less ImageNet's mean and over its deviation.
"""

import math

import keras
from keras import layers

from dlkeras.checks import check_choice, check_num_classes, check_positive, check_rate
from dlkeras.layers import BatchNormalization, SqueezeExcitation
from dlkeras.models.base import ConfiguredModel, divisible

_STEM_STRIDES = {"small": 1, "large": 2}

# (expansion, filters, blocks, strides of the first block, kernel size) of each stage; the paper's table 1.
_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


def _initializer():
    # By the outputs: Keras takes all channels for the inputs of a depthwise convolution.
    return keras.initializers.VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal")


def _normalize_and_activate(x, normalization, activation):
    x = _normalization(x, normalization)
    return layers.Activation("silu", name=activation)(x)


def _normalization(x, name):
    # Keras applications has momentum 0.99: too slow for the few thousand steps of a small data set.
    return BatchNormalization(momentum=0.9, epsilon=1e-3, name=name)(x)


def _convolution(x, filters, kernel_size, strides, name):
    return layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer=_initializer(),
        name=name,
    )(x)


def _block(x, expansion, filters, strides, kernel_size, drop_rate, name):
    """Inverted residual: `(batch, h, w, c)` to `(batch, h / strides, w / strides, filters)`, wide in the middle."""
    channels = x.shape[-1]
    y = x
    if expansion > 1:
        y = _convolution(y, expansion * channels, 1, 1, f"{name}_expand_conv")  # (batch, h, w, expansion * c)
        y = _normalize_and_activate(y, f"{name}_expand_bn", f"{name}_expand_activation")
    y = layers.DepthwiseConv2D(
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        depthwise_initializer=_initializer(),
        name=f"{name}_dwconv",
    )(y)  # (batch, h / strides, w / strides, expansion * c)
    y = _normalize_and_activate(y, f"{name}_bn", f"{name}_activation")
    y = SqueezeExcitation(max(1, channels // 4), activation="silu", name=f"{name}_se")(y)
    y = _convolution(y, filters, 1, 1, f"{name}_project_conv")  # (batch, h / strides, w / strides, filters)
    y = _normalization(y, f"{name}_project_bn")
    if strides > 1 or channels != filters:
        return y
    if drop_rate:
        # Stochastic depth (Huang et al., 2016): the branch of a whole picture at once.
        y = layers.Dropout(drop_rate, noise_shape=(None, 1, 1, 1), name=f"{name}_drop")(y)
    return layers.Add(name=f"{name}_add")([y, x])


@keras.saving.register_keras_serializable(package="dlkeras")
class EfficientNet(ConfiguredModel):
    """EfficientNet-B0, scaled in width and depth.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; scaled floats.
        width: Factor on the number of channels of every layer, above 0; rounded to multiples of 8.
        depth: Factor on the number of blocks of every stage, above 0; rounded up.
        stem: `"small"` for pictures of about 32 px, `"large"` for about 224 px.
        dropout: Rate before the last layer, in [0, 1).
        stochastic_depth: Rate at which the last block is left out in training, in [0, 1); it rises to it from 0 at the
            first block.

    Raises:
        ValueError: `num_classes`, `width`, `depth`, `stem`, `dropout` or `stochastic_depth` is out of its range.
    """

    def __init__(
        self,
        *,
        num_classes=10,
        input_shape=(32, 32, 3),
        width=1.0,
        depth=1.0,
        stem="small",
        dropout=0.0,
        stochastic_depth=0.0,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_positive("width", width)
        check_positive("depth", depth)
        check_choice("stem", stem, _STEM_STRIDES)
        check_rate("dropout", dropout)
        check_rate("stochastic_depth", stochastic_depth)

        inputs = keras.Input(input_shape)
        x = _convolution(inputs, divisible(32 * width), 3, _STEM_STRIDES[stem], "stem_conv")
        x = _normalize_and_activate(x, "stem_bn", "stem_activation")
        for rate, block in _blocks(width, depth, stem):
            x = _block(x, drop_rate=stochastic_depth * rate, **block)
        x = _convolution(x, divisible(1280 * width), 1, 1, "top_conv")
        x = _normalize_and_activate(x, "top_bn", "top_activation")
        x = layers.GlobalAveragePooling2D(name="pool")(x)  # (batch, filters)
        x = layers.Dropout(dropout, name="dropout")(x) if dropout else x
        outputs = layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "width": width,
            "depth": depth,
            "stem": stem,
            "dropout": dropout,
            "stochastic_depth": stochastic_depth,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)


def _blocks(width, depth, stem):
    """Lists the arguments of every block, each with how far up the network it is, from 0 to 1."""
    blocks = []
    for stage, (expansion, filters, repeats, strides, kernel_size) in enumerate(_STAGES, start=1):
        # Stage 2 is the first one that halves the picture.
        strides = _STEM_STRIDES[stem] if stage == 2 else strides
        for index in range(math.ceil(depth * repeats)):
            blocks.append(
                {
                    "expansion": expansion,
                    "filters": divisible(filters * width),
                    "strides": strides if index == 0 else 1,
                    "kernel_size": kernel_size,
                    "name": f"block{stage}{chr(ord('a') + index)}",
                }
            )
    return [(index / len(blocks), block) for index, block in enumerate(blocks)]


def _scaled(width, depth, size, dropout):
    """Gives the arguments of one of the paper's networks; `size` is the height and width that it was made for."""
    return {
        "width": width,
        "depth": depth,
        "stem": "large",
        "input_shape": (size, size, 3),
        "dropout": dropout,
        "stochastic_depth": 0.2,
    }


VARIANTS = {
    "efficientnet_mini": (EfficientNet, {"width": 0.35, "depth": 0.5}),
    "efficientnet_b0": (EfficientNet, _scaled(1.0, 1.0, 224, 0.2)),
    "efficientnet_b1": (EfficientNet, _scaled(1.0, 1.1, 240, 0.2)),
    "efficientnet_b2": (EfficientNet, _scaled(1.1, 1.2, 260, 0.3)),
    "efficientnet_b3": (EfficientNet, _scaled(1.2, 1.4, 300, 0.3)),
}
