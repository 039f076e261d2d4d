"""What is known of each character: what it is folded to, and what kind it is.

Libraries disagree on Unicode: Python, RE2, ICU and the tokenizers of different packages each have tables of another
year, and normal forms depend on neighbours. So every rule here is a table from one code point to one code point, read
from Python's `unicodedata` and carried into the graph as a constant: both forms of a tokenizer look into the same one.
"""

import functools
import unicodedata
from typing import NamedTuple

import numpy as np

ALONE, LETTER, NUMBER, SPACE, DROPPED, IDEOGRAPH, SEPARATOR = range(7)
"""Kinds of characters. `ALONE` are punctuation, symbols, and what is not assigned."""
SEPARATOR_CODE = 0x110000
"""Stands after each text where several are one array; no character has this number."""
REPLACEMENT = 0xFFFD

_PAGE, _KINDS = 256, 8
_CONTROL_SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"
# The blocks that BERT's tokenizer parts into characters, whose languages put no spaces between words.
_IDEOGRAPHS = (
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F)),
)
# Beyond these nothing is assigned but for private use.
_ASSIGNED = (*range(0x32400), *range(0xE0000, 0xE0200))


class Table(NamedTuple):
    """Two steps from a code point to its entry: `entries[pages[code // 256] + code % 256]`.

    Attributes:
        pages: int32 `(4353,)`, where in `entries` the entries of 256 code points begin.
        entries: int32, eight times what is added to a code point when it is folded, plus its kind.
    """

    pages: np.ndarray
    entries: np.ndarray

    def look_up(self, codes, arrays):
        """Folds code points.

        Args:
            codes: int32 `(n,)`.
            arrays: `dlkeras.text.splitting.Arrays`, or the like of another library.

        Returns:
            `(codes, kinds)`, int32 `(n,)`; the kind is that of the folded character.
        """
        entries = arrays.take(self.entries, arrays.take(self.pages, codes // _PAGE) + codes % _PAGE)
        return codes + entries // _KINDS, entries % _KINDS


@functools.lru_cache
def table(lowercase=False, strip_accents=False, apostrophes=False):
    """Makes the `Table` of a way of folding.

    Args:
        lowercase: Whether letters become small. One code point stays one: İ becomes i.
        strip_accents: Whether letters lose their accents, and combining marks are dropped.
        apostrophes: Whether U+2019 becomes the ASCII apostrophe.
    """
    plain = _kinds()
    folded = np.arange(SEPARATOR_CODE + _PAGE)
    folded[SEPARATOR_CODE:] = ord(" ")
    # Numbers that are never to be characters, which encoders of different makers treat each in its own way.
    folded[0xFDD0:0xFDF0] = REPLACEMENT
    folded[0xFFFE:SEPARATOR_CODE:0x10000] = folded[0xFFFF:SEPARATOR_CODE:0x10000] = REPLACEMENT
    kinds = plain.copy()
    for code in _ASSIGNED:
        bare = character = chr(code).lower()[0] if lowercase else chr(code)
        if strip_accents and unicodedata.decomposition(character):
            bare = _without_accents(character)
        if strip_accents and unicodedata.category(character) == "Mn":
            kinds[code] = DROPPED
        elif bare != chr(code):
            folded[code] = ord(bare)
            kinds[code] = plain[ord(bare)]
    if apostrophes:
        folded[0x2019] = ord("'")
    return _in_pages((folded - np.arange(len(folded))) * _KINDS + kinds)


def _in_pages(entries):
    pages, places = {}, []
    for page in np.int32(entries).reshape(-1, _PAGE):
        places.append(pages.setdefault(page.tobytes(), len(pages)) * _PAGE)
    return Table(np.int32(places), np.frombuffer(b"".join(pages), "int32"))


@functools.lru_cache
def _kinds():
    kinds = np.full(SEPARATOR_CODE + _PAGE, ALONE)
    kinds[SEPARATOR_CODE:] = SEPARATOR
    for code in _ASSIGNED:
        kinds[code] = _kind(chr(code))
    for first, last in _IDEOGRAPHS:
        kinds[first : last + 1] = IDEOGRAPH
    kinds[0xFE00:0xFE10] = kinds[0xE0100:0xE01F0] = DROPPED  # variation selectors
    return kinds


def _kind(character):
    category = unicodedata.category(character)
    if category[0] == "Z" or character in _CONTROL_SPACES:
        return SPACE
    if category in ("Cc", "Cf"):
        return DROPPED
    return {"L": LETTER, "M": LETTER, "N": NUMBER}.get(category[0], ALONE)


def _without_accents(character):
    bare = "".join(part for part in unicodedata.normalize("NFD", character) if unicodedata.category(part) != "Mn")
    return bare if len(bare) == 1 else character
