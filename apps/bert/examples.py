"""Texts to try, written for the page."""

MASK = "[MASK]"

BLANKS = (
    "A man is riding a [MASK] down the street.",
    "Two children are playing in the [MASK].",
    "She opened the [MASK] and looked out of the window.",
    "The dog is [MASK] through the water.",
)

PAIRS = (
    ("A woman is slicing an onion.", "She puts it into the pan."),
    ("A woman is slicing an onion.", "The treaty was signed by both kings."),
)
