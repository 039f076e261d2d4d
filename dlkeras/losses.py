"""Losses that Keras lacks."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlkeras")
class SmoothedSparseCrossEntropy(keras.losses.Loss):
    """Cross-entropy of logits against class numbers with label smoothing, which Keras has for one-hot targets only.

    Args:
        label_smoothing: Share of the target that is spread over all classes, in [0, 1).

    Raises:
        ValueError: `label_smoothing` is out of its range.

    Source: Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", section 7.
    """

    def __init__(self, label_smoothing=0.0, name="smoothed_sparse_cross_entropy", **kwargs):
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"`label_smoothing` must be in [0, 1). Received: label_smoothing={label_smoothing}")
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        """Takes class numbers `(batch, ...)` and logits `(batch, ..., classes)`; gives `(batch, ...)`."""
        y_true = ops.reshape(y_true, ops.shape(y_pred)[:-1])  # class numbers may come as (batch, 1)
        log_probabilities = ops.log_softmax(y_pred)
        targets = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
        right = ops.sum(targets * log_probabilities, axis=-1)
        everywhere = ops.mean(log_probabilities, axis=-1)
        return -(1 - self.label_smoothing) * right - self.label_smoothing * everywhere

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing}
