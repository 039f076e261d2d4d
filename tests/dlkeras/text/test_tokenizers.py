"""What each tokenizer makes of texts, and its file; that the form for graphs does the same is in test_graph.py."""

import subprocess
import sys

import pytest

from dlkeras import text as package
from dlkeras.text import BytePairTokenizer, CharacterTokenizer, WordPieceTokenizer, WordTokenizer, load, utf8
from dlkeras.text.characters import table
from dlkeras.text.splitting import LONGEST_PIECE, Arrays, code_points

TEXTS = ["the movie wasn't good", "the films were good films", "a lower, slower filming", "Été à 東京!"] * 3


def words(text, **arguments):
    return WordTokenizer(**arguments).words(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello,  world!\n", ["hello", ",", "world", "!"]),
        ("Don't they'll it's", ["do", "n't", "they", "'ll", "it", "'s"]),
        ("we've I'm you'd they're", ["we", "'ve", "i", "'m", "you", "'d", "they", "'re"]),
        ("ca n't 's wo n't", ["ca", "n't", "'s", "wo", "n't"]),
        ("CAN’T", ["ca", "n't"]),
        ("'quoted' o'clock n'to 'sure", ["'", "quoted", "'", "o", "'", "clock", "n", "'", "to", "'", "sure"]),
        ("bug-eyed 3.5 a_b", ["bug", "-", "eyed", "3", ".", "5", "a", "_", "b"]),
        ("東京タワー", ["東", "京", "タワー"]),
        ("👍🏽👨‍👩‍👧❤️", ["👍", "🏽", "👨", "👩", "👧", "❤"]),
        ("so\u00adft\0ly\u200b\x07\u2028next\x85line", ["softly", "next", "line"]),
        ("e\u0301t\u00e9 İ", ["e\u0301té", "i"]),
        ("\ud800\uffff", ["\ufffd", "\ufffd"]),
        ("", []),
    ],
)
def test_words(text, expected):
    assert words(text) == expected
    assert words(utf8(text)) == expected


def test_folding_of_words():
    assert words("Café É\u0301 ÅÄÖ 한국", lowercase=False, strip_accents=True) == ["Cafe", "E", "AAO", "한국"]
    assert words("Don't", contractions=False, lowercase=False) == ["Don", "'", "t"]
    assert words("DON'T IT'S", lowercase=False) == ["DO", "N'T", "IT", "'S"]


def test_spans_find_words_in_the_text():
    text = "Don't  e\u0301\u00ad-\0x 👍🏽 end"
    tokenizer = WordTokenizer()
    spans = tokenizer.spans(text)
    assert [text[start:end] for start, end in spans] == ["Do", "n't", "e\u0301", "-", "x", "👍", "🏽", "end"]
    assert len(spans) == len(tokenizer.words(text))


def test_the_table_is_what_python_says():
    codes = code_points(["".join(map(chr, range(0x20000)))])[:-1]
    folded, _ = table(lowercase=True).look_up(codes, Arrays)
    for code, after in zip(codes.tolist(), folded.tolist(), strict=True):
        if code & 0xFFFE != 0xFFFE and not 0xFDD0 <= code < 0xFDF0:
            assert chr(after) == chr(code).lower()[0]
    bare, _ = table(strip_accents=True).look_up(code_points(["àÉñçḯ"]), Arrays)
    assert "".join(map(chr, bare[:-1])) == "aEnci"


def test_rare_words_are_unknown():
    tokenizer = WordTokenizer(min_frequency=6).fit(TEXTS)
    assert tokenizer.vocabulary.tokens == ["[PAD]", "[UNK]", "films", "good", "the"]
    assert tokenizer.encode("the bad films") == [4, 1, 2]
    assert tokenizer.decode([4, 1, 2, 0, 0]) == "the [UNK] films"
    ids, lengths = tokenizer.encode_batch(["the films", "", "good good good"], length=2)
    assert ids.tolist() == [[4, 2], [0, 0], [3, 3]] and lengths.tolist() == [2, 0, 2]


def test_characters():
    tokenizer = CharacterTokenizer().fit(["ab\na\0", "é"])
    assert tokenizer.vocabulary.tokens == ["[PAD]", "[UNK]", "a", "\0", "\n", "b", "é"]
    assert tokenizer.decode(tokenizer.encode("ab\n\0é")) == "ab\n\0é"
    assert tokenizer.encode("xA") == [1, 1]
    assert CharacterTokenizer(lowercase=True).fit(["É"]).vocabulary.tokens[2:] == ["é"]


@pytest.mark.parametrize("text", ["", "the lower films", "  Été\r\n\t😀 don't\0", "x" * 100, "\ufeff\uffff\u0301"])
def test_byte_pairs_give_the_text_again(text):
    tokenizer = BytePairTokenizer(max_size=300).fit(TEXTS)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text and max(ids, default=2) < 300 and 1 not in ids
    assert tokenizer.encode(utf8(text)) == ids


def test_byte_pairs_are_merged_as_learned():
    tokenizer = BytePairTokenizer(max_size=258 + 3).fit(["aab aab ab"] * 2)
    # "ab" is there six times; then the a before it four times, and then the space before that twice or more.
    assert tokenizer.merges[:2] == [("a", "b"), ("a", "ab")]
    assert [tokenizer.vocabulary.tokens[number] for number in tokenizer.encode("aaab ")] == ["a", "aab", "Ġ"]
    assert len(tokenizer.encode("ab" * LONGEST_PIECE)) == LONGEST_PIECE
    assert tokenizer.decode([0, tokenizer.vocabulary.ids["é"]]) == "\ufffd"  # a byte that is no character alone


def test_word_pieces():
    tokenizer = WordPieceTokenizer.of(
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##able", "##a", "##ff", "!"]
    )
    assert tokenizer.encode("Unaffable! ÜNÁFF") == [5, 7, 8, 6, 9, 5, 7, 8]
    assert tokenizer.encode(f"unx un{'a' * 98} un{'a' * 99}") == [1, 5, *[7] * 98, 1]
    assert tokenizer.decode([2, 5, 7, 8, 6, 9, 3]) == "unaffable !"
    with pytest.raises(ValueError, match=r"`tokens` must hold all of `reserved`"):
        WordPieceTokenizer.of(["[PAD]", "[UNK]"])


def test_word_pieces_are_learned():
    tokenizer = WordPieceTokenizer(max_size=60).fit(TEXTS)
    assert tokenizer.vocabulary.tokens[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert 50 < len(tokenizer.vocabulary) <= 60
    assert tokenizer.decode(tokenizer.encode("lower films")) == "lower films"


KINDS = [
    WordTokenizer(min_frequency=2, max_size=9, lowercase=False, reserved=("padding", "unknown", "end")),
    CharacterTokenizer(lowercase=True),
    BytePairTokenizer(max_size=270),
    WordPieceTokenizer(max_size=60, strip_accents=False),
]


@pytest.mark.parametrize("tokenizer", KINDS, ids=lambda tokenizer: type(tokenizer).__name__)
def test_files(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer.fit(TEXTS).save(path)
    loaded = load(path)
    assert type(loaded) is type(tokenizer) and loaded.vocabulary == tokenizer.vocabulary
    assert [loaded.encode(text) for text in TEXTS] == [tokenizer.encode(text) for text in TEXTS]
    loaded.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()
    assert "films" in path.read_text(encoding="utf-8") or isinstance(tokenizer, CharacterTokenizer | BytePairTokenizer)
    assert type(tokenizer).load(path).vocabulary == tokenizer.vocabulary
    other = CharacterTokenizer if isinstance(tokenizer, WordTokenizer) else WordTokenizer
    with pytest.raises(ValueError, match=rf"must hold a {other.__name__}. Received: a {type(tokenizer).__name__}"):
        other.load(path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"tokenizer": "Other"}', '{"tokenizer": "WordTokenizer"}'])
def test_refuses_other_files(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match=r"a.json must be a file that a tokenizer has saved. Received: "):
        load(tmp_path / "a.json")


def test_refuses():
    with pytest.raises(
        ValueError, match=r"WordTokenizer has no vocabulary yet: call `fit` with texts, or `load` a file"
    ):
        WordTokenizer().encode("a")
    with pytest.raises(ValueError, match=r"`texts` must be several texts. Received: one"):
        WordTokenizer().fit("a text")
    with pytest.raises(ValueError, match=r"`max_size` must be at least 258. Received: max_size=100"):
        BytePairTokenizer(max_size=100)


WITHOUT_TENSORFLOW = """
import sys
sys.modules.update(dict.fromkeys(("tensorflow", "keras", "tensorflow_text")))
from dlkeras.text import BytePairTokenizer, CharacterTokenizer, WordPieceTokenizer, WordTokenizer, load
for kind in (BytePairTokenizer, CharacterTokenizer, WordPieceTokenizer, WordTokenizer):
    tokenizer = kind().fit(["a text, a text"] * 2)
    tokenizer.save(sys.argv[1])
    assert load(sys.argv[1]).decode(tokenizer.encode("a text")) == "a text"
    print(*tokenizer.vocabulary.tokens)
"""


def test_works_without_tensorflow_and_learns_the_same_in_every_process(tmp_path):
    said = [
        subprocess.run(
            [sys.executable, "-c", WITHOUT_TENSORFLOW, tmp_path / "a.json"], check=True, capture_output=True, text=True
        ).stdout
        for _ in range(2)
    ]
    assert said[0] == said[1] != ""
    assert {"BytePairTokenizer", "WordTokenizer"} <= {*package.__all__}
