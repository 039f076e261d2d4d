"""Pictures with zero mean and unit variance, each by its own statistics."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlkeras")
class StandardizePicture(keras.layers.Layer):
    """Scales each picture to zero mean and unit variance; as `tf.image.per_image_standardization`.

    For the statistics of a whole data set there is `keras.layers.Normalization`. Takes pictures
    `(batch, height, width, channels)`; mean and variance are over all but the batch axis.
    """

    def call(self, inputs):
        # A mean over so many numbers is beyond half precision.
        x = ops.cast(inputs, keras.backend.result_type(self.compute_dtype, "float32"))
        mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
        deviation = ops.std(x, axis=(1, 2, 3), keepdims=True)
        # A picture of one colour has no variance to divide by.
        floor = 1 / ops.sqrt(ops.cast(ops.prod(ops.shape(x)[1:]), x.dtype))
        return ops.cast((x - mean) / ops.maximum(deviation, floor), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape
