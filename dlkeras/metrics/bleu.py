"""BLEU: how many words, and runs of up to four words, translations share with those of people."""

import collections
import itertools
import math
import re
from typing import NamedTuple

from dlkeras.checks import check_choice

_ORDERS = range(1, 5)
_ENTITIES = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">"}  # in this order
# The rules of NIST's mteval-v13a for western languages, each to be applied to what the one before it gave.
_RULES = (
    (re.compile(r"([!\"#$%&()*+/:;<=>?@\[\\\]^_`{|}~])"), r" \1 "),
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)
_ELISION = re.compile(r"(?<=[^\W\d_])(['’])(?=[^\W\d_])")


class Bleu(NamedTuple):
    """What `bleu` found.

    Attributes:
        score: 0 to 100.
        precisions: Share of the runs of 1, 2, 3 and 4 words that are in the reference too, smoothed, 0 to 100.
        brevity_penalty: What `score` was multiplied by, below 1 if the hypotheses are shorter than the references.
        hypothesis_length: Words of all hypotheses.
        reference_length: Words of all references.
    """

    score: float
    precisions: tuple
    brevity_penalty: float
    hypothesis_length: int
    reference_length: int


def bleu(hypotheses, references, *, lowercase=False, tokenize="13a"):
    """Measures translations by a reference each, all together, as sacreBLEU's `corpus_bleu` does.

    An order without a match counts as half a match, the next such order as a quarter, and so on (NIST's smoothing).

    Args:
        hypotheses: List of `str`.
        references: List of `str`, as many.
        lowercase: Whether capitals count as small letters.
        tokenize: How texts become words: `"13a"` as NIST's mteval-v13a does; `"13a+elisions"` likewise, but an
            apostrophe within a word ends it, as in "l' homme"; `"none"` by white space alone, for texts that are words
            with spaces between already. The "tokenized, lower-cased BLEU" of papers on Multi30k is of the words that
            Moses' tokenizer makes: in small letters `"13a+elisions"` makes the same ones of all but 4 of the 1,000
            German references of 2016, and of all but 2 of the French ones, `"13a"` of all but 385.

    Returns:
        A `Bleu`.

    Raises:
        ValueError: There are not as many references, or none, or there is no such `tokenize`.

    Source: Papineni et al. 2002, "BLEU: a method for automatic evaluation of machine translation"; Post 2018, "A call
    for clarity in reporting BLEU scores".
    """
    check_choice("tokenize", tokenize, _TOKENIZERS)
    if len(hypotheses) != len(references) or not len(hypotheses):
        raise ValueError(
            "`hypotheses` and `references` must be as many, at least one. "
            f"Received: {len(hypotheses)} hypotheses, {len(references)} references"
        )
    pairs = [[_words(text, lowercase, tokenize) for text in pair] for pair in zip(hypotheses, references, strict=True)]
    return _score(pairs, lambda totals: len(_ORDERS))


def sentence_bleu(hypothesis, reference, *, lowercase=False, tokenize="13a"):
    """Measures one translation; of one that is shorter than four words only the shorter runs count.

    Args:
        hypothesis: `str`.
        reference: `str`.
        lowercase: As of `bleu`, like `tokenize`.

    Returns:
        A `Bleu`, as sacreBLEU's `sentence_bleu` has it.
    """
    check_choice("tokenize", tokenize, _TOKENIZERS)
    pair = [_words(text, lowercase, tokenize) for text in (hypothesis, reference)]
    return _score([pair], lambda totals: max(1, sum(total > 0 for total in totals)))


def _score(pairs, orders):
    """Scores pairs of lists of words; `orders` says how many orders count, given how many runs there are of each."""
    lengths = [sum(map(len, side)) for side in zip(*pairs, strict=True)]
    counts = [_matches(*pair) for pair in pairs]
    matches, totals = ([sum(order) for order in zip(*part, strict=True)] for part in zip(*counts, strict=True))
    precisions = tuple(_smoothed(matches, totals)) if any(matches) else (0.0,) * len(_ORDERS)
    hypothesis, reference = lengths
    penalty = 1.0 if hypothesis >= reference else math.exp(1 - reference / hypothesis) if hypothesis else 0.0
    counted = precisions[: orders(totals)]
    score = penalty * math.exp(sum(map(math.log, counted)) / len(counted)) if all(counted) else 0.0
    return Bleu(score, precisions, penalty, hypothesis, reference)


def _matches(hypothesis, reference):
    """Returns for each order how many runs of the hypothesis the reference has too, and how many there are."""
    found = []
    for order in _ORDERS:
        runs, others = (_runs(words, order) for words in (hypothesis, reference))
        found.append(((runs & others).total(), runs.total()))
    return tuple(zip(*found, strict=True))


def _runs(words, order):
    return collections.Counter(zip(*(itertools.islice(words, begin, None) for begin in range(order)), strict=False))


def _smoothed(matches, totals):
    """Yields the precision of each order in percent; of one that has no match it is half of what one match gives."""
    share = 1.0
    for match, total in zip(matches, totals, strict=True):
        share = share if match or not total else share / 2
        yield 100 * (match or share) / total if total else 0.0


def _words(text, lowercase, tokenize):
    text = text.lower() if lowercase else text
    return _TOKENIZERS[tokenize](text.rstrip())


def _words_13a(text):
    text = text.replace("<skipped>", "").replace("-\n", "")
    for entity, sign in _ENTITIES.items():
        text = text.replace(entity, sign)
    text = f" {text} "
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text.split()


def _words_elided(text):
    return _words_13a(_ELISION.sub(r"\1 ", text))


_TOKENIZERS = {"13a": _words_13a, "13a+elisions": _words_elided, "none": str.split}
