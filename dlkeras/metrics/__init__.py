"""Measures that Keras and scikit-learn lack."""

from dlkeras.metrics.classification import Accuracy, expected_calibration_error, reliability_curve
from dlkeras.metrics.mean_average_precision import MeanAveragePrecision
from dlkeras.metrics.segmentation import SegmentationScores

__all__ = ["Accuracy", "MeanAveragePrecision", "SegmentationScores", "expected_calibration_error", "reliability_curve"]
