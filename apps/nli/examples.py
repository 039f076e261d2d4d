"""Pairs to try, written for the page: premise and hypothesis."""

EXAMPLES = (
    ("A young girl is riding a brown horse along the beach", "A child is riding an animal"),
    ("A man is playing guitar on a stage", "There is no man playing guitar"),
    ("A woman is slicing an onion", "A woman is cooking dinner for her family"),
    ("A dog is running through the snow", "A dog is sleeping on a sofa"),
)
