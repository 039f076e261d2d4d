"""Measures that Keras and scikit-learn lack."""

from dlkeras.metrics.bleu import Bleu, bleu, sentence_bleu
from dlkeras.metrics.classification import Accuracy, expected_calibration_error, reliability_curve
from dlkeras.metrics.mean_average_precision import MeanAveragePrecision
from dlkeras.metrics.segmentation import SegmentationScores

__all__ = [
    "Accuracy",
    "Bleu",
    "MeanAveragePrecision",
    "SegmentationScores",
    "bleu",
    "expected_calibration_error",
    "reliability_curve",
    "sentence_bleu",
]
