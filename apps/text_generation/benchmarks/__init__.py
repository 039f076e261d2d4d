"""Long tables about text generation."""
