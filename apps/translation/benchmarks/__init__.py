"""Long tables about translation."""
