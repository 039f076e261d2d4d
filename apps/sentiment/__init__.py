"""Sentiment: what a text thinks of its subject."""
