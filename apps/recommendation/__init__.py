"""Recommendation: what somebody may like, by what others rated."""
