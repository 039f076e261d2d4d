"""Batch normalization (Ioffe and Szegedy, 2015) by TensorFlow's fused kernel.

Keras 3 computes moments and normalizes in separate operations; nothing in `keras.ops` reaches the one kernel that does
both. It saves about a fifth of a small network's training step (`python -m benchmarks.training --parts`).
"""

import keras


@keras.saving.register_keras_serializable(package="dlkeras")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` that trains faster on TensorFlow; the same arguments, weights and results.

    Pictures `(batch, height, width, channels)` that are normalized over their last axis take the fused kernel in
    training. Everything else, and every other backend, is Keras's own layer.
    """

    def call(self, inputs, training=None, mask=None):
        if training and self.trainable and mask is None and self._can_fuse(inputs):
            return self._fused(inputs)
        return super().call(inputs, training=training, mask=mask)

    def _can_fuse(self, inputs):
        pictures = len(inputs.shape) == 4 and self.axis in (-1, 3)
        plain = self.scale and self.center and not self.synchronized and not self.renorm
        return keras.backend.backend() == "tensorflow" and pictures and plain

    def _fused(self, inputs):
        import tensorflow as tf  # on other backends it need not be there

        inputs = tf.cast(inputs, self.compute_dtype)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            is_training=True,
        )
        # The kernel gives the unbiased variance; Keras averages the biased one.
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), variance.dtype)
        variance *= (count - 1.0) / count
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))
        return outputs
