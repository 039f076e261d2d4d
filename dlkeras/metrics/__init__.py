"""Measures that Keras and scikit-learn lack."""

from dlkeras.metrics.classification import Accuracy, expected_calibration_error, reliability_curve
from dlkeras.metrics.mean_average_precision import MeanAveragePrecision

__all__ = ["Accuracy", "MeanAveragePrecision", "expected_calibration_error", "reliability_curve"]
