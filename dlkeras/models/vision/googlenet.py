"""GoogLeNet, the first Inception network (Szegedy et al., 2014, "Going deeper with convolutions").

Pictures `(batch, height, width, channels)` in, logits `(batch, num_classes)` out.
The paper's plan without its local response normalization, as textbooks have it; `batch_normalization=True` puts one
after every convolution instead, which is how it is trained today (Ioffe and Szegedy, 2015).

Two forms: the paper's (stem `"large"`, about 224 px) and one for pictures of about 32 px (stem `"small"`: the first
convolution is 3 x 3 and keeps the size, and one pooling less follows, so that 4 x 4 is left of 32 x 32).
"""

import functools

import keras
from keras import layers

from dlkeras.checks import check_choice, check_least_size, check_num_classes, check_positive, check_rate
from dlkeras.layers import BatchNormalization
from dlkeras.models.base import ConfiguredModel

# Filters of each block: 1 x 1; 1 x 1 and 3 x 3; 1 x 1 and 5 x 5; 1 x 1 after the pooling. The paper's table 1.
_BLOCKS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
_POOLED = ("4a", "5a")  # blocks with a pooling before them
_SUPERVISED = ("4a", "4d")  # blocks with an auxiliary head on them

# The least pictures of which block 4a leaves 5 x 5, the window of the auxiliary heads.
_LEAST_SIZES = {"small": 17, "large": 65}


def _scaled(filters, width):
    return max(8, round(filters * width / 8) * 8)


def _pool(x, strides, name):
    return layers.MaxPooling2D(3, strides=strides, padding="same", name=name)(x)


def _convolution_unit(x, filters, kernel_size, name, *, width, batch_normalization, strides=1):
    if strides > 1:
        # Padded on both sides alike, as in the paper; Keras's "same" pads strided convolutions on one side.
        x = layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x)
    x = layers.Conv2D(
        _scaled(filters, width),
        kernel_size,
        strides=strides,
        padding="valid" if strides > 1 else "same",
        use_bias=not batch_normalization,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    if batch_normalization:
        x = BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _small_stem(x, unit):
    x = unit(x, 64, 3, "conv1")  # (batch, height, width, 64)
    x = _pool(x, 2, "pool1")  # (batch, height / 2, width / 2, 64)
    x = unit(x, 64, 1, "conv2_reduce")
    return unit(x, 192, 3, "conv2")  # (batch, height / 2, width / 2, 192)


def _large_stem(x, unit):
    x = unit(x, 64, 7, "conv1", strides=2)  # (batch, height / 2, width / 2, 64)
    x = _pool(x, 2, "pool1")
    x = unit(x, 64, 1, "conv2_reduce")
    x = unit(x, 192, 3, "conv2")
    return _pool(x, 2, "pool2")  # (batch, height / 8, width / 8, 192)


_STEMS = {"small": _small_stem, "large": _large_stem}


def _inception_block(x, filters, unit, name):
    """Joins four branches: `(batch, h, w, c)` to `(batch, h, w, sum of the branches' filters)`."""
    one, three_reduce, three, five_reduce, five, projection = filters
    branches = [
        unit(x, one, 1, f"{name}_1x1"),
        unit(unit(x, three_reduce, 1, f"{name}_3x3_reduce"), three, 3, f"{name}_3x3"),
        unit(unit(x, five_reduce, 1, f"{name}_5x5_reduce"), five, 5, f"{name}_5x5"),
        unit(_pool(x, 1, f"{name}_pool"), projection, 1, f"{name}_pool_projection"),
    ]
    return layers.Concatenate(name=name)(branches)


def _auxiliary_head(x, num_classes, dropout, unit, width, name):
    """Classifies from the middle of the network: `(batch, h, w, c)` to logits `(batch, num_classes)`."""
    x = layers.AveragePooling2D(5, strides=3, name=f"{name}_pool")(x)
    x = unit(x, 128, 1, f"{name}_conv")
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(_scaled(1024, width), activation="relu", kernel_initializer="he_normal", name=f"{name}_dense")(x)
    x = layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x
    return layers.Dense(num_classes, name=name)(x)


@keras.saving.register_keras_serializable(package="dlkeras")
class GoogLeNet(ConfiguredModel):
    """GoogLeNet: nine inception blocks, each of four branches with windows of different sizes.

    The output is the logits alone, in training too. With `auxiliary_heads` the attribute `auxiliary` is a model of the
    same input, layers and weights that gives `[logits, auxiliary_1, auxiliary_2]`, each `(batch, num_classes)`, to be
    trained by `dlkeras.training.auxiliary.DeeplySupervised`; without, it is `None`.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; scaled floats.
        stem: `"small"` for pictures of about 32 px, `"large"` for about 224 px.
        width: Factor on the number of channels of every layer, above 0; rounded to multiples of 8.
        batch_normalization: Whether every convolution is followed by batch normalization, in place of a bias.
        auxiliary_heads: Whether there are two more classifiers, on the first and the fourth block of stage 4.
        auxiliary_dropout: Rate before the last layer of those, in [0, 1).
        dropout: Rate before the last layer, in [0, 1).

    Raises:
        ValueError: `num_classes`, `stem`, `width` or a dropout is out of its range, or the picture is too small for
            auxiliary heads.
    """

    def __init__(
        self,
        *,
        num_classes=10,
        input_shape=(32, 32, 3),
        stem="small",
        width=1.0,
        batch_normalization=False,
        auxiliary_heads=False,
        auxiliary_dropout=0.7,
        dropout=0.0,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_choice("stem", stem, _STEMS)
        check_positive("width", width)
        check_rate("auxiliary_dropout", auxiliary_dropout)
        check_rate("dropout", dropout)
        if auxiliary_heads:
            check_least_size(input_shape, _LEAST_SIZES[stem])

        unit = functools.partial(_convolution_unit, width=width, batch_normalization=batch_normalization)
        heads = []
        inputs = keras.Input(input_shape)
        x = _STEMS[stem](inputs, unit)
        for block, filters in _BLOCKS.items():
            x = _pool(x, 2, f"pool_before_{block}") if block in _POOLED else x
            x = _inception_block(x, filters, unit, f"inception_{block}")
            if auxiliary_heads and block in _SUPERVISED:
                name = f"auxiliary_{len(heads) + 1}"
                heads.append(_auxiliary_head(x, num_classes, auxiliary_dropout, unit, width, name))
        x = layers.GlobalAveragePooling2D(name="pool")(x)  # (batch, 1024)
        x = layers.Dropout(dropout, name="dropout")(x) if dropout else x
        outputs = layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "stem": stem,
            "width": width,
            "batch_normalization": batch_normalization,
            "auxiliary_heads": auxiliary_heads,
            "auxiliary_dropout": auxiliary_dropout,
            "dropout": dropout,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)
        # An attribute's layers belong to the model: this is what has the heads' weights saved with it.
        self.auxiliary = keras.Model(inputs, [outputs, *heads], name=f"{self.name}_auxiliary") if heads else None


_MINI = {"stem": "small", "width": 0.18, "batch_normalization": True, "auxiliary_heads": True}

VARIANTS = {
    "googlenet": (GoogLeNet, {"stem": "large", "input_shape": (224, 224, 3), "dropout": 0.4}),
    "googlenet_mini": (GoogLeNet, _MINI),
}
