"""Random colour shifts along the principal components of the pixels ("fancy PCA")."""

import keras
import numpy as np
from keras import ops

from dlkeras.checks import check_positive
from dlkeras.layers.grayscale import check_rgb


@keras.saving.register_keras_serializable(package="dlkeras")
class PCAColor(keras.layers.Layer):
    """In training, adds to all pixels of a picture a random multiple of each principal component of RGB values.

    Component i is added `alpha_i * eigenvalue_i` times, `alpha_i` drawn for each picture from a normal distribution.
    The components are given, or found by `adapt`; before that the layer changes nothing. Results are not clipped.

    Args:
        stddev: Standard deviation of the draws, above 0.
        value_range: Lowest and highest value of the pictures, `(batch, height, width, 3)`.
        eigenvalues: Of the covariance of RGB values in [0, 1], whatever the range of the pictures: `(3,)`.
        eigenvectors: Its eigenvectors, one a column: `(3, 3)`.
        seed: Seed of the draws.

    Raises:
        ValueError: `stddev` or `value_range` is out of its range, only one of `eigenvalues` and `eigenvectors` is
            given, or the pictures have not 3 channels.

    Source: Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks", section 4.1.
    """

    def __init__(self, stddev=0.1, value_range=(0, 255), eigenvalues=None, eigenvectors=None, seed=None, **kwargs):
        check_positive("stddev", stddev)
        if not value_range[0] < value_range[1]:
            raise ValueError(f"`value_range` must be (low, high). Received: value_range={tuple(value_range)}")
        if (eigenvalues is None) != (eigenvectors is None):
            raise ValueError(
                "`eigenvalues` and `eigenvectors` must be given together. "
                f"Received: eigenvalues={eigenvalues}, eigenvectors={eigenvectors}"
            )
        super().__init__(**kwargs)
        self.stddev = stddev
        self.value_range = tuple(value_range)
        self.eigenvalues = None if eigenvalues is None else np.asarray(eigenvalues).tolist()
        self.eigenvectors = None if eigenvectors is None else np.asarray(eigenvectors).tolist()
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        # A weight, so that what `adapt` found is saved with the model: eigenvector times eigenvalue, one a column.
        self.components = self.add_weight(shape=(3, 3), initializer="zeros", trainable=False, name="components")
        if eigenvalues is not None:
            self.components.assign(np.asarray(eigenvectors) * np.asarray(eigenvalues))

    def adapt(self, pictures):
        """Finds the components of the pixels of pictures.

        Args:
            pictures: Array `(examples, height, width, 3)` within `value_range`.
        """
        low, high = self.value_range
        count, total, products = 0, np.zeros(3), np.zeros((3, 3))
        for start in range(0, len(pictures), 256):  # in doubles, a data set may not fit into memory
            pixels = (np.asarray(pictures[start : start + 256], "float64").reshape(-1, 3) - low) / (high - low)
            count += len(pixels)
            total += pixels.sum(axis=0)
            products += pixels.T @ pixels
        mean = total / count
        eigenvalues, eigenvectors = np.linalg.eigh(products / count - np.outer(mean, mean))
        self.components.assign(eigenvectors * eigenvalues)

    def build(self, input_shape):
        check_rgb(input_shape)

    def call(self, inputs, training=False):
        x = ops.cast(inputs, self.compute_dtype)
        if not training:
            return x
        alpha = keras.random.normal((ops.shape(x)[0], 3), stddev=self.stddev, seed=self.seed_generator)
        low, high = self.value_range
        shift = (high - low) * ops.matmul(alpha, ops.transpose(self.components))  # (batch, 3)
        return x + ops.cast(shift[:, None, None, :], self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "stddev": self.stddev,
            "value_range": self.value_range,
            "eigenvalues": self.eigenvalues,
            "eigenvectors": self.eigenvectors,
            "seed": self.seed,
        }
