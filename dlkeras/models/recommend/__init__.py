"""Models that recommend: of users and items, by their numbers from 0, to ratings or scores.

In lists of items, such as what a user has seen, an item is its number + 1, and 0 is padding.
"""
