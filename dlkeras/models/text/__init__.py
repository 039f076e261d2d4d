"""Classifiers of texts: ids of words `(batch, length)` in, logits `(batch, num_classes)` out. Id 0 is padding."""
