"""Batch normalisation by other formulas than Keras's, to see what its form costs in training.

Each takes `(x, gamma, beta, epsilon)`, the last axis being the channels, and returns `(y, mean, variance)`.
"""

import contextlib

import keras
import tensorflow as tf
from keras import ops


def _one_pass(x):
    axes = tuple(range(len(x.shape) - 1))
    mean = ops.mean(x, axes)
    return mean, ops.maximum(ops.mean(ops.square(x), axes) - ops.square(mean), 0.0)


def fused(x, gamma, beta, epsilon):
    """TensorFlow's own kernel, `FusedBatchNormV3`, which no function of `keras.ops` reaches."""
    return tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, epsilon=epsilon, is_training=True)


def one_pass(x, gamma, beta, epsilon):
    """Moments as `mean(x^2) - mean(x)^2`, and one multiplication and one addition for the rest."""
    mean, variance = _one_pass(x)
    scale = gamma * ops.rsqrt(variance + epsilon)
    return x * scale + (beta - mean * scale), mean, variance


def gradient(x, gamma, beta, epsilon):
    """The same with the gradient written down (Ioffe and Szegedy, 2015, section 3) instead of derived."""
    mean, variance = (ops.stop_gradient(moment) for moment in _one_pass(x))
    return _normalize(x, gamma, beta, mean, ops.rsqrt(variance + epsilon)), mean, variance


@ops.custom_gradient
def _normalize(x, gamma, beta, mean, inverse):
    axes = tuple(range(len(x.shape) - 1))
    scale = gamma * inverse
    count = ops.cast(ops.size(x), x.dtype) / x.shape[-1]

    def grad(*args, upstream=None):
        dy = args[0] if upstream is None else upstream
        dbeta = ops.sum(dy, axes)
        dgamma = (ops.sum(dy * x, axes) - mean * dbeta) * inverse
        slope = -scale * inverse * dgamma / count
        offset = -scale * dbeta / count - mean * slope
        return dy * scale + (x * slope + offset), dgamma, dbeta, ops.zeros_like(mean), ops.zeros_like(inverse)

    return x * scale + (beta - mean * scale), grad


def none(x, gamma, beta, epsilon):
    """No normalisation: what is left of a step without it."""
    return x, gamma, beta


_FORMULAS = {function.__name__: function for function in (fused, one_pass, gradient, none)}


@contextlib.contextmanager
def use(name):
    """Lets every `keras.layers.BatchNormalization` normalise its training batches by a formula of this file."""
    formula, kept = _FORMULAS[name], keras.layers.BatchNormalization.call

    def call(self, inputs, training=None, mask=None):
        if not training:
            return kept(self, inputs, training=training, mask=mask)
        y, mean, variance = formula(inputs, self.gamma, self.beta, self.epsilon)
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + value * (1 - self.momentum))
        return y

    keras.layers.BatchNormalization.call = call
    try:
        yield
    finally:
        keras.layers.BatchNormalization.call = kept
