"""The tokens of a tokenizer and their ids."""

import numbers
from collections import Counter

from dlkeras.checks import check_positive

RESERVED = {
    "padding": "[PAD]",
    "unknown": "[UNK]",
    "begin": "[BEGIN]",
    "end": "[END]",
    "mask": "[MASK]",
    "separator": "[SEP]",
}
"""The tokens that stand for no text, by their part. Padding has id 0, the unknown token id 1, the others follow."""


class Vocabulary:
    """Tokens in the order of their ids.

    Args:
        tokens: The tokens, without doubles.
        reserved: `{part: token}` of those that stand for no text; `padding` and `unknown` among them, and all among the
            tokens. A part is one of those of `RESERVED`.

    Raises:
        ValueError: A token is there twice, or one that is reserved is not.
    """

    def __init__(self, tokens, reserved):
        self.tokens = [*tokens]
        self.reserved = dict(reserved)
        self.ids = {token: number for number, token in enumerate(self.tokens)}
        if len(self.ids) < len(self.tokens):
            twice = next(token for token, count in Counter(self.tokens).items() if count > 1)
            raise ValueError(f"`tokens` must be different. Received {twice!r} more than once.")
        _check_parts(self.reserved)
        missing = [token for token in self.reserved.values() if token not in self.ids]
        if missing:
            raise ValueError(f"`tokens` must hold all of `reserved`. Received none that is {missing[0]!r}")

    @classmethod
    def of(cls, tokens, *, min_frequency=1, max_size=None, reserved=("padding", "unknown")):
        """Collects the tokens of texts: the frequent ones first, those of one frequency by their letters.

        Args:
            tokens: The tokens of all texts in any order, or a dict or `Counter` of how often each is there.
            min_frequency: Times that a token must be there; a rarer one is unknown.
            max_size: Largest number of ids, those reserved included; `None` for no bound.
            reserved: Parts in the order of their ids, `padding` and `unknown` first; or `{part: token}`.

        Returns:
            A `Vocabulary`.

        Raises:
            ValueError: `min_frequency`, `max_size` or `reserved` is not accepted.
        """
        reserved = named(reserved)
        check_sizes(min_frequency, max_size, reserved)
        counts = Counter(tokens)
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        frequent = [token for token, count in ordered if count >= min_frequency and token not in reserved.values()]
        room = None if max_size is None else max_size - len(reserved)
        return cls([*reserved.values(), *frequent[:room]], reserved)

    @property
    def padding(self):
        """The id of padding."""
        return self.ids[self.reserved["padding"]]

    @property
    def unknown(self):
        """The id of what is not in the vocabulary."""
        return self.ids[self.reserved["unknown"]]

    @property
    def silent(self):
        """The ids that are left out where ids become text: all that are reserved but the unknown token."""
        return {self.ids[token] for part, token in self.reserved.items() if part != "unknown"}

    def __len__(self):
        return len(self.tokens)

    def __contains__(self, token):
        return token in self.ids

    def __eq__(self, other):
        return isinstance(other, Vocabulary) and (self.tokens, self.reserved) == (other.tokens, other.reserved)

    __hash__ = None

    def id_of(self, token):
        """Returns the id of a token, that of the unknown one where it is not in the vocabulary."""
        return self.ids.get(token, self.unknown)

    def token_of(self, number):
        """Returns the token of an id.

        Raises:
            ValueError: There is no such id.
        """
        if not (isinstance(number, numbers.Integral) and 0 <= number < len(self)):
            raise ValueError(f"An id must be a whole number from 0 to {len(self) - 1}. Received: {number}")
        return self.tokens[number]


def named(reserved):
    """Returns `{part: token}` for parts, or for such a dict."""
    if isinstance(reserved, dict):
        return reserved
    _check_parts(reserved)
    return {part: RESERVED[part] for part in reserved}


def check_sizes(min_frequency, max_size, reserved):
    """Refuses a frequency below 1, a size that leaves no token, and padding and unknown elsewhere than first."""
    check_positive("min_frequency", min_frequency)
    if [*reserved][:2] != ["padding", "unknown"]:
        raise ValueError(f"`reserved` must begin with padding, unknown. Received: {', '.join(reserved)}")
    if max_size is not None and max_size <= len(reserved):
        raise ValueError(
            f"`max_size` must be above {len(reserved)}, the number of reserved tokens. Received: max_size={max_size}"
        )


def _check_parts(parts):
    unknown = [part for part in parts if part not in RESERVED]
    if unknown or not {"padding", "unknown"} <= {*parts}:
        raise ValueError(
            f"`reserved` must be of {', '.join(RESERVED)}, with the first two. Received: {', '.join(parts) or 'none'}"
        )
