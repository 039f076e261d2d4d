"""LeNet-5 (LeCun et al., 1998, "Gradient-based learning applied to document recognition").

Pictures `(batch, height, width, channels)` of at least 12 x 12 in, logits `(batch, num_classes)` out.
The textbooks' form for 28 x 28 (the first convolution padded) with today's activation and pooling as the default;
`activation="sigmoid", pooling="average"` is the historical one.
"""

import keras
from keras import layers

from dlkeras.checks import check_choice, check_least_size, check_num_classes, check_rate
from dlkeras.models.base import ConfiguredModel

_POOLING = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}


def _convolve_and_pool(x, filters, padding, activation, pooling, index):
    # (batch, height, width, filters)
    x = layers.Conv2D(filters, 5, padding=padding, activation=activation, name=f"conv{index}")(x)
    return _POOLING[pooling](2, name=f"pool{index}")(x)  # (batch, height / 2, width / 2, filters)


@keras.saving.register_keras_serializable(package="dlkeras")
class LeNet(ConfiguredModel):
    """LeNet-5: two convolutions with pooling, then three dense layers.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; scaled floats.
        activation: Activation between layers.
        pooling: `"max"` or `"average"`.
        dropout: Rate before the last layer, in [0, 1).

    Raises:
        ValueError: `num_classes`, `pooling` or `dropout` is out of its range, or the picture is too small.
    """

    def __init__(
        self, *, num_classes=10, input_shape=(28, 28, 1), activation="relu", pooling="max", dropout=0.0, **kwargs
    ):
        check_num_classes(num_classes)
        check_choice("pooling", pooling, _POOLING)
        check_rate("dropout", dropout)
        check_least_size(input_shape, 12)

        inputs = keras.Input(input_shape)
        x = _convolve_and_pool(inputs, 6, "same", activation, pooling, 1)
        x = _convolve_and_pool(x, 16, "valid", activation, pooling, 2)
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(120, activation=activation, name="dense1")(x)
        x = layers.Dense(84, activation=activation, name="dense2")(x)
        x = layers.Dropout(dropout, name="dropout")(x) if dropout else x
        outputs = layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "activation": activation,
            "pooling": pooling,
            "dropout": dropout,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)


VARIANTS = {
    "lenet": (LeNet, {}),
    "lenet_1998": (LeNet, {"activation": "sigmoid", "pooling": "average"}),
}
