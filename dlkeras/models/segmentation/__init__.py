"""Segmentation: pictures in, logits of the classes at every pixel out."""
