"""What every tokenizer does: learn its vocabulary, text to ids and back, a file, and a form for graphs."""

import json
import re
from pathlib import Path

from dlkeras.files import write_atomically
from dlkeras.text.padding import pad
from dlkeras.text.vocabulary import Vocabulary

_KINDS = {}
_SURROGATES = re.compile("[\ud800-\udfff]")


class Tokenizer:
    """Base of the tokenizers. TensorFlow is imported by `graph` alone.

    A subclass has `fit`, `graph`, `_words` (texts to a list of words each), `_to_ids` (a function of such a list),
    `_join` (tokens to text) and `_settings` (the arguments that it was made with).

    Attributes:
        vocabulary: A `Vocabulary`, once it has been fitted or loaded.
    """

    def __init__(self):
        self._vocabulary = None

    def __init_subclass__(cls):
        _KINDS[cls.__name__] = cls

    @property
    def vocabulary(self):
        if self._vocabulary is None:
            raise ValueError(f"{type(self).__name__} has no vocabulary yet: call `fit` with texts, or `load` a file.")
        return self._vocabulary

    def fit(self, texts):
        """Learns the vocabulary from texts, an iterable of `str`; returns the tokenizer."""
        raise NotImplementedError

    def encode(self, text):
        """Returns the ids of a text, a list of int.

        Args:
            text: `str`, or UTF-8 `bytes`. Lone surrogates, and bytes that are no UTF-8, are read as U+FFFD.
        """
        return self.encode_many([text])[0]

    def encode_batch(self, texts, length=None):
        """Returns the ids of several texts as arrays: `(ids, lengths)`, see `dlkeras.text.pad`."""
        return pad(self.encode_many(texts), length, self.vocabulary.padding)

    def encode_many(self, texts):
        """Returns the ids of several texts, a list of lists; quicker than a text at a time."""
        to_ids = self._to_ids()
        # Many texts at once: splitting takes about as long for a hundred short ones as for one.
        return [to_ids(words) for chunk in chunks(texts) for words in self._words(chunk)]

    def decode(self, ids):
        """Returns the text of ids. Padding and the like are left out, unknown tokens stand as such.

        Raises:
            ValueError: There is no such id.
        """
        vocabulary = self.vocabulary
        return self._join([vocabulary.token_of(number) for number in ids if number not in vocabulary.silent])

    def graph(self):
        """Returns the form for graphs, a `dlkeras.text.graph.GraphTokenizer`, which gives the same ids."""
        raise NotImplementedError

    def save(self, path):
        """Writes everything to a JSON file, a token a line."""
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=0)
        write_atomically(path, lambda beside: beside.write_text(text + "\n", encoding="utf-8"))

    @classmethod
    def load(cls, path):
        """Reads what `save` wrote.

        Raises:
            ValueError: The file holds no tokenizer, or one of another kind.
        """
        try:
            tokenizer = Tokenizer.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"{path} must be a file that a tokenizer has saved. Received: {error}") from error
        if not isinstance(tokenizer, cls):
            raise ValueError(f"{path} must hold a {cls.__name__}. Received: a {type(tokenizer).__name__}")
        return tokenizer

    def to_dict(self):
        """Returns everything as plain JSON values."""
        return {"tokenizer": type(self).__name__, **self._settings(), **self._learned()}

    @staticmethod
    def from_dict(content):
        """Makes the tokenizer, of any kind, that `to_dict` has described."""
        settings = dict(content)
        kind = _KINDS[settings.pop("tokenizer")]
        learned = {name: settings.pop(name) for name in kind._LEARNED}
        tokenizer = kind(**settings)
        tokenizer._restore(**learned)
        return tokenizer

    _LEARNED = ("reserved_tokens", "tokens")

    def _learned(self):
        return {"reserved_tokens": self.vocabulary.reserved, "tokens": self.vocabulary.tokens}

    def _restore(self, reserved_tokens, tokens):
        self._vocabulary = Vocabulary(tokens, reserved_tokens)


def load(path):
    """Reads a tokenizer of any kind that was saved.

    Raises:
        ValueError: The file holds no tokenizer.
    """
    return Tokenizer.load(path)


def utf8(text):
    """Returns a text as bytes for an endpoint: lone surrogates, which UTF-8 cannot hold, become U+FFFD."""
    return _SURROGATES.sub("\ufffd", text).encode()


def chunks(texts, size=1000):
    """Yields lists of texts, so that those of a whole book fit into memory."""
    if isinstance(texts, str | bytes):
        raise ValueError("`texts` must be several texts. Received: one")
    chunk = []
    for text in texts:
        chunk.append(text)
        if len(chunk) == size:
            yield chunk
            chunk = []
    yield chunk
