"""Losses that Keras lacks."""

from dlkeras.losses.classification import SmoothedSparseCrossEntropy, are_probabilities
from dlkeras.losses.detection import MultiBoxLoss
from dlkeras.losses.segmentation import SegmentationLoss

__all__ = ["MultiBoxLoss", "SegmentationLoss", "SmoothedSparseCrossEntropy", "are_probabilities"]
