"""Natural language inference: whether one text follows from another."""
