"""VGG networks (Simonyan and Zisserman, 2014, "Very deep convolutional networks for large-scale image recognition").

Pictures `(batch, height, width, channels)` in, logits `(batch, num_classes)` out.
The paper's networks A, B, D and E. Poolings round up, so that the five of them do not use up a picture of 28 px; that
is the paper's pooling wherever height and width are multiples of 32. Layers are named as in `keras.applications`, whose
weights fit by name; only its `predictions` is `logits` here.
"""

import keras
from keras import layers

from dlkeras.checks import check_num_classes, check_positive, check_rate
from dlkeras.layers import BatchNormalization
from dlkeras.models.base import ConfiguredModel, scaled

_FILTERS = (64, 128, 256, 512, 512)  # of each stage; the paper's table 1


def _convolution_unit(x, filters, batch_normalization, name):
    # He's initializer: from Glorot's, these depths hardly start to learn without normalization.
    x = layers.Conv2D(
        filters, 3, padding="same", use_bias=not batch_normalization, kernel_initializer="he_normal", name=name
    )(x)  # (batch, h, w, filters)
    x = BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x) if batch_normalization else x
    return layers.ReLU(name=f"{name}_relu")(x)


def _dense(x, units, dropout, name):
    x = layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=name)(x)  # (batch, units)
    return layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x


@keras.saving.register_keras_serializable(package="dlkeras")
class VGG(ConfiguredModel):
    """VGG: five stages of 3 x 3 convolutions with pooling, then three dense layers.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; scaled floats.
        stage_convolutions: Number of convolutions in each of the five stages.
        width: Factor on the number of channels of every convolution, above 0; no layer has fewer than 8.
        dense_units: Units of both hidden dense layers.
        batch_normalization: Whether convolutions are normalized; they have no biases then.
        dropout: Rate after both hidden dense layers, in [0, 1).

    Raises:
        ValueError: `num_classes`, `stage_convolutions`, `width`, `dense_units` or `dropout` is out of its range.
    """

    def __init__(
        self,
        *,
        num_classes=10,
        input_shape=(32, 32, 3),
        stage_convolutions=(1, 1, 2, 2, 2),
        width=1.0,
        dense_units=4096,
        batch_normalization=False,
        dropout=0.5,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_positive("width", width)
        check_positive("dense_units", dense_units)
        check_rate("dropout", dropout)
        if len(stage_convolutions) != len(_FILTERS) or min(stage_convolutions) < 1:
            raise ValueError(
                f"`stage_convolutions` must have {len(_FILTERS)} entries of at least 1. "
                f"Received: stage_convolutions={tuple(stage_convolutions)}"
            )

        inputs = keras.Input(input_shape)
        x = inputs
        for stage, (convolutions, filters) in enumerate(zip(stage_convolutions, _FILTERS, strict=True), start=1):
            for index in range(1, convolutions + 1):
                x = _convolution_unit(x, scaled(filters, width), batch_normalization, f"block{stage}_conv{index}")
            x = layers.MaxPooling2D(2, padding="same", name=f"block{stage}_pool")(x)  # (batch, h / 2, w / 2, filters)
        x = layers.Flatten(name="flatten")(x)
        x = _dense(x, dense_units, dropout, "fc1")
        x = _dense(x, dense_units, dropout, "fc2")
        outputs = layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "stage_convolutions": tuple(stage_convolutions),
            "width": width,
            "dense_units": dense_units,
            "batch_normalization": batch_normalization,
            "dropout": dropout,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)


_LARGE = {"input_shape": (224, 224, 3)}

VARIANTS = {
    "vgg11_mini": (VGG, {"width": 0.25, "dense_units": 256, "batch_normalization": True, "dropout": 0.1}),
    "vgg11": (VGG, {**_LARGE, "stage_convolutions": (1, 1, 2, 2, 2)}),
    "vgg13": (VGG, {**_LARGE, "stage_convolutions": (2, 2, 2, 2, 2)}),
    "vgg16": (VGG, {**_LARGE, "stage_convolutions": (2, 2, 3, 3, 3)}),
    "vgg19": (VGG, {**_LARGE, "stage_convolutions": (2, 2, 4, 4, 4)}),
}
