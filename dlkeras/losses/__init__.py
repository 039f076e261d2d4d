"""Losses that Keras lacks."""

from dlkeras.losses.classification import SmoothedSparseCrossEntropy, are_probabilities
from dlkeras.losses.detection import MultiBoxLoss
from dlkeras.losses.segmentation import SegmentationLoss
from dlkeras.losses.sequences import MaskedCrossEntropy
from dlkeras.losses.style import StyleTransferLoss

__all__ = [
    "MaskedCrossEntropy",
    "MultiBoxLoss",
    "SegmentationLoss",
    "SmoothedSparseCrossEntropy",
    "StyleTransferLoss",
    "are_probabilities",
]
