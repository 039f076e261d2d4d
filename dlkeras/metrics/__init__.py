"""Measures that Keras and scikit-learn lack."""

from dlkeras.metrics.bleu import Bleu, bleu, sentence_bleu
from dlkeras.metrics.classification import Accuracy, expected_calibration_error, reliability_curve
from dlkeras.metrics.histories import HistoryLoss
from dlkeras.metrics.mean_average_precision import MeanAveragePrecision
from dlkeras.metrics.ranking import ranking_figures, sampled_candidates, sampled_figures
from dlkeras.metrics.rating import mae, rmse
from dlkeras.metrics.segmentation import SegmentationScores

__all__ = [
    "Accuracy",
    "Bleu",
    "HistoryLoss",
    "MeanAveragePrecision",
    "SegmentationScores",
    "bleu",
    "expected_calibration_error",
    "mae",
    "ranking_figures",
    "reliability_curve",
    "rmse",
    "sampled_candidates",
    "sampled_figures",
    "sentence_bleu",
]
