"""Averaged weights: what is validated and kept, while training goes on with the last ones."""

import contextlib

import keras

from dlkeras.training.checkpoint import Checkpoint


def averages_weights(model):
    """Says whether a compiled model's optimizer keeps a moving average of the weights (`use_ema=True`)."""
    return getattr(getattr(model.optimizer, "inner_optimizer", model.optimizer), "use_ema", False)


@contextlib.contextmanager
def averaged_weights(model):
    """Gives a model its optimizer's averages for a while, then exactly the weights that it had.

    Args:
        model: A model that has been trained with `use_ema=True`. Only trainable weights are averaged: the statistics of
            batch normalization stay the last ones.
    """
    variables = model.trainable_variables
    last = [keras.ops.convert_to_numpy(variable) for variable in variables]
    model.optimizer.finalize_variable_values(variables)
    try:
        yield
    finally:
        for variable, value in zip(variables, last, strict=True):
            variable.assign(value)


class AveragingCheckpoint(Checkpoint):
    """A `Checkpoint` that validates the averages and keeps those as best; the last weights stay as they are.

    `keras.callbacks.SwapEMAWeights` will not do: while it shows the averages to a checkpoint, the last weights are in
    the optimizer, and lost as the last epoch ends, so that no later call could go on.
    """

    def on_test_begin(self, logs=None):
        self._validation = contextlib.ExitStack()
        self._validation.enter_context(averaged_weights(self.model))

    def on_test_end(self, logs=None):
        self._validation.close()

    def _write_what_follows(self):
        with averaged_weights(self.model):
            super()._write_what_follows()
