"""MobileNets: V1 (Howard et al., 2017, "MobileNets: Efficient convolutional neural networks for mobile vision
applications") and V2 (Sandler et al., 2018, "MobileNetV2: Inverted residuals and linear bottlenecks").

Pictures `(batch, height, width, channels)` in, logits `(batch, num_classes)` out.
Two forms of each: the paper's (stem `"large"`, about 224 px, every feature map 32 times smaller in the end) and one for
pictures of about 32 px (stem `"small"`: the first two strides are 1, so that 4 x 4 is left of 32 x 32).

Layers are named as in `keras.applications`, whose weights fit by name. Two things differ from there: the head is one
dense layer called `logits` (V1 has a 1 x 1 convolution of the same weights), and V1 pads strided convolutions as the
authors' own code does. The padding is the same wherever height and width are multiples of 32.
"""

import keras
from keras import layers

from dlkeras.checks import check_choice, check_num_classes, check_positive, check_rate
from dlkeras.layers import BatchNormalization
from dlkeras.models.base import ConfiguredModel, divisible, scaled

_STEM_STRIDES = {"small": 1, "large": 2}

# V1: (filters, strides) of each block; the paper's table 1.
_V1_BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *[(512, 1)] * 5,
    (1024, 2),
    (1024, 1),
)

# V2: (expansion, filters, blocks, strides of the first block) of each stage; the paper's table 2.
_V2_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def _normalization(x, name):
    # Keras applications has momentum 0.99 in V1 and 0.999 in V2: after the few hundred steps of a small data set the
    # statistics would still be half those of the start, in every layer, and the answers all alike.
    return BatchNormalization(momentum=0.9, epsilon=1e-3, name=name)(x)


def _convolution(x, filters, kernel_size, strides, name):
    return layers.Conv2D(filters, kernel_size, strides=strides, padding="same", use_bias=False, name=name)(x)


def _depthwise_convolution(x, strides, name):
    return layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False, name=name)(x)


def _separable_block(x, filters, strides, index):
    """V1: `(batch, h, w, c)` to `(batch, h / strides, w / strides, filters)`."""
    x = _depthwise_convolution(x, strides, f"conv_dw_{index}")  # (batch, h / strides, w / strides, c)
    x = _normalization(x, f"conv_dw_{index}_bn")
    x = layers.ReLU(6.0, name=f"conv_dw_{index}_relu")(x)
    x = _convolution(x, filters, 1, 1, f"conv_pw_{index}")  # (batch, h / strides, w / strides, filters)
    x = _normalization(x, f"conv_pw_{index}_bn")
    return layers.ReLU(6.0, name=f"conv_pw_{index}_relu")(x)


def _inverted_residual_block(x, expansion, filters, strides, index):
    """V2: `(batch, h, w, c)` to `(batch, h / strides, w / strides, filters)`, wide in the middle."""
    name = f"block_{index}" if index else "expanded_conv"
    channels = x.shape[-1]
    y = x
    if expansion > 1:
        y = _convolution(y, expansion * channels, 1, 1, f"{name}_expand")  # (batch, h, w, expansion * c)
        y = _normalization(y, f"{name}_expand_BN")
        y = layers.ReLU(6.0, name=f"{name}_expand_relu")(y)
    y = _depthwise_convolution(y, strides, f"{name}_depthwise")  # (batch, h / strides, w / strides, expansion * c)
    y = _normalization(y, f"{name}_depthwise_BN")
    y = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(y)
    y = _convolution(y, filters, 1, 1, f"{name}_project")  # (batch, h / strides, w / strides, filters)
    # No activation here: in so few channels it would destroy what the block carries.
    y = _normalization(y, f"{name}_project_BN")
    if strides == 1 and channels == filters:
        y = layers.Add(name=f"{name}_add")([x, y])
    return y


def _head(x, num_classes, dropout):
    x = layers.GlobalAveragePooling2D(name="pool")(x)  # (batch, filters)
    x = layers.Dropout(dropout, name="dropout")(x) if dropout else x
    return layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)


def _check(num_classes, width, stem, dropout):
    check_num_classes(num_classes)
    check_positive("width", width)
    check_choice("stem", stem, _STEM_STRIDES)
    check_rate("dropout", dropout)


@keras.saving.register_keras_serializable(package="dlkeras")
class MobileNetV1(ConfiguredModel):
    """MobileNet: convolutions split into a depthwise and a pointwise one.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; scaled floats.
        width: Factor on the number of channels of every layer, above 0; no layer has fewer than 8.
        stem: `"small"` for pictures of about 32 px, `"large"` for about 224 px.
        dropout: Rate before the last layer, in [0, 1).

    Raises:
        ValueError: `num_classes`, `width`, `stem` or `dropout` is out of its range.
    """

    def __init__(self, *, num_classes=10, input_shape=(32, 32, 3), width=1.0, stem="small", dropout=0.0, **kwargs):
        _check(num_classes, width, stem, dropout)

        inputs = keras.Input(input_shape)
        x = _convolution(inputs, scaled(32, width), 3, _STEM_STRIDES[stem], "conv1")
        x = _normalization(x, "conv1_bn")
        x = layers.ReLU(6.0, name="conv1_relu")(x)
        for index, (filters, strides) in enumerate(_V1_BLOCKS, start=1):
            # The second block is the first one that halves the picture.
            strides = _STEM_STRIDES[stem] if index == 2 else strides
            x = _separable_block(x, scaled(filters, width), strides, index)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "width": width,
            "stem": stem,
            "dropout": dropout,
        }
        super().__init__(inputs, _head(x, num_classes, dropout), arguments=arguments, **kwargs)


@keras.saving.register_keras_serializable(package="dlkeras")
class MobileNetV2(ConfiguredModel):
    """MobileNetV2: residual blocks that are wide inside and narrow where they are joined.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; scaled floats.
        width: Factor on the number of channels of every layer, above 0; rounded to multiples of 8.
            The last convolution never has fewer than the paper's 1280.
        stem: `"small"` for pictures of about 32 px, `"large"` for about 224 px.
        dropout: Rate before the last layer, in [0, 1).

    Raises:
        ValueError: `num_classes`, `width`, `stem` or `dropout` is out of its range.
    """

    def __init__(self, *, num_classes=10, input_shape=(32, 32, 3), width=1.0, stem="small", dropout=0.0, **kwargs):
        _check(num_classes, width, stem, dropout)

        inputs = keras.Input(input_shape)
        x = _convolution(inputs, divisible(32 * width), 3, _STEM_STRIDES[stem], "Conv1")
        x = _normalization(x, "bn_Conv1")
        x = layers.ReLU(6.0, name="Conv1_relu")(x)
        index = 0
        for expansion, filters, blocks, strides in _V2_STAGES:
            for block in range(blocks):
                block_strides = strides if block == 0 else 1
                # Block 1 is the first one that halves the picture.
                block_strides = _STEM_STRIDES[stem] if index == 1 else block_strides
                x = _inverted_residual_block(x, expansion, divisible(int(filters * width)), block_strides, index)
                index += 1
        x = _convolution(x, divisible(1280 * max(width, 1.0)), 1, 1, "Conv_1")
        x = _normalization(x, "Conv_1_bn")
        x = layers.ReLU(6.0, name="out_relu")(x)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "width": width,
            "stem": stem,
            "dropout": dropout,
        }
        super().__init__(inputs, _head(x, num_classes, dropout), arguments=arguments, **kwargs)


_MINI = {"stem": "small", "input_shape": (32, 32, 3)}
_LARGE = {"stem": "large", "input_shape": (224, 224, 3)}

VARIANTS = {
    "mobilenet_v1_mini": (MobileNetV1, {**_MINI, "width": 0.25}),
    "mobilenet_v1_025": (MobileNetV1, {**_LARGE, "width": 0.25}),
    "mobilenet_v1_050": (MobileNetV1, {**_LARGE, "width": 0.5}),
    "mobilenet_v1_075": (MobileNetV1, {**_LARGE, "width": 0.75}),
    "mobilenet_v1_100": (MobileNetV1, {**_LARGE, "width": 1.0}),
    "mobilenet_v2_mini": (MobileNetV2, {**_MINI, "width": 0.35}),
    "mobilenet_v2_035": (MobileNetV2, {**_LARGE, "width": 0.35}),
    "mobilenet_v2_050": (MobileNetV2, {**_LARGE, "width": 0.5}),
    "mobilenet_v2_075": (MobileNetV2, {**_LARGE, "width": 0.75}),
    "mobilenet_v2_100": (MobileNetV2, {**_LARGE, "width": 1.0}),
    "mobilenet_v2_140": (MobileNetV2, {**_LARGE, "width": 1.4}),
}
