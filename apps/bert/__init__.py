"""BERT: pretraining on text files, and words that are missing."""
