"""Drawn items beside those that were seen, anew in every batch."""

import numpy as np

from dlkeras.checks import check_positive


class AddNegatives:
    """Adds to each seen item others that its user has not seen; a `transform` for `fit`.

    Each batch has a generator of its own, from the seed, the epoch and its number: the draws are others every epoch,
    and the same in a run that was resumed.

    Args:
        negatives: `dlkeras.data.negatives.Negatives` of all that the users have seen.
        count: How many are added to each row.

    Raises:
        ValueError: `count` is not above 0.
    """

    def __init__(self, negatives, count):
        check_positive("count", count)
        self._negatives = negatives
        self._count = count

    def __call__(self, x, y, random):
        """Adds columns to a batch.

        Args:
            x: int32 `(batch, columns)`: the user first, the seen item last; between them what else a model reads.
            y: Not looked at.
            random: `numpy.random.Generator`; the same state gives the same items.

        Returns:
            int32 `(batch, columns + count)`, and the place of the seen item among the candidates, int32 `(batch,)`,
            which is 0.
        """
        drawn = self._negatives.draw(x[:, 0], self._count, random)
        return np.concatenate([x, drawn], axis=1), np.zeros(len(x), "int32")
