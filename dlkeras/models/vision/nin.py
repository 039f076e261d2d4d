"""Network in network (Lin et al., 2013, "Network in network").

Pictures `(batch, height, width, channels)` in, logits `(batch, num_classes)` out.
The textbooks' form: the convolutions of AlexNet, each followed by two of 1 x 1, and no dense layer: the last block
gives one map a class, whose mean is the logit. Those maps have no activation here; the textbooks cut them at zero,
where a class that starts below it never learns.

Two forms: the textbooks' (stem `"large"`, about 224 px) and one for pictures of about 32 px (stem `"small"`: the first
convolution is 5 x 5 and keeps the size, so that the rest of the plan stays as it is).
"""

import keras
from keras import layers

from dlkeras.checks import check_choice, check_least_size, check_num_classes, check_positive, check_rate
from dlkeras.layers import BatchNormalization
from dlkeras.models.base import ConfiguredModel, scaled

# Convolutions are (kernel size, strides, padding).
_POINTWISE = (1, 1, "same")

# The first convolution, and the least size of which three poolings leave a pixel.
_STEMS = {"small": ((5, 1, "same"), 15), "large": ((11, 4, "valid"), 67)}


def _convolution(x, filters, convolution, name, use_bias=True):
    kernel_size, strides, padding = convolution
    return layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        use_bias=use_bias,
        kernel_initializer="he_normal",
        name=name,
    )(x)  # (batch, h', w', filters)


def _convolution_unit(x, filters, convolution, batch_normalization, name):
    x = _convolution(x, filters, convolution, name, use_bias=not batch_normalization)
    x = BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x) if batch_normalization else x
    return layers.ReLU(name=f"{name}_relu")(x)


def _block(x, filters, convolution, batch_normalization, name):
    """A convolution and a perceptron on each of its pixels: `(batch, h, w, c)` to `(batch, h', w', filters)`."""
    x = _convolution_unit(x, filters, convolution, batch_normalization, f"{name}_conv")
    x = _convolution_unit(x, filters, _POINTWISE, batch_normalization, f"{name}_mlp1")
    return _convolution_unit(x, filters, _POINTWISE, batch_normalization, f"{name}_mlp2")


def _class_maps(x, num_classes, batch_normalization):
    """The last block: `(batch, h, w, c)` to `(batch, h, w, num_classes)`, of any sign."""
    x = _convolution_unit(x, num_classes, (3, 1, "same"), batch_normalization, "block4_conv")
    x = _convolution_unit(x, num_classes, _POINTWISE, batch_normalization, "block4_mlp1")
    return _convolution(x, num_classes, _POINTWISE, "block4_mlp2")


@keras.saving.register_keras_serializable(package="dlkeras")
class NiN(ConfiguredModel):
    """Network in network: blocks of one large and two 1 x 1 convolutions, without dense layers.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; scaled floats. At least 15 x 15 with the small
            stem, 67 x 67 with the large one.
        width: Factor on the number of channels of every block but the last, above 0; no layer has fewer than 8.
        batch_normalization: Whether every convolution but the last is normalized; those have no biases then.
        stem: `"small"` for pictures of about 32 px, `"large"` for about 224 px.
        dropout: Rate before the last block, in [0, 1).

    Raises:
        ValueError: `num_classes`, `width`, `stem` or `dropout` is out of its range, or the picture is too small.
    """

    def __init__(
        self,
        *,
        num_classes=10,
        input_shape=(32, 32, 3),
        width=1.0,
        batch_normalization=False,
        stem="small",
        dropout=0.5,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_positive("width", width)
        check_choice("stem", stem, _STEMS)
        check_rate("dropout", dropout)
        first_convolution, least_size = _STEMS[stem]
        check_least_size(input_shape, least_size)

        inputs = keras.Input(input_shape)
        x = inputs
        blocks = ((96, first_convolution), (256, (5, 1, "same")), (384, (3, 1, "same")))
        for index, (filters, convolution) in enumerate(blocks, start=1):
            x = _block(x, scaled(filters, width), convolution, batch_normalization, f"block{index}")
            x = layers.MaxPooling2D(3, strides=2, name=f"block{index}_pool")(x)  # (batch, h / 2, w / 2, filters)
        x = layers.Dropout(dropout, name="dropout")(x) if dropout else x
        x = _class_maps(x, num_classes, batch_normalization)  # (batch, h, w, num_classes)
        outputs = layers.GlobalAveragePooling2D(name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "width": width,
            "batch_normalization": batch_normalization,
            "stem": stem,
            "dropout": dropout,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)

    @property
    def features(self):
        # The last layer averages maps that are of the classes already.
        return self.get_layer("block3_pool").output


VARIANTS = {
    "nin_mini": (NiN, {"width": 0.25, "batch_normalization": True, "dropout": 0.1}),
    "nin": (NiN, {"stem": "large", "input_shape": (224, 224, 3)}),
}
