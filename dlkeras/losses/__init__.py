"""Losses that Keras lacks."""

from dlkeras.losses.classification import SmoothedSparseCrossEntropy, are_probabilities

__all__ = ["SmoothedSparseCrossEntropy", "are_probabilities"]
