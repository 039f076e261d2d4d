"""Long tables about recommendation."""
