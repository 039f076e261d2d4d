"""Losses of classifiers that Keras lacks."""

import keras
from keras import ops

from dlkeras.checks import check_rate


@keras.saving.register_keras_serializable(package="dlkeras")
class SmoothedSparseCrossEntropy(keras.losses.Loss):
    """Cross-entropy of logits against class numbers with label smoothing, which Keras has for one-hot targets only.

    Takes probabilities of the classes too, so that one loss serves mixed pictures in training and class numbers in
    validation.

    Args:
        label_smoothing: Share of the target that is spread over all classes, in [0, 1).

    Raises:
        ValueError: `label_smoothing` is out of its range.

    Source: Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", section 7.
    """

    def __init__(self, label_smoothing=0.0, name="smoothed_sparse_cross_entropy", **kwargs):
        check_rate("label_smoothing", label_smoothing)
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        """Takes class numbers `(batch, ...)` or probabilities `(batch, ..., classes)`, and logits like the latter."""
        log_probabilities = ops.log_softmax(y_pred)
        if are_probabilities(y_true, y_pred):
            targets = ops.cast(y_true, y_pred.dtype)
        else:
            y_true = ops.reshape(y_true, ops.shape(y_pred)[:-1])  # class numbers may come as (batch, 1)
            targets = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
        right = ops.sum(targets * log_probabilities, axis=-1)
        everywhere = ops.mean(log_probabilities, axis=-1)
        return -(1 - self.label_smoothing) * right - self.label_smoothing * everywhere

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


def are_probabilities(y_true, y_pred):
    """Tells targets that are probabilities of the classes from class numbers, by their shape.

    Args:
        y_true: Class numbers `(batch, ...)` or `(batch, 1)`, or probabilities `(batch, ..., classes)`.
        y_pred: Logits `(batch, ..., classes)`.

    Returns:
        A bool, known as the graph is built. Of a single class there are class numbers only.
    """
    return len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == y_pred.shape[-1] > 1
