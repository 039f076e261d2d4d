"""Multilayer perceptron with dropout (Zhang et al., "Dive into Deep Learning", chapter 5.6).

Pictures `(batch, height, width, channels)` in, logits `(batch, num_classes)` out.
The textbook's form: 784 pixels, two hidden layers of 256 units, dropout 0.2 after the first and 0.5 after the second.
"""

import numbers

import keras
from keras import layers

from dlkeras.checks import check_num_classes, check_positive, check_rate
from dlkeras.models.base import ConfiguredModel


def _rates(dropout, hidden_units):
    """Returns the dropout rate of each hidden layer."""
    rates = (dropout,) * len(hidden_units) if isinstance(dropout, numbers.Real) else tuple(dropout)
    if len(rates) != len(hidden_units):
        raise ValueError(
            "`dropout` must be one rate, or one for each of `hidden_units`. "
            f"Received: dropout={rates}, hidden_units={tuple(hidden_units)}"
        )
    for rate in rates:
        check_rate("dropout", rate)
    return rates


@keras.saving.register_keras_serializable(package="dlkeras")
class MLP(ConfiguredModel):
    """Multilayer perceptron: dense layers on the pixels, each with dropout.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; scaled floats.
        hidden_units: Units of each hidden layer.
        activation: Activation of the hidden layers.
        dropout: Rate after each hidden layer, in [0, 1): one for all of them, or one each.

    Raises:
        ValueError: `num_classes`, `hidden_units` or `dropout` is out of its range, or not one rate a layer.
    """

    def __init__(
        self,
        *,
        num_classes=10,
        input_shape=(28, 28, 1),
        hidden_units=(256, 256),
        activation="relu",
        dropout=(0.2, 0.5),
        **kwargs,
    ):
        check_num_classes(num_classes)
        rates = _rates(dropout, hidden_units)

        inputs = keras.Input(input_shape)
        x = layers.Flatten(name="flatten")(inputs)  # (batch, height * width * channels)
        for index, (units, rate) in enumerate(zip(hidden_units, rates, strict=True), start=1):
            check_positive("hidden_units", units)
            x = layers.Dense(units, activation=activation, name=f"hidden{index}")(x)  # (batch, units)
            x = layers.Dropout(rate, name=f"dropout{index}")(x) if rate else x
        outputs = layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "hidden_units": tuple(hidden_units),
            "activation": activation,
            "dropout": rates,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)


VARIANTS = {"mlp": (MLP, {})}
