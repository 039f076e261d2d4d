"""Sentences and their translations as ids, for training and inside the graph."""

import numpy as np

from dlkeras.data.splits import Examples
from dlkeras.text.padding import pad
from dlkeras.text.subwords import BytePairTokenizer

RESERVED = ("padding", "unknown", "begin", "end")


class ParallelIds:
    """One byte-pair vocabulary for both languages.

    Every text has one space before it, so that its first word is the piece that it is elsewhere.

    Args:
        tokenizer: A `BytePairTokenizer` with `RESERVED` among its tokens.
        lowercase: Whether capitals of the source are read as small letters.
    """

    def __init__(self, tokenizer, lowercase=True):
        self.tokenizer, self.lowercase = tokenizer, lowercase
        self.begin, self.end = (tokenizer.vocabulary.ids[_reserved(tokenizer, part)] for part in ("begin", "end"))

    @classmethod
    def fit(cls, sources, targets, vocabulary_size, lowercase=True):
        """Learns the pieces of training texts."""
        texts = [*(_prepared(text, lowercase) for text in sources), *(_prepared(text, False) for text in targets)]
        return cls(BytePairTokenizer(max_size=vocabulary_size, reserved=RESERVED).fit(texts), lowercase)

    @classmethod
    def from_dict(cls, content):
        return cls(BytePairTokenizer.from_dict(content["tokenizer"]), content["lowercase"])

    def to_dict(self):
        """Returns everything as plain JSON values."""
        return {"lowercase": self.lowercase, "tokenizer": self.tokenizer.to_dict()}

    @property
    def size(self):
        return len(self.tokenizer.vocabulary)

    def encode(self, sources, targets, length=None):
        """Makes the arrays that a translator learns from.

        Args:
            sources: Texts.
            targets: Their translations.
            length: Ids of either at most, its end included; pairs with more are left out. `None` for all.

        Returns:
            `Examples`: `x` int32 `(pairs, 2, length)`, the source's ids with `end`, and `begin` with the target's; `y`
            int32 `(pairs, length)`, the target's with `end`. 0 is padding.
        """
        read = self.source_ids(sources)
        said = self.tokenizer.encode_many(_prepared(text, False) for text in targets)
        kept = [
            (source, [self.begin, *target], [*target, self.end])
            for source, target in zip(read, said, strict=True)
            if length is None or max(len(source), len(target) + 1) <= length
        ]
        rows, _ = pad([ids for pair in kept for ids in pair])
        rows = rows.reshape(len(kept), 3, rows.shape[1])
        return Examples(rows[:, :2], np.ascontiguousarray(rows[:, 2]))

    def source_ids(self, sources):
        """Returns the ids of source texts with `end`, a list of lists."""
        return [
            [*ids, self.end] for ids in self.tokenizer.encode_many(_prepared(text, self.lowercase) for text in sources)
        ]

    def decode(self, ids):
        """Returns the text of ids."""
        return self.tokenizer.decode(ids).strip()


def _reserved(tokenizer, part):
    return tokenizer.vocabulary.reserved[part]


def _prepared(text, lowercase):
    return " " + (text.lower() if lowercase else text)
