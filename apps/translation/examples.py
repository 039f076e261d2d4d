"""Sentences to try, written for the page."""

EXAMPLES = (
    "A young girl is riding a brown horse along the beach.",
    "Two men in orange vests are repairing the roof of a house.",
    "A black dog catches a red ball in the snow.",
    "An old woman sells fruit at a market while a child watches her.",
)
