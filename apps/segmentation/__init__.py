"""Segmentation: what every pixel of a picture shows."""
