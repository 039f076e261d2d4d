"""Losses that Keras lacks."""

from dlkeras.losses.classification import SmoothedSparseCrossEntropy, are_probabilities
from dlkeras.losses.detection import MultiBoxLoss
from dlkeras.losses.ranking import (
    BPRLoss,
    KnownRatingsLoss,
    MultinomialLoss,
    RankingHingeLoss,
    SampledSoftmaxLoss,
)
from dlkeras.losses.segmentation import SegmentationLoss
from dlkeras.losses.sequences import MaskedCrossEntropy
from dlkeras.losses.style import StyleTransferLoss

__all__ = [
    "BPRLoss",
    "KnownRatingsLoss",
    "MaskedCrossEntropy",
    "MultiBoxLoss",
    "MultinomialLoss",
    "RankingHingeLoss",
    "SampledSoftmaxLoss",
    "SegmentationLoss",
    "SmoothedSparseCrossEntropy",
    "StyleTransferLoss",
    "are_probabilities",
]
