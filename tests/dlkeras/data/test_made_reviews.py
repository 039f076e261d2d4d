"""Made-up reviews mean what their class says."""

import re

from dlkeras.data import made_reviews
from dlkeras.data.made_reviews import make_reviews


def _says(clause):
    """Reads a clause as a person would: 1 for praise."""
    (adjective,) = re.findall(r"(\w+)$", clause.strip(" .!"))
    praise = adjective in made_reviews._ADJECTIVES[1]
    negated = any(f" {word} " in clause for word in made_reviews._NEGATIONS)
    return int(praise != negated)


def test_a_review_says_what_its_class_says():
    texts, classes = make_reviews(300, 0)
    for text, number in zip(texts, classes, strict=True):
        aside, _, rest = text.partition(", ")
        text = rest if aside.lower() in made_reviews._ASIDES else text
        overruled, but, deciding = text.partition(" but ")
        clauses = re.split(r" and |, ", deciding if but else text)
        assert {_says(clause) for clause in clauses} == {int(number)}, text
        if but:
            assert {_says(clause) for clause in re.split(r" and |, ", overruled)} == {1 - int(number)}, text


def test_the_seed_decides_and_classes_are_even():
    texts, classes = make_reviews(400, (1, 2))
    again, _ = make_reviews(400, (1, 2))
    others, _ = make_reviews(400, (1, 3))
    assert texts == again != others
    assert 0.4 < classes.mean() < 0.6
    assert sum(" but " in text for text in texts) > 40
