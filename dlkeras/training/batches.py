"""Arrays in shuffled batches, in an order that depends on the seed and the epoch alone."""

import keras
import numpy as np


class Batches(keras.utils.PyDataset):
    """Full batches of `Examples`, in a new order each epoch; a last, shorter one is left out.

    An epoch's order does not depend on the epochs before it in this process, so a run that was broken off goes on
    exactly as it would have.

    Args:
        examples: `Examples` with arrays `(examples, ...)`.
        batch_size: Examples a batch; all of them, where there are fewer.
        seed: Seed of the order.
        epoch: Epoch to begin with.
    """

    def __init__(self, examples, batch_size, seed, epoch=0):
        super().__init__()
        self._examples = examples
        self._batch_size = min(batch_size, len(examples.y))
        self._seed = seed
        self._epoch = epoch
        self._shuffle()

    def _shuffle(self):
        self._order = np.random.default_rng((self._seed, self._epoch)).permutation(len(self._examples.y))

    def __len__(self):
        return len(self._examples.y) // self._batch_size

    def __getitem__(self, index):
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        return self._examples.x[rows], self._examples.y[rows]

    def on_epoch_end(self):
        self._epoch += 1
        self._shuffle()
