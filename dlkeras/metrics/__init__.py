"""Measures that Keras and scikit-learn lack."""

from dlkeras.metrics.classification import Accuracy, expected_calibration_error, reliability_curve

__all__ = ["Accuracy", "expected_calibration_error", "reliability_curve"]
