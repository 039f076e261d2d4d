"""Word vectors from the files of GloVe and word2vec, as the matrix of a vocabulary."""

import contextlib
import gzip
import mmap
from pathlib import Path

import numpy as np

from dlkeras.data.location import DataError, find

_ACCEPTED = (
    "Accepted: a word and its numbers a line (GloVe), the same below a line of two counts (word2vec, text), or 4-byte "
    "floats after each word (word2vec, binary)."
)
_LONGEST_WORD = 4096  # bytes; past it no space ends a word, and the file is no such file


def load_word_vectors(source, vocabulary, seed=0):
    """Reads the vectors of a vocabulary's words from a file in the form of GloVe or word2vec, text or binary.

    Where a word is there more than once the first counts. A word that is not there gets random numbers of the same
    variance (Kim 2014), padding zeros.

    Args:
        source: Path of the file, also one in `DLKERAS_DATA`; text may be packed (`.gz`).
        vocabulary: A `dlkeras.text.Vocabulary`.
        seed: Of the random numbers.

    Returns:
        `(matrix, missing)`: float32 `(len(vocabulary), dim)`, and a list of the words that have no vector.

    Raises:
        DataError: The file is not there or is another kind of file, or it holds none of the words.
    """
    path = Path(source).expanduser()
    path = path if path.is_file() else find(str(source)) or path
    if not path.is_file():
        raise DataError(f"{path} is no file of word vectors. {_ACCEPTED}")
    wanted = {token.encode(): number for token, number in vocabulary.ids.items()}
    found = {}
    for word, vector in _vectors(path, wanted):
        found.setdefault(wanted[word], vector)
    if not found:
        raise DataError(f"{path} holds none of the {len(wanted)} words of the vocabulary.")
    rows, vectors = [*found], np.stack([*found.values()])
    # Between these bounds numbers drawn evenly have the variance of those found.
    bound = np.sqrt(3 * vectors.var())
    matrix = np.random.default_rng(seed).uniform(-bound, bound, (len(vocabulary), vectors.shape[1])).astype("float32")
    matrix[rows] = vectors
    matrix[vocabulary.padding] = 0
    reserved = {*vocabulary.reserved.values()}
    return matrix, [token for token, row in vocabulary.ids.items() if row not in found and token not in reserved]


def _vectors(path, wanted):
    """Yields `(word, vector)` of those words of a file that are wanted."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        first, second = file.readline(), file.readline()
    header = first.split()
    counted = len(header) == 2 and all(part.isdigit() for part in header)
    dim = int(header[1]) if counted else len(header) - 1
    if dim < 1 or (not counted and _numbers(first, dim) is None):
        raise DataError(f"{path}: the first line holds no word with numbers. {_ACCEPTED}")
    if counted and _numbers(second, dim) is None:
        return _binary(path, wanted, int(header[0]), dim, len(first))
    return _text(path, wanted, dim, counted)


def _text(path, wanted, dim, counted):
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for number, line in enumerate(file, 1):
            # A word itself may hold spaces.
            word = line.rstrip().rsplit(b" ", dim)[0]
            if word not in wanted or (counted and number == 1):
                continue
            vector = _numbers(line, dim)
            if vector is None:
                raise DataError(f"{path}: line {number} must hold a word and {dim} numbers.")
            yield word, vector


def _numbers(line, dim):
    parts = line.rstrip().rsplit(b" ", dim)
    with contextlib.suppress(ValueError):
        vector = np.array([float(part) for part in parts[1:]], "float32")
        if len(vector) == dim and np.isfinite(vector).all():
            return vector
    return None


def _binary(path, wanted, count, dim, position):
    size = 4 * dim
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for number in range(count):
            end = data.find(b" ", position, position + _LONGEST_WORD)
            if end < 0 or end + 1 + size > len(data):
                raise DataError(f"{path} ends, or is damaged, at word {number + 1} of {count}. {_ACCEPTED}")
            # Some writers put an end of line after the numbers.
            word = data[position:end].lstrip(b"\n")
            if word in wanted:
                yield word, np.frombuffer(data[end + 1 : end + 1 + size], "<f4").copy()
            position = end + 1 + size
