"""Made-up pairs mean what their class says: read once more, by worlds in place of rules."""

import itertools

import numpy as np

from dlkeras.data import made_pairs
from dlkeras.data.made_pairs import make_pairs
from dlkeras.data.text_pairs import CLASS_NAMES

_SINGULARS = {plural: word for word, plural in made_pairs._PLURALS.items()}


def _parsed(text):
    words = text.rstrip(".").lower().split()
    negated = "not" in words
    words = [word for word in words if word not in ("is", "are", "not")]
    number, who, act, place = words[0].replace("an", "a"), words[1], words[2], " ".join(words[3:])
    who = _SINGULARS.get(who, who.removesuffix("s") if number != "a" else who)
    return number, who, act, place, negated


def _narrowest(word):
    """Returns the narrowest words that a word may stand for: what can be the case where it is said."""
    found = {word}
    for _ in range(3):
        narrower = {other for other, wide in made_pairs._WIDER.items() if wide in found}
        found |= narrower
    return {other for other in found if other not in made_pairs._WIDER.values()}


def _worlds(number, who, act, place):
    """Returns what can be the case: who, what is done, and where, in narrowest words."""
    places = _narrowest(place) if place else _narrowest("indoors") | _narrowest("outdoors")
    return {*itertools.product(_narrowest(who), _narrowest(act), places)}


def _meaning(premise, hypothesis):
    *said, _ = _parsed(premise)
    *claimed, negated = _parsed(hypothesis)
    if said[0] != claimed[0]:
        assert not negated
        return 2
    worlds, other = _worlds(*said), _worlds(*claimed)
    inside = worlds & other
    if negated:
        return 2 if worlds <= other else 1 if inside else 0
    return 0 if worlds <= other else 1 if inside else 2


def test_a_pair_means_what_its_class_says():
    pairs, classes = make_pairs(400, 0)
    for (premise, hypothesis), number in zip(pairs, classes.tolist(), strict=True):
        assert _meaning(premise, hypothesis) == number, (premise, hypothesis, CLASS_NAMES[number])


def test_the_seed_decides_and_no_class_has_a_form_of_its_own():
    pairs, classes = make_pairs(900, (1, 2))
    again, _ = make_pairs(900, (1, 2))
    others, _ = make_pairs(900, (1, 3))
    assert pairs.shape == (900, 2) and classes.dtype == "int32"
    assert (pairs == again).all() and (pairs != others).any()
    assert np.bincount(classes).min() > 250
    negated = np.array([" not " in hypothesis for _, hypothesis in pairs])
    shares = [negated[classes == number].mean() for number in range(3)]
    assert min(shares) > 0.15 and max(shares) < 0.6
