"""Reviews made by rule, whose sentiment hangs on negation and on the word but, for use without a data set."""

import numpy as np

CLASS_NAMES = ["negative", "positive"]
"""What the classes 0 and 1 say."""

_SUBJECTS = (
    *("the plot", "the acting", "the cast", "the music", "the ending", "the dialogue", "the camera work", "the script"),
    *("the direction", "the first half", "the story", "every scene", "the whole film", "the lead", "the humour"),
)
_VERBS = ("is", "was", "feels", "seemed", "remains")
_DEGREES = ("", "", "very", "truly", "rather", "quite", "simply", "utterly")
_ADJECTIVES = (
    ("dull", "clumsy", "tedious", "hollow", "predictable", "bland", "awful", "shallow", "lifeless", "messy", "forced"),
    ("charming", "gripping", "clever", "moving", "fresh", "delightful", "superb", "warm", "funny", "elegant", "tense"),
)
_NEGATIONS = ("not", "never", "hardly", "by no means")
_ASIDES = ("in my opinion", "to be honest", "all in all", "as expected", "for once", "from start to finish")


def make_reviews(count, seed):
    """Makes reviews.

    Each says one to three things of a film, such as "the plot was not very clever". A negation turns one round. Those
    joined by "and" agree; where there is a "but", what follows it decides.

    Args:
        count: Number of reviews.
        seed: Seed of all draws; whatever `numpy.random.default_rng` takes.

    Returns:
        `(texts, classes)`: a list of `str`, and `int32` `(count,)`; about half are positive.
    """
    random = np.random.default_rng(seed)
    classes = random.integers(0, 2, count).astype("int32")
    return [_review(int(number), random) for number in classes], classes


def _review(number, random):
    parts = [_clause(number, random)]
    for joint in random.choice(["and", "but", ","], random.integers(0, 3)):
        # Said before it, and so overruled where a "but" stands between.
        before = 1 - number if joint == "but" else number
        parts = [_clause(before, random), joint, *parts]
        if joint == "but":
            break
    text = " ".join(parts).replace(" ,", ",")
    if random.random() < 0.3:
        text = f"{random.choice(_ASIDES)}, {text}"
    return text[0].upper() + text[1:] + str(random.choice([".", "!", "..."]))


def _clause(number, random):
    negated = random.random() < 0.4
    adjective = random.choice(_ADJECTIVES[1 - number if negated else number])
    words = [random.choice(_SUBJECTS), random.choice(_VERBS), random.choice(_NEGATIONS) if negated else ""]
    return " ".join(word for word in (*words, random.choice(_DEGREES), adjective) if word)
