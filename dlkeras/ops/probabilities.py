"""Answers of classifiers, averaged."""

import numpy as np
from keras import ops


def log_mean_probability(logits, axis):
    """Averages probabilities, and gives their logarithm: logits whose softmax is the mean.

    Args:
        logits: Tensor `(..., classes)`.
        axis: The axis to average over, not the last.

    Returns:
        Tensor without that axis.
    """
    log_probabilities = ops.log_softmax(logits, axis=-1)
    return ops.logsumexp(log_probabilities, axis=axis) - float(np.log(logits.shape[axis]))
