"""Losses of sequences of ids, in which id 0 is padding and does not count."""

import keras
from keras import ops

from dlkeras.checks import check_rate


@keras.saving.register_keras_serializable(package="dlkeras")
class MaskedCrossEntropy(keras.losses.Loss):
    """Cross-entropy of logits against ids, the mean of all places of a batch but padding.

    Args:
        label_smoothing: Share of the target that is spread over all ids, in [0, 1).

    Raises:
        ValueError: `label_smoothing` is out of its range.

    Source: Sutskever et al. 2014, "Sequence to sequence learning with neural networks"; the smoothing of Szegedy et al.
    2016, "Rethinking the Inception architecture for computer vision", section 7.
    """

    def __init__(self, label_smoothing=0.0, name="masked_cross_entropy", **kwargs):
        check_rate("label_smoothing", label_smoothing)
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        """Takes ids `(batch, length)` and logits `(batch, length, vocabulary)`; gives what has the mean as its mean."""
        losses, counts = token_losses(y_true, y_pred)
        if self.label_smoothing:
            spread = ops.logsumexp(y_pred, axis=-1) - ops.mean(y_pred, axis=-1)
            losses = (1 - self.label_smoothing) * losses + self.label_smoothing * spread
        # Keras takes the mean of all places, so those that count are made to weigh for the others.
        return losses * counts / ops.maximum(ops.mean(counts), keras.config.epsilon())

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


def token_losses(y_true, y_pred):
    """Returns the cross-entropy of each place, and 1 or 0 for whether it counts; both float32 `(batch, length)`."""
    counts = ops.cast(ops.not_equal(y_true, 0), "float32")
    return ops.sparse_categorical_crossentropy(y_true, ops.cast(y_pred, "float32"), from_logits=True), counts
