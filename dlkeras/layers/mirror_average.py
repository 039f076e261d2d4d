"""Test-time augmentation by mirror images: the cheapest of the ten crops, and most of their worth."""

import keras
from keras import ops

from dlkeras.ops.probabilities import log_mean_probability


@keras.saving.register_keras_serializable(package="dlkeras")
class MirrorAverage(keras.layers.Wrapper):
    """Answers, out of training, with the mean of a classifier's probabilities for a picture and its mirror image.

    Pictures `(batch, height, width, channels)` in. Out of training the logarithm of the mean comes out, in training the
    classifier's own logits: `(batch, num_classes)`, or `(batch, height, width, num_classes)` where pixels are
    classified; then those of the mirror image are turned back first.

    Args:
        layer: A classifier, `keras.Model` or `keras.Layer`, that gives logits.

    Source: Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks", section 4.1.
    """

    def call(self, inputs, training=False):
        if training:
            return self.layer(inputs, training=True)
        both = self.layer(ops.concatenate([inputs, ops.flip(inputs, axis=2)]), training=False)
        seen, mirrored = ops.split(both, 2)
        if len(both.shape) == 4:
            mirrored = ops.flip(mirrored, axis=2)
        return log_mean_probability(ops.stack([seen, mirrored], axis=1), axis=1)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)
