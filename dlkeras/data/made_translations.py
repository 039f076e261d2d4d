"""English sentences made by rule, and what they are in German, for use without a data set.

German has three genders and two cases here, endings of adjectives, the verb in the second place and what belongs to it
at the end, particles that part from verbs, and times before objects: words must be put elsewhere, and fit each other.
"""

from typing import NamedTuple

import numpy as np

from dlkeras.data import made_translation_words as words

SECOND, FIRST, LAST = "second", "first", "last"
"""Places of a German verb: in a statement, in a question, and in a clause that hangs on another."""


class Phrase(NamedTuple):
    """A subject or an object: an article, an adjective, which may be empty, and a noun; or a pronoun alone."""

    article: str
    adjective: str = ""
    noun: str = ""
    plural: bool = False

    @property
    def person(self):
        """Place of the form that a verb has: 0 of I, 1 of one other, 2 of several."""
        return 2 if self.plural else words.PRONOUNS.get(self.article, ("", 1))[1]

    @property
    def english(self):
        text = _joined(self.article, self.adjective, words.NOUNS[self.noun][self.plural] if self.noun else "")
        return text.replace("a ", "an ", 1) if self.article == "a" and text[2] in "aeiou" else text

    def german(self, case):
        """Returns the phrase in a case, `"nominative"` or `"accusative"`."""
        if not self.noun:
            return words.PRONOUNS[self.article][0]
        _, _, *forms, gender = words.NOUNS[self.noun]
        stem, kind = words.ARTICLES[self.article]
        article, adjective = words.ENDINGS[kind, case]["p" if self.plural else gender]
        adjective = f"{words.ADJECTIVES[self.adjective]}{adjective}" if self.adjective else ""
        return _joined(f"{stem}{article}", adjective, forms[self.plural])


class Clause(NamedTuple):
    """Who does what to what, in English words.

    Attributes:
        subject: Who does it.
        verb: One of `made_translation_words.VERBS`.
        thing: What it is done to.
        tense: One of `made_translation_words.TIMES`.
        time: When, empty for no word of it.
        place: Where, likewise.
        negated: Whether it is not done.
    """

    subject: Phrase
    verb: list
    thing: Phrase
    tense: str
    time: str = ""
    place: str = ""
    negated: bool = False

    def english(self, asked=False, front=""):
        """Returns the clause, or the question of it, with its time or its place in front where that is named."""
        (base, third, progressive, past), after, *_ = self.verb
        plain = {"habit": (base, third, base), "past": (past,) * 3, "want": (f"want to {base}", f"wants to {base}") * 2}
        plain["want"] = (f"want to {base}", f"wants to {base}", f"want to {base}")
        person, subject = self.subject.person, self.subject.english
        auxiliary = words.AUXILIARIES[self.tense][person]
        rest = {"progressive": progressive, "want": f"want to {base}"}.get(self.tense, base)
        if asked:
            begin = [auxiliary, subject, rest]
        elif self.negated:
            begin = [subject, "cannot" if auxiliary == "can" else f"{auxiliary} not", rest]
        else:
            begin = [subject, plain[self.tense][person]] if self.tense in plain else [subject, auxiliary, rest]
        end = [part for part in (self.place, self.time) if part != front]
        return _joined(front, *begin, *after, self.thing.english, *end)

    def german(self, order=SECOND, front=""):
        """Returns the clause with its verb in a place, and its time or its place in front where that is named."""
        *forms, infinitive, participle = self.verb[2]
        forms.append(infinitive)
        particle = _joined(*self.verb[3])
        person, subject = self.subject.person, self.subject.german("nominative")
        if self.tense in words.GERMAN_AUXILIARIES:
            finite = words.GERMAN_AUXILIARIES[self.tense][person]
            closing = particle + (participle if self.tense == "past" else infinitive)
        else:
            finite, closing = forms[person], particle
        never = self.negated and self.thing.article == "a"
        thing = self.thing._replace(article="no") if never else self.thing
        time = words.TIMES[self.tense].get(self.time, "")
        place = words.PLACES.get(self.place, "")
        middle = [time, thing.german("accusative"), "nicht" if self.negated and not never else "", place]
        if order == LAST:
            # A particle is written with its verb where both are at the end.
            end = [closing, finite] if self.tense in words.GERMAN_AUXILIARIES else [f"{closing}{finite}"]
            return _joined(subject, *middle, *end)
        if order == FIRST:
            return _joined(finite, subject, *middle, closing)
        if not front:
            return _joined(subject, finite, *middle, closing)
        front = time if front == self.time else place
        return _joined(front, finite, subject, *(part for part in middle if part != front), closing)


def make_translations(count, seed):
    """Makes sentences, such as "Today the old man is buying an apple." and "Heute kauft der alte Mann einen Apfel.".

    Args:
        count: Number of sentences, all of them different.
        seed: Seed of all draws; whatever `numpy.random.default_rng` takes.

    Returns:
        `(english, german)`: two lists of `str`.
    """
    random = np.random.default_rng(seed)
    made = {}
    while len(made) < count:
        english, german = _sentence(random)
        made[english] = german
    return list(made), list(made.values())


def _sentence(random):
    clause, kind = _clause(random), random.random()
    if kind < 0.15:
        english, german, end = clause.english(asked=True), clause.german(FIRST), "?"
        if clause.negated:
            clause = clause._replace(negated=False)
            english, german = clause.english(asked=True), clause.german(FIRST)
    elif kind < 0.3:
        english, german = _reported(clause, random)
        end = "."
    elif kind < 0.45:
        english, german = _reasoned(clause, random)
        end = "."
    else:
        front = _one_of(("", clause.time, clause.place), random)
        english, german, end = clause.english(front=front), clause.german(front=front), "."
    return tuple(f"{text[0].upper()}{text[1:]}{end}" for text in (english, german))
