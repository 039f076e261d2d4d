"""Texts into words: rules on neighbouring characters, written once for NumPy and for graphs.

Several texts are one array of code points with a `SEPARATOR_CODE` after each, so that no rule needs to know where a
text ends. A library of arrays is handed in: `Arrays` for NumPy, `dlkeras.text.graph.Tensors` for TensorFlow.
"""

from typing import Any, NamedTuple

import numpy as np

from dlkeras.text.characters import DROPPED, IDEOGRAPH, LETTER, NUMBER, REPLACEMENT, SEPARATOR, SEPARATOR_CODE, SPACE

LONGEST_PIECE = 32
"""Characters after which a word of a byte-pair encoding is parted, which bounds the number of its merges."""
_SUFFIXES = ("s", "d", "m", "ll", "re", "ve")


class Arrays:
    """What the rules need of NumPy, on arrays of one axis. A roll goes round at the end, where a separator stands."""

    take = staticmethod(np.take)
    roll = staticmethod(np.roll)
    concatenate = staticmethod(np.concatenate)

    @staticmethod
    def keep(x, mask):
        """Returns the elements where the mask is true."""
        return x[mask]

    @staticmethod
    def places(mask):
        """Returns where the mask is true."""
        return np.flatnonzero(mask).astype("int32")

    @staticmethod
    def count(mask):
        """Returns how many elements up to each one are true."""
        return np.cumsum(mask, dtype="int32")

    @staticmethod
    def size(x):
        """Returns the number of elements, as an array of one."""
        return np.int32([len(x)])

    @staticmethod
    def range_of(x):
        """Returns 0, 1 and so on, as many as there are elements."""
        return np.arange(len(x), dtype="int32")


class Words(NamedTuple):
    """Words of one text or several.

    Attributes:
        codes: Code points of all words, folded, one after the other.
        starts: Where in `codes` each word begins.
        lengths: How many code points each word has.
        first: Where each word begins in the array that was split.
        last: Where it ends, exclusive.
    """

    codes: Any
    starts: Any
    lengths: Any
    first: Any
    last: Any


def code_points(texts):
    """Returns the code points of texts as one int32 array, with a separator after each.

    Args:
        texts: List of `str` or of UTF-8 `bytes`. Lone surrogates, and bytes that are no UTF-8, become U+FFFD.
    """
    texts = [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts]
    parts = [np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<i4") for text in texts]
    separator = np.int32([SEPARATOR_CODE])
    codes = np.concatenate([np.int32([]), *(part for text in parts for part in (text, separator))])
    return np.where((codes >= 0xD800) & (codes < 0xE000), REPLACEMENT, codes).astype("int32")


def split_words(codes, table, contractions, arrays):
    """Splits at spaces; letters and digits in a row are a word, every other character is one of its own.

    Control characters are dropped. With `contractions` the apostrophe of "it's" and the n of "don't" begin a word that
    goes on to its end, as in the Penn Treebank: it 's, do n't.

    Returns:
        `Words`.
    """
    folded, kinds = table.look_up(codes, arrays)
    kept = kinds != DROPPED
    places = arrays.keep(arrays.range_of(codes), kept)
    folded, kinds = arrays.keep(folded, kept), arrays.keep(kinds, kept)
    inside = (kinds != SPACE) & (kinds != SEPARATOR)
    word = (kinds == LETTER) | (kinds == NUMBER)
    begins = ~(word & arrays.roll(word, 1))
    if contractions:
        begins = _join_contractions(begins, folded, word, arrays)
    return _words(folded, begins, inside, places, arrays)


def split_lossless(codes, table, arrays):
    """Splits into pieces that are the text when put together again, for byte-pair encodings.

    A piece is letters, digits, spaces or other characters in a row, with one space before it, if there is one; at most
    `LONGEST_PIECE` characters.

    Returns:
        `Words`; nothing is folded.
    """
    _, kinds = table.look_up(codes, arrays)
    letter, number, space = (kinds == LETTER) | (kinds == IDEOGRAPH), kinds == NUMBER, kinds == SPACE
    inside = kinds != SEPARATOR
    other = inside & ~(letter | number | space)
    goes_on = letter & arrays.roll(letter, 1)
    for group in (number, space, other):
        goes_on = goes_on | (group & arrays.roll(group, 1))
    spaced = (codes == ord(" ")) & arrays.roll(letter | number | other, -1)
    begins = (spaced | ~goes_on) & ~arrays.roll(spaced, 1)
    starts = arrays.places(begins)
    length = arrays.range_of(codes) - arrays.take(starts, arrays.count(begins) - 1)
    begins = begins | (length % LONGEST_PIECE == 0)
    return _words(codes, begins, inside, arrays.range_of(codes), arrays)


def _join_contractions(begins, codes, word, arrays):
    quote = codes == ord("'")

    def follows(text):
        """Says where an apostrophe is followed by these letters and then by none."""
        found = quote & ~arrays.roll(word, -1 - len(text))
        for distance, letter in enumerate(text, 1):
            found = found & _is_letter(arrays.roll(codes, -distance), letter)
        return found

    suffix = follows(_SUFFIXES[0])
    for letters in _SUFFIXES[1:]:
        suffix = suffix | follows(letters)
    negation = follows("t") & _is_letter(arrays.roll(codes, 1), "n")
    begins = begins & ~arrays.roll(suffix | negation, 1) & ~negation
    return begins | arrays.roll(negation, -1)


def _is_letter(codes, letter):
    return (codes == ord(letter)) | (codes == ord(letter.upper()))


def _words(codes, begins, inside, places, arrays):
    codes, places = arrays.keep(codes, inside), arrays.keep(places, inside)
    starts = arrays.places(arrays.keep(begins, inside))
    # Every word ends where the next one begins, the last one at the end.
    ends = arrays.concatenate([starts, arrays.size(codes)], 0)[1:]
    return Words(codes, starts, ends - starts, arrays.take(places, starts), arrays.take(places, ends - 1) + 1)
