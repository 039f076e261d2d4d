"""Losses that Keras lacks."""

from dlkeras.losses.classification import SmoothedSparseCrossEntropy, are_probabilities
from dlkeras.losses.detection import MultiBoxLoss

__all__ = ["MultiBoxLoss", "SmoothedSparseCrossEntropy", "are_probabilities"]
