"""Squeeze and excitation (Hu et al., 2018, "Squeeze-and-excitation networks")."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="dlkeras")
class SqueezeExcitation(layers.Layer):
    """Scales every channel by a factor in (0, 1) that is read from the means of all channels.

    Pictures `(batch, height, width, channels)` in, the same shape out.

    Args:
        filters: Width of the layer between the means and the factors, at least 1.
        activation: Activation of that layer.

    Raises:
        ValueError: `filters` is below 1.
    """

    def __init__(self, filters, activation="relu", **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"`filters` must be at least 1. Received: filters={filters}")
        self.filters = filters
        self.activation = keras.activations.get(activation)
        self.reduce = layers.Dense(
            filters, activation=self.activation, kernel_initializer="he_normal", dtype=self.dtype_policy, name="reduce"
        )

    def build(self, input_shape):
        channels = input_shape[-1]
        self.expand = layers.Dense(channels, activation="sigmoid", dtype=self.dtype_policy, name="expand")
        self.reduce.build((None, channels))
        self.expand.build((None, self.filters))

    def call(self, inputs):
        x = ops.mean(inputs, axis=(1, 2))  # (batch, channels)
        x = self.expand(self.reduce(x))  # (batch, channels)
        return inputs * x[:, None, None, :]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "filters": self.filters, "activation": activation}
