"""Pairs of texts as ids of words, for the models of `dlkeras.models.list("pairs")`."""

import keras

from dlkeras import models
from dlkeras.models.pairs.decomposable_attention import with_alignment
from dlkeras.text import WordTokenizer, pad
from dlkeras.text.pair_ids import ids_of_pairs, words_of

_MOST_WORDS = 1000  # of a text that is served; what is longer loses its end
_PADDING = 0


class WordPairs:
    """Reads pairs as ids of words, `(pairs, 2, length)`: premise and hypothesis, 0 for padding.

    Args:
        tokenizer: A `WordTokenizer` with a vocabulary.
        length: Words of a text at most in `encode`; a longer one loses its end.
        hide_premise: Whether premises are read as nothing, to see what hypotheses alone give away.
    """

    KIND = "words"
    """What `to_dict` calls this class."""

    def __init__(self, tokenizer, length, hide_premise=False):
        self._tokenizer, self._length, self._hide_premise = tokenizer, length, hide_premise

    @classmethod
    def fit(cls, premises, hypotheses, config):
        """Learns the vocabulary of training texts."""
        tokenizer = WordTokenizer(min_frequency=config.min_frequency, max_size=config.max_words)
        return cls(tokenizer.fit([*premises, *hypotheses]), config.length, config.hide_premise)

    @classmethod
    def from_dict(cls, content):
        return cls(WordTokenizer.from_dict(content["tokenizer"]), content["length"], content["hide_premise"])

    def to_dict(self):
        """Returns everything as plain JSON values."""
        tokenizer = self._tokenizer.to_dict()
        return {"kind": self.KIND, "length": self._length, "hide_premise": self._hide_premise, "tokenizer": tokenizer}

    def encode(self, premises, hypotheses):
        """Returns the ids of pairs: int32 `(pairs, 2, words of the longest text)`."""
        texts = [text for pair in zip(premises, hypotheses, strict=True) for text in pair]
        # Cut first: a single long text would make the array as wide as itself.
        ids, _ = pad([ids[: self._length] for ids in self._tokenizer.encode_many(texts)])
        ids = ids.reshape(len(premises), 2, ids.shape[1])
        if self._hide_premise:
            ids[:, 0] = _PADDING
        return ids

    def decode(self, row):
        """Returns premise and hypothesis of ids `(2, length)`, as far as they are known words."""
        return tuple(self._tokenizer.decode(ids[ids != _PADDING].tolist()) for ids in row)

    def build(self, config, num_classes, name):
        """Builds the model of a config: ids `(batch, 2, length)` to logits `(batch, num_classes)`."""
        return models.create(
            config.model,
            num_classes=num_classes,
            vocabulary_size=len(self._tokenizer.vocabulary),
            embedding_dim=config.embedding_dim,
            dropout=config.dropout,
            embedding_dropout=config.embedding_dropout,
            word_dropout=config.word_dropout,
            name=name,
        )

    def graph(self):
        """Returns a function of premises and hypotheses, string tensors `(batch,)`, that gives `(batch, 2, length)`.

        It refuses empty texts, and other numbers of premises than of hypotheses.
        """
        tokens = self._tokenizer.graph()

        def ids_of(premises, hypotheses):
            ids = ids_of_pairs(tokens, premises, hypotheses, _MOST_WORDS)
            return ids * [[0], [1]] if self._hide_premise else ids

        return ids_of

    def aligned(self, model):
        """Returns a function of premises and hypotheses that gives logits and, by name, words and their alignment.

        Kinds of models that have no alignment give `None`.
        """
        tokens, ids_of, aligning = self._tokenizer.graph(), self.graph(), with_alignment(model)

        def align(premises, hypotheses):
            found = aligning(ids_of(premises, hypotheses), training=False)
            words = [words_of(tokens, texts, _MOST_WORDS) for texts in (premises, hypotheses)]
            # The ids are as wide as the longer of both.
            rows, columns = (keras.ops.shape(texts)[1] for texts in words)
            return found["logits"], {
                "premise_words": words[0],
                "hypothesis_words": words[1],
                "premise_to_hypothesis": found["premise_to_hypothesis"][:, :rows, :columns],
                "hypothesis_to_premise": found["hypothesis_to_premise"][:, :columns, :rows],
            }

        return align
