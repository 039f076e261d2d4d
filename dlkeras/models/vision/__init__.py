"""Picture classifiers: pictures in, logits out."""
