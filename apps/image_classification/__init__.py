"""Names what is in a picture."""
