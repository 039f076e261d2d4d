"""Object detection: where things are in a picture, and what they are."""
