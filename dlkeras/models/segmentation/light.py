"""A light U-Net for CPUs: MobileNetV1 on the way down, depthwise separable convolutions on the way up.

Pictures `(batch, height, width, channels)` in, logits `(batch, height, width, num_classes)` out. The form is that of
U-Net (Ronneberger et al., 2015); its convolutions are those of MobileNet (Howard et al., 2017), and maps are enlarged
bilinearly, which takes no weights and fits sides of any length.
"""

import keras
from keras import layers

from dlkeras.checks import check_least_size, check_num_classes, check_positive, check_rate
from dlkeras.layers import BatchNormalization
from dlkeras.models.base import ConfiguredModel
from dlkeras.models.detection.ssd import feature_levels
from dlkeras.models.vision.mobilenet import MobileNetV1

# The last map of each size: a half of the picture, a fourth, an eighth, a 16th and a 32nd.
_LEVELS = ("conv_pw_1_relu", "conv_pw_3_relu", "conv_pw_5_relu", "conv_pw_11_relu", "conv_pw_13_relu")


def _unit(x, filters, name):
    """`(batch, h, w, c)` to `(batch, h, w, filters)`."""
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_dw")(x)
    x = BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"{name}_dw_bn")(x)
    x = layers.ReLU(6.0, name=f"{name}_dw_relu")(x)
    x = layers.Conv2D(filters, 1, use_bias=False, kernel_initializer="he_normal", name=f"{name}_pw")(x)
    x = BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"{name}_pw_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_pw_relu")(x)


def _resize(x, shape, name):
    return layers.Resizing(*shape, interpolation="bilinear", name=name)(x)


def _upward(x, skip, filters, name):
    """Enlarges a map to the sides of a finer one and joins both: to `(batch, h, w, filters)`."""
    x = _resize(x, skip.shape[1:3], f"{name}_enlarge")
    x = layers.Concatenate(name=f"{name}_join")([skip, x])
    return _unit(_unit(x, filters, f"{name}_unit1"), filters, f"{name}_unit2")


@keras.saving.register_keras_serializable(package="dlkeras")
class MobileUNet(ConfiguredModel):
    """U-Net with MobileNetV1 as its encoder.

    The encoder is the layer `backbone`, a `keras.Model` whose layers are named as in `keras.applications`, so that
    ImageNet weights of the same width fit by name; it takes what they take, pictures in [-1, 1].

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`, at least 32 x 32.
        width: Factor on the number of channels of the encoder, above 0; see
            `dlkeras.models.vision.mobilenet.MobileNetV1`.
        decoder_filters: Channels of each step up, 1 to 5 of them: four end at half the picture's sides, three at a
            fourth, and a fifth joins the picture itself. The logits there are resized to the picture.
        dropout: Rate before the last layer, in [0, 1).

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(
        self,
        *,
        num_classes=2,
        input_shape=(224, 224, 3),
        width=0.25,
        decoder_filters=(128, 64, 48, 32),
        dropout=0.0,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_least_size(input_shape, 32)
        check_positive("width", width)
        check_rate("dropout", dropout)
        if not 1 <= len(decoder_filters) <= len(_LEVELS):
            raise ValueError(
                f"`decoder_filters` must have 1 to {len(_LEVELS)} entries. "
                f"Received: decoder_filters={tuple(decoder_filters)}"
            )
        encoder = MobileNetV1(num_classes=1, input_shape=input_shape, width=width, stem="large")
        inputs = keras.Input(input_shape)
        maps = [inputs, *feature_levels(encoder, _LEVELS)(inputs)]  # the finest first
        x = maps.pop()
        for step, filters in enumerate(decoder_filters):
            x = _upward(x, maps.pop(), filters, f"up{step}")
        x = layers.Dropout(dropout, name="dropout")(x) if dropout else x
        x = layers.Conv2D(num_classes, 1, name="logits")(x)
        x = _resize(x, input_shape[:2], "resize")  # (batch, height, width, num_classes)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "width": width,
            "decoder_filters": tuple(decoder_filters),
            "dropout": dropout,
        }
        super().__init__(inputs, x, arguments=arguments, **kwargs)


VARIANTS = {
    "mobile_unet_025": (MobileUNet, {"width": 0.25}),
    "mobile_unet_050": (MobileUNet, {"width": 0.5}),
}
