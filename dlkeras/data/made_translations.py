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
        """Place of the form that a verb has: 0 for I, 1 for one other, 2 for several."""
        return 2 if self.plural else words.PRONOUNS.get(self.article, ("", 1))[1]

    @property
    def english(self):
        """The phrase as it is."""
        text = _joined(self.article, self.adjective, self.noun and words.NOUNS[self.noun][self.plural])
        return f"an {text[2:]}" if self.article == "a" and text[2] in "aeiou" else text

    def german(self, case):
        """Returns the phrase in a case, `"nominative"` or `"accusative"`."""
        if not self.noun:
            return words.PRONOUNS[self.article][0]
        _, _, *forms, gender = words.NOUNS[self.noun]
        stem, kind = words.ARTICLES[self.article]
        article, ending = words.ENDINGS[kind, case]["p" if self.plural else gender]
        adjective = self.adjective and f"{words.ADJECTIVES[self.adjective]}{ending}"
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
        """Returns the clause or the question, with its time or place in front where `front` is that."""
        (base, third, progressive, past), after, *_ = self.verb
        plain = {
            "habit": (base, third, base),
            "past": (past, past, past),
            "want": (f"want to {base}", f"wants to {base}", f"want to {base}"),
        }
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

    def german(self, order, front=""):
        """Returns the clause with its verb in its place, and its time or place in front where `front` is that."""
        time, place = words.TIMES[self.tense].get(self.time, ""), words.PLACES.get(self.place, "")
        # What is not done to a thing is done to no thing.
        none = self.negated and self.thing.article == "a"
        thing = self.thing._replace(article="no") if none else self.thing
        not_ = "nicht" if self.negated and not none else ""
        first = {self.time: time, self.place: place, "": ""}[front]
        middle = [part for part in (time, thing.german("accusative"), not_, place) if part != first]
        subject, (finite, closing) = self.subject.german("nominative"), self._german_verb()
        if order == LAST:
            # A particle is written with its verb where both are at the end.
            apart = self.tense in words.GERMAN_AUXILIARIES
            return _joined(subject, *middle, f"{closing} {finite}" if apart else f"{closing}{finite}")
        begin = [finite, subject] if order == FIRST or first else [subject, finite]
        return _joined(first, *begin, *middle, closing)

    def _german_verb(self):
        """Returns the form that fits the subject, and what stands at the end."""
        _, _, forms, particle, _ = self.verb
        infinitive, participle = (_joined(*particle) + form for form in forms[2:])
        if self.tense not in words.GERMAN_AUXILIARIES:
            return forms[self.subject.person], _joined(*particle)
        finite = words.GERMAN_AUXILIARIES[self.tense][self.subject.person]
        return finite, participle if self.tense == "past" else infinitive


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
    kind = _one_of(("statement", "statement", "statement", "question", "report", "reason"), random)
    clause = _clause(random, negated=kind != "question" and random.random() < 0.15)
    front = _one_of(("", clause.time, clause.place), random) if kind == "statement" else ""
    if kind == "question":
        pair = clause.english(asked=True), clause.german(FIRST)
    elif kind == "report":
        pair = [_joined(*parts) for parts in zip(_saying(random), (clause.english(), clause.german(LAST)), strict=True)]
    else:
        pair = clause.english(front=front), clause.german(SECOND, front)
    if kind == "reason":
        past = clause.tense == "past"
        pair = [_joined(*parts, space="") for parts in zip(pair, _reason(past, random), strict=True)]
    end = "?" if kind == "question" else "."
    return tuple(f"{text[0].upper()}{text[1:]}{end}" for text in pair)


def _saying(random):
    subject, (english, german) = _subject(random), _one_of(words.SAYING, random)
    person = subject.person
    return f"{subject.english} {english[person]} that", f"{subject.german('nominative')} {german[person]}, dass"


def _reason(past, random):
    subject, (english, german) = _subject(random), words.BEING[past]
    mood, person = _one_of(list(words.MOODS), random), subject.person
    return (
        f" because {subject.english} {english[person]} {mood}",
        f", weil {subject.german('nominative')} {words.MOODS[mood]} {german[person]}",
    )


def _clause(random, negated):
    verb = _one_of(words.VERBS, random)
    tenses = [
        tense
        for tense in words.TIMES
        # "Must not" is another word in German, and some verbs have no progressive form.
        if not (tense == "must" and negated) and not (tense == "progressive" and verb[0][2] == "-")
    ]
    tense = _one_of(tenses, random)
    # Without a time, "put" and "read" may be of now or of what is past.
    timed = verb[0][0] == verb[0][3] or random.random() < 0.6
    time = _one_of(list(words.TIMES[tense]), random) if timed else ""
    articles = ("the", "a") if negated else ("the", "the", "a", "a", "two", "three")
    thing = _phrase(_one_of(verb[4], random), articles, random)
    # Before a place "nicht" would deny the place alone.
    placed = random.random() < 0.5 and not (negated and thing.article == "the")
    place = _one_of(list(words.PLACES), random) if placed else ""
    return Clause(_subject(random), verb, thing, tense, time, place, negated)


def _subject(random):
    kind = random.random()
    if kind < 0.3:
        return Phrase(_one_of(list(words.PRONOUNS), random))
    if kind < 0.5:
        return _phrase(_one_of(words.FAMILY, random), ("my", "our"), random, words.OF_PERSONS)
    return _phrase(_one_of(words.PERSONS, random), ("the", "the", "a", "two", "three"), random, words.OF_PERSONS)


def _phrase(noun, articles, random, adjectives=words.OF_THINGS):
    article = _one_of(articles, random)
    plural = article in ("two", "three") or (article != "a" and random.random() < 0.3)
    adjective = _one_of(list(adjectives), random) if random.random() < 0.5 else ""
    return Phrase(article, adjective, noun, plural)


def _one_of(choices, random):
    return choices[random.integers(len(choices))]


def _joined(*parts, space=" "):
    return space.join(part for part in parts if part)
