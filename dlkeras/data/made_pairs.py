"""Pairs of sentences made by rule, whose relation hangs on narrower and wider words, on negation and on numbers.

For use without a data set. The hypothesis alone says little: each class has hypotheses of every form.
"""

from typing import NamedTuple

import numpy as np

from dlkeras.data.text_pairs import CLASS_NAMES

ENTAILMENT, NEUTRAL, CONTRADICTION = range(len(CLASS_NAMES))

# Each word, and the wider one that it implies.
_WIDER = {
    **{"boy": "child", "girl": "child", "man": "adult", "woman": "adult", "child": "person", "adult": "person"},
    **{"puppy": "dog", "hound": "dog", "kitten": "cat", "duck": "bird", "parrot": "bird"},
    **{"dog": "animal", "cat": "animal", "bird": "animal"},
    **{"sprinting": "running", "jogging": "running", "strolling": "walking", "hiking": "walking"},
    **{"running": "moving", "walking": "moving", "sleeping": "resting", "sunbathing": "resting"},
    **{"in a park": "outdoors", "on a beach": "outdoors", "in a field": "outdoors", "in the street": "outdoors"},
    **{"in a kitchen": "indoors", "in a library": "indoors", "in a gym": "indoors", "in a shop": "indoors"},
}
_WHO = ("boy", "girl", "man", "woman", "child", "adult", "puppy", "hound", "kitten", "duck", "parrot", "dog", "bird")
_ACTS = ("sprinting", "jogging", "strolling", "hiking", "running", "walking", "moving", "sleeping", "resting")
_PLACES = ("in a park", "on a beach", "in a field", "in the street", "in a kitchen", "in a library", "in a gym")
_PLACES += ("in a shop", "outdoors", "indoors")
_PLURALS = {"child": "children", "man": "men", "woman": "women", "person": "people", "puppy": "puppies"}
_NUMBERS = ("a", "two", "three", "four")
# Nobody does one of these and something of another at the same time and place.
_APART = ({"running", "walking", "resting"}, {"moving", "resting"}, {"outdoors", "indoors"})


class _Said(NamedTuple):
    """What a sentence says; `place` may be empty."""

    number: str
    who: str
    act: str
    place: str
    negated: bool = False

    @property
    def text(self):
        who = self.who if self.number == "a" else _PLURALS.get(self.who, f"{self.who}s")
        number = "an" if self.number == "a" and who[0] in "aeiou" else self.number
        verb = "is" if self.number == "a" else "are"
        words = (number, who, verb, "not" if self.negated else "", self.act, self.place)
        text = " ".join(word for word in words if word)
        return f"{text[0].upper()}{text[1:]}."


def make_pairs(count, seed):
    """Makes pairs, such as "Two boys are jogging in a park." and "Two children are not sleeping.".

    What both say is said of the same scene. A hypothesis follows if it leaves out details or uses wider words, or
    denies what cannot be; it is neutral if it adds a detail; it contradicts if a number, a place or what is done is
    another, or if it denies what follows.

    Args:
        count: Number of pairs.
        seed: Seed of all draws; whatever `numpy.random.default_rng` takes.

    Returns:
        `(pairs, classes)`: `str` `(count, 2)` in an array of objects, premise and hypothesis, and `int32` `(count,)`,
        places in `dlkeras.data.text_pairs.CLASS_NAMES`, each about a third.
    """
    random = np.random.default_rng(seed)
    classes = random.integers(0, len(CLASS_NAMES), count).astype("int32")
    pairs = np.empty((count, 2), object)
    for row, number in enumerate(classes.tolist()):
        pairs[row] = _pair(number, random)
    return pairs, classes


def _pair(number, random):
    while True:
        premise = _Said(*(_one_of(words, random) for words in (_NUMBERS, _WHO, _ACTS, (*_PLACES, ""))))
        hypothesis = _changed(premise, random)
        if _relation(premise, hypothesis) == number:
            return premise.text, hypothesis.text


def _changed(premise, random):
    """Says something else of the same scene."""
    number = _one_of(_NUMBERS, random) if random.random() < 0.2 else premise.number
    who = _near(premise.who, _WHO, random)
    act = _one_of(_ACTS, random) if random.random() < 0.3 else _near(premise.act, _ACTS, random)
    place = "" if random.random() < 0.4 else _one_of(_PLACES, random)
    place = premise.place if random.random() < 0.3 else place
    negated = random.random() < 0.4
    return _Said(number, who, act, "" if negated else place, negated)


def _near(word, words, random):
    """Returns a word that implies this one, or that it implies."""
    return _one_of([*_implied(word), *(other for other in words if word in _implied(other))], random)


def _one_of(words, random):
    return words[random.integers(len(words))]


def _implied(word):
    """Returns a word and the wider ones."""
    return [word, *(_implied(_WIDER[word]) if word in _WIDER else ())]


def _relation(premise, hypothesis):
    """Returns the class of a pair, or `None` where people could differ."""
    parts = [_of_words(premise.who, hypothesis.who), _of_words(premise.act, hypothesis.act)]
    if hypothesis.negated:
        parts[1] = {ENTAILMENT: CONTRADICTION, CONTRADICTION: ENTAILMENT}.get(parts[1], parts[1])
    if hypothesis.place:
        parts.append(_of_words(premise.place, hypothesis.place) if premise.place else NEUTRAL)
    if hypothesis.number != premise.number:
        # Of two, one is one; and what is denied of three may hold of two.
        parts.append(None if "a" in (premise.number, hypothesis.number) or hypothesis.negated else CONTRADICTION)
    if None in parts or (hypothesis.negated and parts[0] == NEUTRAL):
        return None
    return max(parts)


def _of_words(premise, hypothesis):
    above, below = _implied(premise), _implied(hypothesis)
    if hypothesis in above:
        return ENTAILMENT
    if premise in below:
        return NEUTRAL
    apart = any({*above} & words and {*below} & words and not {*above} & {*below} & words for words in _APART)
    return CONTRADICTION if apart else None
