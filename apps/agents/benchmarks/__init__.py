"""Long tables about agents."""
