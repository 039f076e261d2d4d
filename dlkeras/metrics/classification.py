"""Measures of a classifier that scikit-learn lacks, on NumPy arrays, and the accuracy that training shows.

Accuracy, top-k accuracy, precision, recall, F1, confusion matrix, log loss and Brier score are in `sklearn.metrics`:
take them from there.
"""

import keras
import numpy as np

from dlkeras.losses.classification import are_probabilities


@keras.saving.register_keras_serializable(package="dlkeras")
class Accuracy(keras.metrics.MeanMetricWrapper):
    """How often the highest logit is the right class; with probabilities as targets, the most probable one.

    `metrics=["accuracy"]` chooses between class numbers and probabilities by the first batch. This takes both in one
    compiled model, for training on mixed pictures and validation on class numbers.
    """

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(_hits, name=name, dtype=dtype)

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype}


def _hits(y_true, y_pred):
    """Gives 1 where the class is right and 0 elsewhere, `(batch, ...)`."""
    if are_probabilities(y_true, y_pred):
        return keras.metrics.categorical_accuracy(y_true, y_pred)
    return keras.metrics.sparse_categorical_accuracy(y_true, y_pred)


def reliability_curve(probabilities, labels, bins=15):
    """Sorts predictions into bins of equal width by their confidence and compares it with how often they are right.

    The confidence of a prediction is the probability of its most probable class. Bin i holds confidences in
    (i / bins, (i + 1) / bins]; for a perfectly calibrated model `accuracy` equals `confidence` in every bin.

    Args:
        probabilities: float array (examples, classes), each row summing to 1 (after the softmax: not logits).
        labels: integer array (examples,), the right classes.
        bins: number of bins, at least 1.

    Returns:
        Three float arrays (bins,): mean `confidence` and `accuracy` of each bin (NaN where it is empty),
        and `weight`, the part of all examples that falls in it.

    Raises:
        ValueError: shapes do not fit, or rows are not probabilities.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2.
    """
    probabilities, labels = _checked(probabilities, labels)
    if bins < 1:
        raise ValueError(f"`bins` must be at least 1. Received: bins={bins}")
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels

    # Bins are open below and closed above, so that a confidence of exactly 1 has a place.
    index = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):  # an empty bin has no mean: 0 / 0 is NaN
        mean_confidence = np.bincount(index, weights=confidence, minlength=bins) / count
        accuracy = np.bincount(index, weights=correct, minlength=bins) / count
    return mean_confidence, accuracy, count / len(labels)


def expected_calibration_error(probabilities, labels, bins=15):
    """The mean gap between confidence and accuracy over the bins of `reliability_curve`, weighted by their examples.

    Args:
        probabilities: float array (examples, classes), each row summing to 1 (after the softmax: not logits).
        labels: integer array (examples,), the right classes.
        bins: number of bins, at least 1.

    Returns:
        A float in [0, 1]; 0 is perfectly calibrated.

    Raises:
        ValueError: shapes do not fit, or rows are not probabilities.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.
    """
    confidence, accuracy, weight = reliability_curve(probabilities, labels, bins)
    return float(np.nansum(weight * np.abs(accuracy - confidence)))


def _checked(probabilities, labels):
    # In float64, so that sums over a whole test set do not drift.
    probabilities = np.asarray(probabilities, dtype="float64")
    labels = np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or not len(labels):
        raise ValueError(
            "`probabilities` must have shape (examples, classes) and `labels` (examples,), with at least one example. "
            f"Received: probabilities.shape={probabilities.shape}, labels.shape={labels.shape}"
        )
    sums = probabilities.sum(axis=1)
    # The tolerance lets half-precision softmax outputs through, and stops logits and percentages.
    if not (probabilities.min() >= 0 and np.allclose(sums, 1, atol=1e-2)):
        raise ValueError(
            "`probabilities` must be at least 0 and sum to 1 in each row (apply the softmax first). "
            f"Received: smallest value {probabilities.min():.4g}, row sums from {sums.min():.4g} to {sums.max():.4g}"
        )
    return probabilities, labels
