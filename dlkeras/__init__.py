"""Keras 3 layers, models, readers and export of the deep-learning textbooks' models."""

__version__ = "0.1.0"
