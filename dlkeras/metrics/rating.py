"""Measures of predicted ratings, in NumPy."""

import numpy as np


def rmse(truth, predictions):
    """Root mean squared error.

    Args:
        truth: Numbers `(ratings,)`.
        predictions: Numbers `(ratings,)`.

    Returns:
        A float, in the unit of the ratings.

    Raises:
        ValueError: The shapes do not fit, there are no ratings, or a number is not finite.
    """
    return float(np.sqrt(np.mean(_errors(truth, predictions) ** 2)))


def mae(truth, predictions):
    """Mean absolute error; arguments, answer and errors as of `rmse`."""
    return float(np.mean(np.abs(_errors(truth, predictions))))


def _errors(truth, predictions):
    truth, predictions = np.asarray(truth, "float64"), np.asarray(predictions, "float64")
    # Shapes that broadcast, such as (5,) and (5, 1), would give a wrong figure without a word.
    if truth.shape != predictions.shape or truth.ndim != 1 or not truth.size:
        raise ValueError(
            "`truth` and `predictions` must have the same shape (ratings,), with a rating at least. "
            f"Received: truth.shape={truth.shape}, predictions.shape={predictions.shape}"
        )
    errors = predictions - truth
    if not np.isfinite(errors).all():
        row = np.argmin(np.isfinite(errors))
        raise ValueError(
            f"`truth` and `predictions` must be finite. Received: {truth[row]} and {predictions[row]} in row {row}"
        )
    return errors
