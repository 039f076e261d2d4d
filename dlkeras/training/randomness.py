"""Random layers whose draws depend on the seed and the epoch alone."""

import keras
import numpy as np


def seed_epoch(model, seed, epoch):
    """Sets the state of every random layer (dropout, augmentation) to what it is at the start of an epoch.

    Weights files do not hold these states, so a resumed run would draw other numbers than an unbroken one.

    Args:
        model: A built `keras.Model`.
        seed: The run's seed.
        epoch: The epoch that begins.
    """
    states = [variable for variable in model.variables if variable.path.endswith("seed_generator_state")]
    draws = np.random.default_rng((seed, epoch)).integers(0, 2**32, (len(states), 2), dtype="uint32")
    for state, draw in zip(states, draws, strict=True):
        state.assign(draw)


class SeedEpochs(keras.callbacks.Callback):
    """Calls `seed_epoch` as each epoch begins."""

    def __init__(self, seed):
        super().__init__()
        self._seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        seed_epoch(self.model, self._seed, epoch)
