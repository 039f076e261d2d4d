"""Masked language modelling: which words are hidden, and behind what.

Source: Devlin et al. 2018, "BERT"; whole words by their later release.
"""

import numpy as np

from dlkeras.checks import check_fraction

_PREFIX = "##"
_MASKED, _KEPT = 0.8, 0.1
# Of all tokens of the longest text, these many are predicted at most: what is beyond is cut before the costly head.
MOST_PREDICTED = 4


class WholeWordMasking:
    """Hides words of texts, with all of their pieces: a transform for `dlkeras.training.fit`.

    Of the pieces that are chosen, four fifths become the mask, a tenth another piece, and a tenth stay.

    Args:
        vocabulary: `Vocabulary` of a `WordPieceTokenizer`.
        rate: Share of the pieces to choose, in [0, 0.25]; one word of each text at least.

    Raises:
        ValueError: `rate` is out of its range.
    """

    def __init__(self, vocabulary, rate=0.15):
        check_fraction("rate", rate)
        if rate > 1 / MOST_PREDICTED:
            raise ValueError(f"`rate` must be at most {1 / MOST_PREDICTED}. Received: rate={rate}")
        self._rate = rate
        self._mask = vocabulary.ids[vocabulary.reserved["mask"]]
        self._goes_on = np.array([token.startswith(_PREFIX) for token in vocabulary.tokens])
        self._hidden = np.ones(len(vocabulary), bool)  # what may be hidden, and stand for what is
        self._hidden[[vocabulary.ids[token] for token in vocabulary.reserved.values()]] = False
        self._pieces = np.flatnonzero(self._hidden)

    def __call__(self, x, y, random):
        """Hides words.

        Args:
            x: int32 `(texts, 2, length)`, ids and segments.
            y: Labels, given back as they are.
            random: `numpy.random.Generator`.

        Returns:
            `(x, y)`; x is int32 `(texts, 4, length)`: ids as they are read, segments, then the places of the chosen
            pieces and their true ids, both from the row's begin on and with zeros after them. Place 0 is never chosen.
        """
        ids, segments = x[:, 0], x[:, 1]
        places, targets = np.zeros_like(ids), np.zeros_like(ids)
        for row, line in enumerate(ids):
            chosen = self._choose(line, random)
            places[row, : len(chosen)] = chosen
            targets[row, : len(chosen)] = line[chosen]
        rows, columns = np.nonzero(targets)
        read = ids.copy()
        read[rows, places[rows, columns]] = self._disguised(targets[rows, columns], random)
        return np.stack([read, segments, places, targets], axis=1), y

    def _choose(self, line, random):
        """Returns the places of the pieces of whole words, about `rate` of all, in their order."""
        candidates = self._hidden[line]
        begins = np.flatnonzero(candidates & ~self._goes_on[line])
        if not len(begins):
            return begins
        # A word ends where the next one begins, or where something stands that is no part of it.
        word = np.cumsum(candidates & ~self._goes_on[line])
        sizes = np.bincount(word[candidates], minlength=len(begins) + 1)[1:]
        room = max(1, round(self._rate * candidates.sum()))
        order = random.permutation(len(begins))
        taken = order[np.cumsum(sizes[order]) <= room]
        taken = taken if len(taken) else order[:1]
        places = np.flatnonzero(candidates & np.isin(word, taken + 1))
        return places[: max(1, len(line) // MOST_PREDICTED)]

    def _disguised(self, targets, random):
        draws = random.random(len(targets))
        others = random.choice(self._pieces, len(targets))
        return np.where(draws < _MASKED, self._mask, np.where(draws < 1 - _KEPT, others, targets))
