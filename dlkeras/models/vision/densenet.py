"""Densely connected networks (Huang et al., 2016, "Densely connected convolutional networks").

Pictures `(batch, height, width, channels)` in, logits `(batch, num_classes)` out.
Two forms: the paper's CIFAR networks (stem `"small"`: one 3 x 3 convolution) and its ImageNet networks (stem `"large"`:
a 7 x 7 convolution and a pooling). "BC" in their names says bottlenecks, and transitions that compress.

Layers are named as in `keras.applications`, whose weights fit by name; only the pooling and the dense layer of the head
are called `pool` and `logits`.
"""

import keras
from keras import layers

from dlkeras.checks import check_choice, check_least_size, check_num_classes, check_rate
from dlkeras.layers import BatchNormalization
from dlkeras.models.base import ConfiguredModel


def _convolution(x, filters, kernel_size, name, dropout=0.0, **kwargs):
    x = layers.Conv2D(
        filters, kernel_size, use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv", **kwargs
    )(x)
    return layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x


def _normalization(x, name):
    x = BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}bn")(x)
    return layers.ReLU(name=f"{name}relu")(x)


def _dense_layer(x, growth, bottleneck, dropout, name):
    """Adds maps to those that there are: `(batch, h, w, c)` to `(batch, h, w, c + growth)`."""
    y = _normalization(x, f"{name}_0_")
    if bottleneck:
        y = _convolution(y, 4 * growth, 1, f"{name}_1", dropout)  # (batch, h, w, 4 * growth)
        y = _normalization(y, f"{name}_1_")
    y = _convolution(y, growth, 3, f"{name}_2", dropout, padding="same")  # (batch, h, w, growth)
    return layers.Concatenate(name=f"{name}_concat")([x, y])


def _transition(x, compression, dropout, name):
    """`(batch, h, w, c)` to `(batch, h / 2, w / 2, compression * c)`."""
    x = _normalization(x, f"{name}_")
    x = _convolution(x, int(x.shape[-1] * compression), 1, name, dropout)
    return layers.AveragePooling2D(2, name=f"{name}_pool")(x)


def _small_stem(x, filters):
    # No normalization here: the first dense layer begins with one.
    return _convolution(x, filters, 3, "conv1", padding="same")  # (batch, height, width, filters)


def _large_stem(x, filters):
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = _convolution(x, filters, 7, "conv1", strides=2)  # (batch, height / 2, width / 2, filters)
    x = _normalization(x, "conv1_")
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="pool1")(x)  # (batch, height / 4, width / 4, filters)


_STEMS = {"small": _small_stem, "large": _large_stem}
_STEM_STRIDES = {"small": 1, "large": 4}


@keras.saving.register_keras_serializable(package="dlkeras")
class DenseNet(ConfiguredModel):
    """Densely connected network: every layer of a block sees the maps of all layers before it.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; scaled floats.
        block_layers: Number of dense layers in each block; between blocks, height and width are halved.
        growth: Maps that every layer adds, the paper's `k`; at least 1.
        bottleneck: Whether a 1 x 1 convolution to `4 * growth` maps goes before each of 3 x 3 (the paper's "B").
        compression: Share of the maps that is kept between blocks, in (0, 1]; below 1 in the paper's "C".
        stem: `"small"` for pictures of about 32 px, `"large"` for about 224 px.
        stem_filters: Channels that the stem gives out.
        dropout: Rate after every convolution but the first, in [0, 1); as in the paper, 0.2 without augmentation.

    Raises:
        ValueError: `num_classes`, `growth`, `compression`, `stem` or `dropout` is out of its range, there is no block,
            or the picture is too small.
    """

    def __init__(
        self,
        *,
        num_classes=10,
        input_shape=(32, 32, 3),
        block_layers=(12, 12, 12),
        growth=12,
        bottleneck=False,
        compression=1.0,
        stem="small",
        stem_filters=16,
        dropout=0.0,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_choice("stem", stem, _STEMS)
        check_rate("dropout", dropout)
        _check_blocks(block_layers, growth, compression)
        check_least_size(input_shape, _STEM_STRIDES[stem] * 2 ** (len(block_layers) - 1))

        inputs = keras.Input(input_shape)
        x = _STEMS[stem](inputs, stem_filters)
        # Blocks are numbered from 2 on, as in keras.applications: the stem is number 1.
        for block, count in enumerate(block_layers, start=2):
            for index in range(1, count + 1):
                x = _dense_layer(x, growth, bottleneck, dropout, f"conv{block}_block{index}")
            if block <= len(block_layers):
                x = _transition(x, compression, dropout, f"pool{block}")
        x = _normalization(x, "")
        x = layers.GlobalAveragePooling2D(name="pool")(x)  # (batch, filters)
        outputs = layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "block_layers": tuple(block_layers),
            "growth": growth,
            "bottleneck": bottleneck,
            "compression": compression,
            "stem": stem,
            "stem_filters": stem_filters,
            "dropout": dropout,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)


def _check_blocks(block_layers, growth, compression):
    if not block_layers or min(block_layers) < 1:
        raise ValueError(
            "`block_layers` must have one number a block, each at least 1. "
            f"Received: block_layers={tuple(block_layers)}"
        )
    if growth < 1:
        raise ValueError(f"`growth` must be at least 1. Received: growth={growth}")
    if not 0 < compression <= 1:
        raise ValueError(f"`compression` must be in (0, 1]. Received: compression={compression}")


_BC = {"bottleneck": True, "compression": 0.5}
_LARGE = {**_BC, "growth": 32, "stem": "large", "stem_filters": 64, "input_shape": (224, 224, 3)}

VARIANTS = {
    "densenet_mini": (DenseNet, {"block_layers": (1, 4, 6, 4), "growth": 16, "compression": 0.5}),
    "densenet40": (DenseNet, {"block_layers": (12, 12, 12), "growth": 12}),
    "densenet100_bc": (DenseNet, {**_BC, "block_layers": (16, 16, 16), "growth": 12, "stem_filters": 24}),
    "densenet121": (DenseNet, {**_LARGE, "block_layers": (6, 12, 24, 16)}),
    "densenet169": (DenseNet, {**_LARGE, "block_layers": (6, 12, 32, 32)}),
    "densenet201": (DenseNet, {**_LARGE, "block_layers": (6, 12, 48, 32)}),
}
