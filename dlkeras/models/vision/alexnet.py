"""AlexNet (Krizhevsky et al., 2012, "ImageNet classification with deep convolutional neural networks").

Pictures `(batch, height, width, channels)` in, logits `(batch, num_classes)` out.
The textbooks' single column, without the paper's split over two GPUs and without local response normalization: 62.4
million parameters for 1000 classes, where the split left 61.0. `alexnet_one_tower` has the channels of Krizhevsky's
later column (2014, "One weird trick for parallelizing convolutional neural networks"), which is torchvision's AlexNet.

Two forms: the paper's (stem `"large"`, about 224 px) and one for pictures of about 32 px (stem `"small"`: the first
convolution is 5 x 5 and keeps the size, so that the rest of the plan stays as it is).
"""

import keras
from keras import layers

from dlkeras.checks import check_choice, check_least_size, check_num_classes, check_positive, check_rate
from dlkeras.models.base import ConfiguredModel, scaled

_KERNEL_SIZES = (5, 3, 3, 3)  # of the convolutions after the stem
_POOLED = (1, 2, 5)  # the convolutions that a pooling follows


def _convolution(x, filters, kernel_size, name, strides=1, padding="same"):
    return layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        activation="relu",
        kernel_initializer="he_normal",
        name=name,
    )(x)


def _small_stem(x, filters):
    return _convolution(x, filters, 5, "conv1")  # (batch, height, width, filters)


def _large_stem(x, filters):
    # With this padding 224 px give the 55 x 55 of the paper, whose own numbers ask for 227 px.
    x = layers.ZeroPadding2D(2, name="conv1_pad")(x)
    return _convolution(x, filters, 11, "conv1", strides=4, padding="valid")  # (batch, height / 4, width / 4, filters)


# Each with the least size of which three poolings leave a pixel.
_STEMS = {"small": (_small_stem, 15), "large": (_large_stem, 63)}


def _dense(x, units, dropout, name):
    x = layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=name)(x)  # (batch, units)
    return layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x


@keras.saving.register_keras_serializable(package="dlkeras")
class AlexNet(ConfiguredModel):
    """AlexNet: five convolutions with overlapping pooling, then three dense layers.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; scaled floats. At least 15 x 15 with the small
            stem, 63 x 63 with the large one.
        filters: Channels of the five convolutions.
        width: Factor on `filters`, above 0; no layer has fewer than 8.
        dense_units: Units of both hidden dense layers.
        stem: `"small"` for pictures of about 32 px, `"large"` for about 224 px.
        dropout: Rate after both hidden dense layers, in [0, 1).

    Raises:
        ValueError: An argument is out of its range, or the picture is too small.
    """

    def __init__(
        self,
        *,
        num_classes=10,
        input_shape=(32, 32, 3),
        filters=(96, 256, 384, 384, 256),
        width=1.0,
        dense_units=4096,
        stem="small",
        dropout=0.5,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_positive("width", width)
        check_positive("dense_units", dense_units)
        check_choice("stem", stem, _STEMS)
        check_rate("dropout", dropout)
        make_stem, least_size = _STEMS[stem]
        check_least_size(input_shape, least_size)
        if len(filters) != 5:
            raise ValueError(f"`filters` must have 5 entries. Received: filters={tuple(filters)}")

        inputs = keras.Input(input_shape)
        counts = [scaled(count, width) for count in filters]
        x = make_stem(inputs, counts[0])
        for index, count in enumerate(counts, start=1):
            if index > 1:
                x = _convolution(x, count, _KERNEL_SIZES[index - 2], f"conv{index}")
            if index in _POOLED:
                x = layers.MaxPooling2D(3, strides=2, name=f"pool{index}")(x)  # (batch, h / 2, w / 2, count)
        x = layers.Flatten(name="flatten")(x)
        x = _dense(x, dense_units, dropout, "fc6")
        x = _dense(x, dense_units, dropout, "fc7")
        outputs = layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "filters": tuple(filters),
            "width": width,
            "dense_units": dense_units,
            "stem": stem,
            "dropout": dropout,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)


_LARGE = {"stem": "large", "input_shape": (224, 224, 3)}

VARIANTS = {
    "alexnet_mini": (AlexNet, {"width": 0.22, "dense_units": 256, "dropout": 0.1}),
    "alexnet": (AlexNet, _LARGE),
    "alexnet_one_tower": (AlexNet, {**_LARGE, "filters": (64, 192, 384, 256, 256)}),
}
