"""BLEU is sacreBLEU's, number by number."""

import math

import numpy as np
import pytest
import sacrebleu

from dlkeras.metrics import bleu, sentence_bleu

REFERENCES = [
    'Ein Mann sagt: "Guten Tag!", und geht (langsam) weiter...',
    "Zwei Männer, 1,5 m groß, zahlen 3.50€ für 2-3 Äpfel.",
    "L'homme n'est pas là; aujourd'hui « c'est » 10:30 / 11:45 – non?",
    "Straße &amp; Weg &lt;b&gt; &quot;x&quot; &amp;lt; <skipped>a_b [c] {d} ~e^f`g\\h|i@j #k $l %m *n +o =p",
    "a..5 5..a 5,,5 .,. 7-8-9 x-y 1. 2, 3.",
    "eins zwei drei",
    "ja",
]
HYPOTHESES = [
    'Ein Mann sagt "Guten Tag" und geht langsam weiter .',
    "Zwei Männer, 1.5 m groß, zahlen 3.50€ für zwei bis 3 Äpfel",
    "L'homme n'est pas la, aujourd'hui c'est 10:30 - non ?",
    'STRASSE & Weg <b> "x" < a_b [c] { d } ~e ^f`g\\h |i@j#k $l% m *n +o = p -\n q',
    "a. .5 5 ..a 5,, 5 . , . 7 -8-9 x-y 1 . 2, 3.",
    "eins zwei",
    "",
]


def _assert_same(found, expected):
    assert found.score == pytest.approx(expected.score, abs=1e-9)
    assert found.precisions == pytest.approx(expected.precisions, abs=1e-9)
    assert found.brevity_penalty == pytest.approx(expected.bp, abs=1e-12)
    assert (found.hypothesis_length, found.reference_length) == (expected.sys_len, expected.ref_len)


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("tokenize", ["13a", "none"])
def test_texts_with_all_signs(lowercase, tokenize):
    options = {"lowercase": lowercase, "tokenize": tokenize}
    expected = sacrebleu.corpus_bleu(HYPOTHESES, [REFERENCES], force=True, **options)
    assert 10 < expected.score < 80
    _assert_same(bleu(HYPOTHESES, REFERENCES, **options), expected)
    for hypothesis, reference in zip(HYPOTHESES, REFERENCES, strict=True):
        expected = sacrebleu.sentence_bleu(hypothesis, [reference], **options)
        _assert_same(sentence_bleu(hypothesis, reference, **options), expected)
        expected = sacrebleu.corpus_bleu([hypothesis], [[reference]], force=True, **options)
        _assert_same(bleu([hypothesis], [reference], **options), expected)


@pytest.mark.parametrize("seed", range(4))
def test_random_texts(seed):
    random = np.random.default_rng(seed)
    signs = [*"aaabcäé019.,-'\"!&<>/ \t", "  ", "&amp;", "\u00a0", "“"]

    def text(most):
        return "".join(random.choice(signs, random.integers(0, most)))

    # Short ones have runs without a match, which are smoothed; long hypotheses and long references both occur.
    for count, most in ((1, 9), (3, 15), (40, 60)):
        hypotheses, references = ([text(longest) for _ in range(count)] for longest in (most, most + 4 * (seed % 2)))
        expected = sacrebleu.corpus_bleu(hypotheses, [references], force=True)
        _assert_same(bleu(hypotheses, references), expected)


def test_elisions():
    options = {"tokenize": "13a+elisions", "lowercase": True}
    words = bleu(["L'homme n’est pas là."], ["l' homme n’ est pas là ."], **options)
    assert words.score == pytest.approx(100) and words.hypothesis_length == words.reference_length == 7
    # Not of a quotation, a plural or a number.
    assert bleu(["'so' Hans' 5'3"], ["'so' Hans' 5'3"], **options).hypothesis_length == 3


def test_by_hand():
    found = bleu(["the cat sat on the mat"], ["the cat is on the mat today"])
    # 5 of 6 words; "the cat", "on the" and "the mat" of 5 pairs; "on the mat" of 4; none of 3, which counts as a half.
    assert found.precisions == pytest.approx((500 / 6, 60.0, 25.0, 50 / 3))
    assert found.brevity_penalty == pytest.approx(math.exp(1 - 7 / 6))
    score = math.exp(1 - 7 / 6) * 100 * (5 / 6 * 3 / 5 * 1 / 4 * 1 / 6) ** 0.25
    assert found.score == pytest.approx(score)
    # A word counts as often as the reference has it.
    assert bleu(["the the the the"], ["the cat"]).precisions[0] == 25


def test_extremes():
    same = ["Ein Hund läuft über die Wiese.", "Ja."]
    assert bleu(same, same).score == pytest.approx(100)
    assert bleu(["a b c d"], ["e f g h"]).score == bleu(["", ""], same).score == 0
    assert sentence_bleu("Ja", "Ja").score == pytest.approx(100) and bleu(["Ja"], ["Ja"]).score == 0
    assert bleu(["EIN HUND läuft hier"], ["ein Hund LÄUFT hier"], lowercase=True).score == pytest.approx(100)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"], ["a", "b"]), "must be as many, at least one. Received: 1 hypotheses, 2 references"),
        (([], []), "must be as many, at least one. Received: 0 hypotheses, 0 references"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        bleu(*arguments)
    with pytest.raises(
        ValueError, match=r"`tokenize` must be one of 13a, 13a\+elisions, none. Received: tokenize='intl'"
    ):
        bleu(["a"], ["a"], tokenize="intl")
