"""Texts in batches of like lengths. Apart from the rest of `dlkeras.text`, since it imports Keras."""

import numpy as np

from dlkeras.text.padding import order_by_length, trim
from dlkeras.training.batches import Batches


class LengthBatches(Batches):
    """`Batches` of ids of texts that have like lengths, without the columns that no text of a batch needs.

    Args:
        examples: `Examples` with ids `(texts, length)`, 0 for padding; or `(texts, parts, length)`, where the longest
            part of each counts. Targets that are as wide are made as narrow.
        spread: Batches that are sorted by length together, see `order_by_length`.
        **kwargs: As of `Batches`.
    """

    def __init__(self, examples, *args, spread=50, **kwargs):
        self._spread = spread
        lengths = (examples.x != 0).sum(axis=-1)
        self._lengths = lengths.reshape(len(lengths), -1).max(axis=1)
        super().__init__(examples, *args, **kwargs)

    def begin_epoch(self, epoch):
        super().begin_epoch(epoch)
        self._order = order_by_length(self._lengths, self._batch_size, (self._seed, epoch), self._spread)

    def __getitem__(self, index):
        x, y, *rest = super().__getitem__(index)
        widest, trimmed = x.shape[-1], trim(x)
        # Keras holds a width that the first two batches share for that of all: these two are to differ.
        if index == 0:
            trimmed = x
        elif index == 1 and trimmed.shape[-1] == widest:
            trimmed = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, 1)])
        return trimmed, _as_wide(y, widest, trimmed.shape[-1]), *rest


def _as_wide(y, widest, width):
    """Returns targets one a place in as many columns as the ids have now; other targets as they are."""
    if y.ndim < 2 or y.shape[-1] != widest:
        return y
    return np.pad(y, ((0, 0), (0, max(width - widest, 0))))[:, :width]
