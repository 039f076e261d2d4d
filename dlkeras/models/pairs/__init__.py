"""Classifiers of pairs of texts: ids of both `(batch, 2, length)` in, logits `(batch, num_classes)` out.

Id 0 is padding.
"""
