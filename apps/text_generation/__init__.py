"""Text generation: a model goes on with what you have begun."""
