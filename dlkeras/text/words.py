"""Texts as words and as characters."""

from collections import Counter

import numpy as np

from dlkeras.text.characters import SEPARATOR_CODE, table
from dlkeras.text.splitting import Arrays, code_points, split_words
from dlkeras.text.tokenizer import Tokenizer, chunks
from dlkeras.text.vocabulary import Vocabulary, check_sizes, named


class _Counted(Tokenizer):
    """A tokenizer whose vocabulary is the frequent ones of the words that `_words` finds."""

    def __init__(self, min_frequency, max_size, reserved):
        super().__init__()
        self.min_frequency, self.max_size, self.reserved = min_frequency, max_size, named(reserved)
        check_sizes(min_frequency, max_size, self.reserved)

    def fit(self, texts):
        counts = Counter()
        for chunk in chunks(texts):
            for words in self._words(chunk):
                counts.update(words)
        sizes = {"min_frequency": self.min_frequency, "max_size": self.max_size}
        self._vocabulary = Vocabulary.of(counts, **sizes, reserved=self.reserved)
        return self

    def _to_ids(self):
        ids, unknown = self.vocabulary.ids, self.vocabulary.unknown
        return lambda words: [ids.get(word, unknown) for word in words]

    def _settings(self):
        return {"min_frequency": self.min_frequency, "max_size": self.max_size, "reserved": self.reserved}


class WordTokenizer(_Counted):
    """Words, and every other character that is no space as a token of its own.

    The rules are in `dlkeras.text.splitting.split_words`. The form for graphs uses TensorFlow's own operations alone.

    Args:
        min_frequency: Times that a word must be in the texts of `fit`; a rarer one is unknown.
        max_size: Largest number of ids, or `None` for no bound.
        lowercase: Whether letters become small.
        strip_accents: Whether letters lose their accents. Else é is another letter than e with an accent after it.
        contractions: Whether "don't" is do n't, and "it's" it 's.
        reserved: Parts of `dlkeras.text.vocabulary.RESERVED` in the order of their ids, or `{part: token}`.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(
        self,
        *,
        min_frequency=1,
        max_size=None,
        lowercase=True,
        strip_accents=False,
        contractions=True,
        reserved=("padding", "unknown"),
    ):
        super().__init__(min_frequency, max_size, reserved)
        self.lowercase, self.strip_accents, self.contractions = lowercase, strip_accents, contractions

    def words(self, text):
        """Returns the words of a text, folded, as `encode` looks them up."""
        return self._words([text])[0]

    def spans(self, text):
        """Returns where in a text its words are: a list of `(start, end)`, in code points."""
        words = split_words(code_points([text]), self._table, self.contractions, Arrays)
        return [*zip(words.first.tolist(), words.last.tolist(), strict=True)]

    def graph(self):
        from dlkeras.text.graph import GraphWords

        return GraphWords(self.vocabulary, self._table, self.contractions)

    @property
    def _table(self):
        return table(self.lowercase, self.strip_accents, apostrophes=True)

    def _words(self, texts):
        codes = code_points(texts)
        return strings(split_words(codes, self._table, self.contractions, Arrays), codes)

    def _join(self, tokens):
        return " ".join(tokens)

    def _settings(self):
        folding = {"lowercase": self.lowercase, "strip_accents": self.strip_accents}
        return {**super()._settings(), **folding, "contractions": self.contractions}


class CharacterTokenizer(_Counted):
    """Characters: a token a code point, spaces and controls like any other.

    The form for graphs uses TensorFlow's own operations alone.

    Args:
        min_frequency: As of `WordTokenizer`, like `max_size` and `reserved`.
        lowercase: Whether letters become small.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(self, *, min_frequency=1, max_size=None, lowercase=False, reserved=("padding", "unknown")):
        super().__init__(min_frequency, max_size, reserved)
        self.lowercase = lowercase

    def graph(self):
        from dlkeras.text.graph import GraphCharacters

        return GraphCharacters(self.vocabulary, table(self.lowercase))

    def _words(self, texts):
        codes = code_points(texts)
        folded, _ = table(self.lowercase).look_up(codes, Arrays)
        ends = np.flatnonzero(codes == SEPARATOR_CODE)
        text = _string(folded)
        return [[*text[start:end]] for start, end in zip([0, *(ends + 1)], ends, strict=False)]

    def _join(self, tokens):
        return "".join(tokens)

    def _settings(self):
        return {**super()._settings(), "lowercase": self.lowercase}


def strings(words, codes):
    """Returns the words of each text, a list of `str` for each.

    Args:
        words: `Words`.
        codes: The code points that were split, with a separator after each text.
    """
    text, ends = _string(words.codes), words.starts + words.lengths
    found = [text[start:end] for start, end in zip(words.starts.tolist(), ends.tolist(), strict=True)]
    bounds = np.searchsorted(words.first, np.flatnonzero(codes == SEPARATOR_CODE)).tolist()
    return [found[start:end] for start, end in zip([0, *bounds], bounds, strict=False)]


def _string(codes):
    return np.asarray(codes, "<i4").tobytes().decode("utf-32-le")
