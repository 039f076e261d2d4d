"""A part of a model that runs in inference mode while the rest of it trains.

In a functional model `part(x, training=False)` does not do it: Keras 3.15 hands the model's own `training` on to every
layer of the graph, over what the call was given.
"""

import keras


@keras.saving.register_keras_serializable(package="dlkeras")
class InferenceMode(keras.layers.Wrapper):
    """Calls a layer or a model in inference mode, always.

    Batch normalization inside of it keeps its statistics, and dropout does nothing. Weights are trained nevertheless,
    those that are trainable.

    Args:
        layer: The `keras.Layer` or `keras.Model`.
    """

    def call(self, inputs):
        return self.layer(inputs, training=False)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)
