"""Tokenizers whose vocabulary travels in the SavedModel, and what makes arrays of texts.

Nothing here imports TensorFlow but `Tokenizer.graph`.
"""

from dlkeras.text.padding import order_by_length, pad, trim
from dlkeras.text.subwords import BytePairTokenizer, WordPieceTokenizer
from dlkeras.text.tokenizer import Tokenizer, load, utf8
from dlkeras.text.vocabulary import RESERVED, Vocabulary
from dlkeras.text.words import CharacterTokenizer, WordTokenizer

__all__ = [
    "RESERVED",
    "BytePairTokenizer",
    "CharacterTokenizer",
    "Tokenizer",
    "Vocabulary",
    "WordPieceTokenizer",
    "WordTokenizer",
    "load",
    "order_by_length",
    "pad",
    "trim",
    "utf8",
]
