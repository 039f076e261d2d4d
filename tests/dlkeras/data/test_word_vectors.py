import gzip

import numpy as np
import pytest

from dlkeras.data import DataError
from dlkeras.data.word_vectors import load_word_vectors
from dlkeras.text import Vocabulary

VECTORS = {"good": [1.0, -2.0, 0.5], "bad": [-1.0, 2.5, 0.25], "été": [0.125, 0.0, 4.0], "unused": [9.0, 9.0, 9.0]}
TEXT = "".join(f"{word} {' '.join(map(str, vector))}\n" for word, vector in VECTORS.items()).encode()
HEADER = b"4 3\n"
PARTS = [word.encode() + b" " + np.float32(vector).tobytes() for word, vector in VECTORS.items()]
FILES = {
    "glove.txt": TEXT,
    "word2vec.txt": HEADER + TEXT,
    "word2vec.bin": HEADER + b"\n".join(PARTS) + b"\n",
    "gensim.bin": HEADER + b"".join(PARTS),
    "glove.txt.gz": gzip.compress(TEXT),
}


@pytest.fixture
def vocabulary():
    return Vocabulary.of({"good": 3, "bad": 2, "été": 2, "absent": 1})


@pytest.mark.parametrize("name", FILES)
def test_every_form(tmp_path, vocabulary, name):
    (tmp_path / name).write_bytes(FILES[name])
    matrix, missing = load_word_vectors(tmp_path / name, vocabulary)
    assert matrix.shape == (6, 3) and matrix.dtype == "float32" and missing == ["absent"]
    for word in ("good", "bad", "été"):
        np.testing.assert_array_equal(matrix[vocabulary.ids[word]], VECTORS[word])
    np.testing.assert_array_equal(matrix[vocabulary.padding], 0)


def test_missing_words_are_drawn_with_the_variance_of_the_others(tmp_path):
    random = np.random.default_rng(0)
    lines = [f"w{number} " + " ".join(map(str, random.normal(size=40))) for number in range(50)]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    vocabulary = Vocabulary.of([f"w{number}" for number in range(100)])
    matrix, missing = load_word_vectors(tmp_path / "a.txt", vocabulary)
    assert len(missing) == 50
    drawn = matrix[[vocabulary.ids[word] for word in missing]]
    assert 0.9 < drawn.std() < 1.1 and abs(drawn).max() < 1.9
    np.testing.assert_array_equal(load_word_vectors(tmp_path / "a.txt", vocabulary)[0], matrix)
    assert not np.array_equal(load_word_vectors(tmp_path / "a.txt", vocabulary, seed=1)[0], matrix)


def test_a_word_with_a_space_and_a_word_that_is_there_twice(tmp_path, vocabulary):
    (tmp_path / "a.txt").write_text(". . 1 2 3\ngood 4 5 6\ngood 7 8 9\n")
    with pytest.raises(DataError, match=r"the first line holds no word with numbers|line 2 must hold"):
        load_word_vectors(tmp_path / "a.txt", vocabulary)
    (tmp_path / "a.txt").write_text("good 4 5 6\ngood 7 8 9\n. . 1 2 3\n")
    matrix, missing = load_word_vectors(tmp_path / "a.txt", vocabulary)
    np.testing.assert_array_equal(matrix[vocabulary.ids["good"]], [4, 5, 6])
    assert missing == ["bad", "été", "absent"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the first line holds no word with numbers"),
        (b"just words here\n", "the first line holds no word with numbers"),
        (b"other 1 2 3\n", "holds none of the 6 words of the vocabulary"),
        (b"other 1 2 3\ngood 1 2\n", "line 2 must hold a word and 3 numbers"),
        (b"other 1 2 3\ngood 1 x 3\n", "line 2 must hold a word and 3 numbers"),
        (FILES["gensim.bin"][:-5], "ends, or is damaged, at word 4 of 4"),
    ],
)
def test_refuses(tmp_path, vocabulary, content, sentence):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        load_word_vectors(tmp_path / "a", vocabulary)
    with pytest.raises(DataError, match=r"is no file of word vectors"):
        load_word_vectors(tmp_path / "none", vocabulary)
