"""Agents: they learn to play, and are watched at it."""
