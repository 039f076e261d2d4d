"""Detectors: pictures in, offsets and logits at anchor boxes out."""
