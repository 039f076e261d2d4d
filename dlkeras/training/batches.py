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
        transform: Function of a batch's `x` and `y` and its own `numpy.random.Generator`, that gives another batch.
    """

    def __init__(self, examples, batch_size, seed, epoch=0, transform=None):
        super().__init__()
        self._examples = examples
        self._batch_size = min(batch_size, len(examples.y))
        self._seed = seed
        self._transform = transform
        self.begin_epoch(epoch)

    def begin_epoch(self, epoch):
        """Puts the examples into the order of an epoch. Keras tells a data set when epochs end, but not only then."""
        self._epoch = epoch
        self._order = np.random.default_rng((self._seed, epoch)).permutation(len(self._examples.y))

    def __len__(self):
        return len(self._examples.y) // self._batch_size

    def __getitem__(self, index):
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        x, y = self._examples.x[rows], self._examples.y[rows]
        if self._transform is None:
            return x, y
        return self._transform(x, y, np.random.default_rng((self._seed, self._epoch, index)))


class OrderEpochs(keras.callbacks.Callback):
    """Calls `begin_epoch` as each epoch begins.

    Args:
        batches: The `Batches` that are fitted to, with `shuffle=False`: else Keras shuffles the batches once more, by
            Python's global random numbers.
    """

    def __init__(self, batches):
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self._batches.begin_epoch(epoch)
