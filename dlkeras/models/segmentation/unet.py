"""U-Net (Ronneberger et al., 2015, "U-Net: Convolutional networks for biomedical image segmentation").

Pictures `(batch, height, width, channels)` in, logits `(batch, height, width, num_classes)` out.
Convolutions are padded, so that the answer is as large as the picture; in the paper each takes a pixel off every side.
Pictures whose sides are no multiples of `2 ** depth` are padded with zeros, on both sides alike, and the logits are cut
to the picture again.
"""

import keras
from keras import layers

from dlkeras.checks import check_num_classes, check_positive, check_rate
from dlkeras.layers import BatchNormalization
from dlkeras.models.base import ConfiguredModel, scaled


def _convolutions(x, filters, batch_normalization, name):
    """Two convolutions of 3 x 3: `(batch, h, w, c)` to `(batch, h, w, filters)`."""
    for index in (1, 2):
        x = layers.Conv2D(
            filters,
            3,
            padding="same",
            use_bias=not batch_normalization,
            kernel_initializer="he_normal",
            name=f"{name}_conv{index}",
        )(x)
        if batch_normalization:
            x = BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"{name}_bn{index}")(x)
        x = layers.ReLU(name=f"{name}_relu{index}")(x)
    return x


def _upward(x, skip, filters, batch_normalization, name):
    """Doubles the sides, and joins what the way down had there: to `(batch, 2 * h, 2 * w, filters)`."""
    x = layers.Conv2DTranspose(filters, 2, strides=2, kernel_initializer="he_normal", name=f"{name}_enlarge")(x)
    x = layers.Concatenate(name=f"{name}_join")([skip, x])  # (batch, 2 * h, 2 * w, 2 * filters)
    return _convolutions(x, filters, batch_normalization, name)


@keras.saving.register_keras_serializable(package="dlkeras")
class UNet(ConfiguredModel):
    """U-Net of any depth and width.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; scaled floats.
        depth: How often the picture is halved, at least 1; 4 in the paper.
        width: Factor on the number of channels of every convolution, above 0: 64 on top, twice as many a level below.
            No layer has fewer than 8.
        batch_normalization: Whether convolutions are normalized; they have no biases then.
        dropout: Rate at the bottom, in [0, 1); 0.5 in the authors' own code.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(
        self,
        *,
        num_classes=2,
        input_shape=(224, 224, 3),
        depth=4,
        width=1.0,
        batch_normalization=False,
        dropout=0.0,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_positive("depth", depth)
        check_positive("width", width)
        check_rate("dropout", dropout)
        filters = [scaled(64 * 2**level, width) for level in range(depth + 1)]
        padding = [_padding(side, 2**depth) for side in input_shape[:2]]

        inputs = keras.Input(input_shape)
        x = layers.ZeroPadding2D(padding, name="pad")(inputs)
        skips = []
        for level in range(depth):
            skips.append(_convolutions(x, filters[level], batch_normalization, f"down{level}"))
            x = layers.MaxPooling2D(2, name=f"down{level}_pool")(skips[-1])
        x = _convolutions(x, filters[depth], batch_normalization, "bottom")
        x = layers.Dropout(dropout, name="dropout")(x) if dropout else x
        for level in reversed(range(depth)):
            x = _upward(x, skips[level], filters[level], batch_normalization, f"up{level}")
        x = layers.Conv2D(num_classes, 1, name="logits")(x)
        x = layers.Cropping2D(padding, name="crop")(x)  # (batch, height, width, num_classes)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "depth": depth,
            "width": width,
            "batch_normalization": batch_normalization,
            "dropout": dropout,
        }
        super().__init__(inputs, x, arguments=arguments, **kwargs)


def _padding(side, multiple):
    """Returns how many pixels to add before and behind."""
    missing = -side % multiple
    return missing // 2, missing - missing // 2


VARIANTS = {
    "unet": (UNet, {"dropout": 0.5}),
    "unet_mini": (UNet, {"width": 0.25, "batch_normalization": True}),
}
