"""Random texts through both forms of every tokenizer: `python -m tests.dlkeras.text.fuzz --texts 10000 --seed 0`."""

import argparse
import random

import tensorflow as tf
from hypothesis import strategies as st

from dlkeras.text import BytePairTokenizer, CharacterTokenizer, WordPieceTokenizer, WordTokenizer, utf8

TEXTS = [
    "the movie wasn't good, don't they'll it's; the films were good films and slower filming",
    "Été à 東京! İstanbul Straße ΟΔΟΣ ﬁn naïve café 한국어 हिन्दी ไทย 👨‍👩‍👧 ❤️ 👍🏽 e\u0301 \0 \u200d",
] * 3
KINDS = {
    "words": WordTokenizer(),
    "cased words": WordTokenizer(min_frequency=2, lowercase=False, strip_accents=True, contractions=False),
    "characters": CharacterTokenizer(lowercase=True),
    "byte pairs": BytePairTokenizer(max_size=400),
    "word pieces": WordPieceTokenizer(max_size=150),
    "cased word pieces": WordPieceTokenizer(max_size=150, lowercase=False, strip_accents=False),
}
# What rules turn on: spaces of all sorts, marks, joiners, ideographs, what no text should hold, and what is reserved.
FRAGMENTS = [
    *("a", "n", "the", " good", "films", "N'T", "n't", "'s", "’ll ", "'", "’", " ", "  ", "\n", "\r\n", "\t", "\x85"),
    *(
        "\xa0",
        "\u3000",
        "\u2028",
        "é",
        "e\u0301",
        "\u0301",
        "İ",
        "ß",
        "ς",
        "ﬁ",
        "Ⅷ",
        "½",
        "٣",
        "東京",
        "タ",
        "한",
        "ᄒ",
    ),
    *("👨‍👩‍👧", "❤️", "👍🏽", "1\ufe0f\u20e3", "\u200d", "\ufeff", "\0", "\x07", "\ufffd", "\ufffe", "\uffff", "\ufdd0"),
    *("\ud800", "\udfff", "\U0010ffff", "\U000e0100", "\U0001f1e9", "##", "[UNK]", "[PAD]", "_", "-", ".", "x" * 40),
]
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(st.characters(), max_size=8), max_size=12).map("".join)


def fitted(name):
    """Returns a tokenizer of `KINDS` and its form for graphs, traced for texts in any number."""
    tokenizer = KINDS[name].fit(TEXTS)
    graph = tokenizer.graph()
    signature = [tf.TensorSpec([None], tf.string)]
    return tokenizer, tf.function(graph.ragged, input_signature=signature, autograph=False)


def check(tokenizer, graph, batch):
    """Holds both forms against each other on a batch of texts."""
    expected = [tokenizer.encode(text) for text in batch]
    assert graph(tf.constant([utf8(text) for text in batch], tf.string)).to_list() == expected
    if isinstance(tokenizer, BytePairTokenizer):
        assert [tokenizer.decode(ids).encode() for ids in expected] == [utf8(text) for text in batch]


def long_run(forms, count, number):
    """Checks so many different texts, a hundred at a time. Hypothesis would draw most of them again and again."""
    draw, seen = random.Random(number), set()
    while len(seen) < count:
        batch = [_text(draw) for _ in range(100)]
        check(*forms, batch)
        seen.update(batch)


def _text(draw):
    highest = draw.choice((0x80, 0x3000, 0x10000, 0x110000))
    parts = (draw.choice((draw.choice(FRAGMENTS), chr(draw.randrange(highest)))) for _ in range(draw.randrange(30)))
    return "".join(parts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for name in KINDS:
        forms = fitted(name)
        long_run(forms, arguments.texts, arguments.seed)
        for long in ("x" * 100_000, "é" * 50_000, "the movie wasn't good 👍🏽 " * 4000, " " * 100_000):
            check(*forms, [long])
        print(f"{name}: the same ids for {arguments.texts} different texts, and 4 of 100 kB", flush=True)


if __name__ == "__main__":
    main()
