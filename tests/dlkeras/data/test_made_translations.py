"""Made-up translations are good German: rules by examples, and every noun phrase read once more by a list of forms."""

import re

import pytest

from dlkeras.data import made_translation_words as words
from dlkeras.data.made_translations import FIRST, LAST, SECOND, Clause, Phrase, make_translations

MAN, WOMAN = Phrase("the", "old", "man"), Phrase("a", "", "woman")
VERBS = {(verb[0][0]): verb for verb in words.VERBS}
# What may stand before a noun in a gender, an adjective between: the article and the adjective's ending.
FORMS = {
    "m": {"der e", "den en", "ein er", "einen en", "keinen en", "mein er", "unser er"},
    "f": {"die e", "eine e", "keine e", "meine e", "unsere e"},
    "n": {"das e", "ein es", "kein es"},
    "p": {"die en", "meine en", "unsere en", "zwei e", "drei e"},
}


@pytest.mark.parametrize(
    ("clause", "english", "german"),
    [
        (
            Clause(MAN, VERBS["buy"], Phrase("a", "new", "hat"), "progressive", "today", "at the market"),
            "the old man is buying a new hat at the market today",
            "der alte Mann kauft heute einen neuen Hut auf dem Markt",
        ),
        (
            Clause(Phrase("I"), VERBS["open"], Phrase("the", "big", "window"), "habit", "every morning"),
            "I open the big window every morning",
            "ich mache jeden Morgen das große Fenster auf",
        ),
        (
            Clause(WOMAN, VERBS["pick"], Phrase("two", "", "key", True), "past", place="in the park"),
            "a woman picked up two keys in the park",
            "eine Frau hat zwei Schlüssel im Park aufgehoben",
        ),
        (
            Clause(Phrase("they"), VERBS["try"], Phrase("a", "", "jacket"), "want", negated=True),
            "they do not want to try on a jacket",
            "sie wollen keine Jacke anprobieren",
        ),
        (
            Clause(
                Phrase("our", "young", "sister"), VERBS["see"], Phrase("the", "", "horse", True), "can", negated=True
            ),
            "our young sister cannot see the horses",
            "unsere junge Schwester kann die Pferde nicht sehen",
        ),
        (
            Clause(Phrase("she"), VERBS["read"], Phrase("the", "", "letter"), "habit", "on Sundays", negated=True),
            "she does not read the letter on Sundays",
            "sie liest sonntags den Brief nicht",
        ),
    ],
)
def test_statements(clause, english, german):
    assert (clause.english(), clause.german(SECOND)) == (english, german)


def test_a_verb_goes_to_its_place():
    clause = Clause(MAN, VERBS["put"], Phrase("the", "small", "box"), "habit", "every day", "in the garden")
    assert clause.english(front="every day") == "every day the old man puts away the small box in the garden"
    assert clause.german(SECOND, "every day") == "jeden Tag räumt der alte Mann die kleine Kiste im Garten weg"
    assert clause.german(SECOND, "in the garden") == "im Garten räumt der alte Mann jeden Tag die kleine Kiste weg"
    assert clause.english(asked=True) == "does the old man put away the small box in the garden every day"
    assert clause.german(FIRST) == "räumt der alte Mann jeden Tag die kleine Kiste im Garten weg"
    assert clause.german(LAST) == "der alte Mann jeden Tag die kleine Kiste im Garten wegräumt"
    past = clause._replace(tense="past", time="yesterday", place="")
    assert past.english(asked=True) == "did the old man put away the small box yesterday"
    assert past.german(LAST) == "der alte Mann gestern die kleine Kiste weggeräumt hat"
    assert past.german(FIRST) == "hat der alte Mann gestern die kleine Kiste weggeräumt"


def test_the_seed_decides_and_all_are_different():
    english, german = make_translations(1000, (1, 2))
    assert make_translations(1000, (1, 2)) == (english, german)
    assert not {*english} & {*make_translations(1000, (1, 3))[0]}
    assert len({*english}) == len(german) == 1000
    for mark, least in (("?", 100), (", weil ", 100), (", dass ", 100), (" nicht ", 20), (" kein", 20)):
        assert sum(mark in text for text in german) > least
    assert all(one[0].isupper() and one[-1] == other[-1] for one, other in zip(english, german, strict=True))


def test_every_noun_has_its_forms_and_stands_on_both_sides():
    adjectives = "|".join({*words.ADJECTIVES.values()})
    for one, other in zip(*make_translations(1000, 0), strict=True):
        said = [word for word in re.findall(r"\w+", one) if any(word in noun[:2] for noun in words.NOUNS.values())]
        for word in said:
            noun = next(noun for noun in words.NOUNS.values() if word in noun[:2])
            plural = word == noun[1]
            before = re.findall(rf"(\w+) (?:(?:{adjectives})(e[nrs]?) )?{noun[2 + plural]}\b", other)
            gender = "p" if plural else noun[4]
            forms = {form if ending else form.split()[0] for form in FORMS[gender] for ending in (True, False)}
            assert any(f"{article.lower()} {ending}".strip() in forms for article, ending in before), (one, other)
        assert len(said) == sum(
            word in [form for noun in words.NOUNS.values() for form in noun[2:4]] for word in re.findall(r"\w+", other)
        )
