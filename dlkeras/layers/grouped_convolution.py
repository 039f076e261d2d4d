"""Grouped convolution (Krizhevsky et al., 2012; Xie et al., 2016, "ResNeXt") that trains on a CPU."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="dlkeras")
class GroupedConv2D(layers.Conv2D):
    """`keras.layers.Conv2D` whose groups train on a CPU in TensorFlow; the same arguments, weights and results.

    Keras hands grouped convolutions in TensorFlow to XLA, whose gradients take 10 to 80 times as long on a CPU as
    those of one convolution a group, which is what is done here. Other backends take Keras's own way.
    """

    def convolution_op(self, inputs, kernel):
        if self.groups == 1 or keras.backend.backend() != "tensorflow":
            return super().convolution_op(inputs, kernel)
        pieces = zip(ops.split(inputs, self.groups, axis=-1), ops.split(kernel, self.groups, axis=-1), strict=True)
        return ops.concatenate([super(GroupedConv2D, self).convolution_op(*piece) for piece in pieces], axis=-1)
