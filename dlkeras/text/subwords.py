"""Texts as parts of words, trained here: byte pairs and WordPiece. The `tokenizers` package trains them and merges."""

import json

from dlkeras.text.characters import table
from dlkeras.text.splitting import Arrays, code_points, split_lossless, split_words
from dlkeras.text.tokenizer import Tokenizer, chunks
from dlkeras.text.vocabulary import Vocabulary, check_sizes, named
from dlkeras.text.words import strings

_PREFIX = "##"
# What TensorFlow Text's kernel is told too: a longer word is unknown.
LONGEST_WORD = 100
BYTES = 256


def _byte_characters():
    """Returns a visible character for each byte, so that pieces of bytes can be written and read as text."""
    visible = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, BYTES)]
    hidden = [byte for byte in range(BYTES) if byte not in visible]
    places = {**{byte: byte for byte in visible}, **{byte: BYTES + number for number, byte in enumerate(hidden)}}
    return [chr(places[byte]) for byte in range(BYTES)]


BYTE_CHARACTERS = _byte_characters()
_FROM_CHARACTER = {character: byte for byte, character in enumerate(BYTE_CHARACTERS)}


class _Subwords(Tokenizer):
    """A tokenizer that parts words by the model of another library."""

    def __init__(self, max_size, min_frequency, reserved, least_size):
        super().__init__()
        self._model = None
        self.max_size, self.min_frequency, self.reserved = max_size, min_frequency, named(reserved)
        check_sizes(min_frequency, max_size, self.reserved)
        if max_size < least_size + len(self.reserved):
            raise ValueError(
                f"`max_size` must be at least {least_size + len(self.reserved)}. Received: max_size={max_size}"
            )

    def fit(self, texts):
        from tokenizers import Tokenizer as Trained

        trained = Trained(self._untrained())
        # The trainer is given words, and so needs no rules for splitting of its own.
        words = (word for chunk in chunks(texts) for words in self._words(chunk) for word in words)
        trained.train_from_iterator(words, self._trainer())
        self._model = None
        self._take(trained)
        return self

    def _cached(self, kind, *args, **kwargs):
        """Returns the model of the other library, made once for a vocabulary."""
        if self._model is None:
            self._model = kind(self.vocabulary.ids, *args, **kwargs)
        return self._model

    def _sizes(self):
        return {
            "vocab_size": self.max_size,
            "min_frequency": self.min_frequency,
            "special_tokens": [*self.reserved.values()],
            "show_progress": False,
        }

    def _settings(self):
        return {"max_size": self.max_size, "min_frequency": self.min_frequency, "reserved": self.reserved}


class BytePairTokenizer(_Subwords):
    """Byte-pair encoding on bytes: every text has ids, and they give the text again.

    Merges stay within the pieces of `dlkeras.text.splitting.split_lossless`. Of all pairs that can be merged the one
    learned first is, of several such the leftmost. The form for graphs does so by TensorFlow's own operations alone.

    Args:
        max_size: Number of ids, those reserved and the 256 bytes included.
        min_frequency: Times that a pair must be there to be merged.
        reserved: Parts of `dlkeras.text.vocabulary.RESERVED` in the order of their ids, or `{part: token}`.

    Raises:
        ValueError: An argument is out of its range.

    Source: Sennrich et al. 2016, "Neural machine translation of rare words with subword units"; on bytes, Radford et
    al. 2019, "Language models are unsupervised multitask learners".
    """

    _LEARNED = (*Tokenizer._LEARNED, "merges")

    def __init__(self, *, max_size=8000, min_frequency=2, reserved=("padding", "unknown")):
        super().__init__(max_size, min_frequency, reserved, BYTES)
        self._merges = []

    @property
    def merges(self):
        """Pairs of tokens, in the order in which they were learned."""
        return self._merges

    def graph(self):
        from dlkeras.text.graph_subwords import GraphBytePairs

        return GraphBytePairs(self.vocabulary, self.merges, table())

    def _words(self, texts):
        codes = code_points(texts)
        by_text = strings(split_lossless(codes, table(), Arrays), codes)
        return [["".join(map(BYTE_CHARACTERS.__getitem__, piece.encode())) for piece in pieces] for pieces in by_text]

    def _to_ids(self):
        from tokenizers.models import BPE

        model = self._cached(BPE, self._merges)
        return lambda words: [token.id for word in words for token in model.tokenize(word)]

    def _untrained(self):
        from tokenizers.models import BPE

        return BPE()

    def _trainer(self):
        from tokenizers.trainers import BpeTrainer

        return BpeTrainer(**self._sizes(), initial_alphabet=BYTE_CHARACTERS)

    def _take(self, trained):
        ids = trained.get_vocab()
        self._vocabulary = Vocabulary(sorted(ids, key=ids.get), self.reserved)
        self._merges = [tuple(pair) for pair in json.loads(trained.to_str())["model"]["merges"]]

    def _learned(self):
        return {**super()._learned(), "merges": [" ".join(pair) for pair in self._merges]}

    def _restore(self, merges, **learned):
        self._merges = [tuple(pair.split(" ")) for pair in merges]
        super()._restore(**learned)

    def _join(self, tokens):
        characters = "".join(tokens)
        return bytes(_FROM_CHARACTER[character] for character in characters if character in _FROM_CHARACTER).decode(
            "utf-8", "replace"
        )


class WordPieceTokenizer(_Subwords):
    """WordPiece, BERT's: the longest piece that a word begins with, then the longest that goes on, `##` before it.

    A word with a part that no piece has is unknown, and so is one of more than 100 bytes. The form for graphs uses
    TensorFlow's own operations, and TensorFlow Text's `FastWordpieceTokenizeWithOffsets`.

    Args:
        max_size: Largest number of ids.
        min_frequency: Times that two pieces must be side by side to become one.
        lowercase: Whether letters become small.
        strip_accents: Whether letters lose their accents; BERT's "uncased" has both.
        reserved: `{part: token}` in the order of their ids, padding and unknown first.

    Raises:
        ValueError: An argument is out of its range.

    Source: Devlin et al. 2018, "BERT"; Song et al. 2021, "Fast WordPiece tokenization".
    """

    BERT = {"padding": "[PAD]", "unknown": "[UNK]", "begin": "[CLS]", "separator": "[SEP]", "mask": "[MASK]"}

    def __init__(self, *, max_size=8000, min_frequency=2, lowercase=True, strip_accents=True, reserved=BERT):
        super().__init__(max_size, min_frequency, reserved, 1)
        self.lowercase, self.strip_accents = lowercase, strip_accents

    @classmethod
    def of(cls, tokens, *, lowercase=True, strip_accents=True, reserved=BERT):
        """Makes a tokenizer of a vocabulary that was published, its tokens in the order of their ids.

        Raises:
            ValueError: A reserved token is not among `tokens`, or one is there twice.
        """
        folding = {"lowercase": lowercase, "strip_accents": strip_accents}
        tokenizer = cls(max_size=max(len(tokens), len(reserved) + 1), reserved=reserved, **folding)
        tokenizer._restore(dict(reserved), tokens)
        return tokenizer

    def _to_ids(self):
        from tokenizers.models import WordPiece

        unknown = self.vocabulary.reserved["unknown"]
        model = self._cached(WordPiece, unk_token=unknown, max_input_chars_per_word=LONGEST_WORD)
        number = self.vocabulary.unknown

        def parts(word):
            # The model counts characters, the kernel of the form for graphs bytes.
            return [token.id for token in model.tokenize(word)] if len(word.encode()) <= LONGEST_WORD else [number]

        return lambda words: [part for word in words for part in parts(word)]

    def graph(self):
        from dlkeras.text.graph_subwords import GraphWordPieces

        return GraphWordPieces(self.vocabulary, self._table)

    @property
    def _table(self):
        return table(self.lowercase, self.strip_accents)

    def _words(self, texts):
        codes = code_points(texts)
        return strings(split_words(codes, self._table, False, Arrays), codes)

    def _untrained(self):
        from tokenizers.models import WordPiece

        return WordPiece({}, unk_token=self.reserved["unknown"])

    def _trainer(self):
        from tokenizers.trainers import WordPieceTrainer

        return WordPieceTrainer(**self._sizes(), continuing_subword_prefix=_PREFIX)

    def _take(self, trained):
        ids = trained.get_vocab()
        self._vocabulary = Vocabulary(sorted(ids, key=ids.get), self.reserved)

    def _join(self, tokens):
        return " ".join(tokens).replace(f" {_PREFIX}", "")

    def _settings(self):
        return {**super()._settings(), "lowercase": self.lowercase, "strip_accents": self.strip_accents}
