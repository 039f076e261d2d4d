"""Layers that Keras lacks, or has slower."""

from dlkeras.layers.normalization import BatchNormalization

__all__ = ["BatchNormalization"]
