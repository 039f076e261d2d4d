"""What a transformer is told beside its tokens: where each one stands, and which one to answer in."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="dlkeras")
class ClassToken(layers.Layer):
    """Puts one learned token before the others (Devlin et al., 2018, "BERT"); its output stands for them all.

    Tokens `(batch, tokens, width)` in, `(batch, 1 + tokens, width)` out.
    """

    def build(self, input_shape):
        self.token = self.add_weight(shape=(1, 1, input_shape[-1]), initializer="zeros", name="token")

    def call(self, inputs):
        token = ops.broadcast_to(self.token, (ops.shape(inputs)[0], 1, inputs.shape[-1]))
        return ops.concatenate([token, inputs], axis=1)

    def compute_output_shape(self, input_shape):
        batch, tokens, width = input_shape
        return batch, None if tokens is None else 1 + tokens, width


@keras.saving.register_keras_serializable(package="dlkeras")
class PositionEmbedding(layers.Layer):
    """Adds a learned vector a position (Dosovitskiy et al., 2020, "An image is worth 16x16 words").

    Tokens `(batch, tokens, width)` in, the same shape out; the number of tokens is that of the first call.
    """

    def build(self, input_shape):
        # The standard deviation of BERT and of all that came after it.
        initializer = keras.initializers.RandomNormal(stddev=0.02)
        self.positions = self.add_weight(shape=(1, *input_shape[1:]), initializer=initializer, name="positions")

    def call(self, inputs):
        return inputs + self.positions

    def compute_output_shape(self, input_shape):
        return input_shape
