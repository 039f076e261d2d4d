"""A learning rate from a short trial: the rate rises from step to step, and the loss tells how far it may."""

import contextlib
import dataclasses
import math

import keras
import numpy as np
from matplotlib.figure import Figure

from dlkeras.training.batches import Batches
from dlkeras.training.randomness import seed_epoch

_SMOOTHING = 0.9
# The trial ends where the loss is so many times its lowest.
_DIVERGED = 4.0


@dataclasses.dataclass(frozen=True)
class LearningRates:
    """What a trial has found.

    Attributes:
        rates: The learning rate of each step, rising: `(steps,)`.
        losses: The smoothed loss there: `(steps,)`.
        suggestion: The rate two thirds into the longest fall of the loss.
    """

    rates: np.ndarray
    losses: np.ndarray
    suggestion: float

    def plot(self, path):
        """Draws the loss over the rates, with the suggestion, as a PNG."""
        figure = Figure(figsize=(5, 3.6), layout="constrained")
        ax = figure.subplots()
        ax.plot(self.rates, self.losses)
        ax.axvline(self.suggestion, linestyle=":", color="black", label=f"suggestion: {self.suggestion:.2g}")
        ax.set(xscale="log", xlabel="learning rate", ylabel="loss, smoothed")
        ax.grid(alpha=0.3)
        ax.legend()
        figure.savefig(path, dpi=120, format="png")


def find_learning_rate(model, train, *, batch_size=128, lowest=1e-6, highest=1.0, steps=100, seed=0):
    """Trains for a few steps while the learning rate rises by the same factor at each, until the loss diverges.

    The model is used as it is compiled; only the rate, a number or a schedule, is set aside. Afterwards the model has
    its weights, and its optimizer its state, as before.

    Args:
        model: A compiled `keras.Model`.
        train: `Examples` to fit to.
        batch_size: Examples a step.
        lowest: Rate of the first step, above 0.
        highest: Rate of the last step, above `lowest`.
        steps: Number of steps, at least 10.
        seed: Seed of the order, of dropout and of augmentation.

    Returns:
        `LearningRates`.

    Raises:
        ValueError: An argument is out of its range, or the loss diverges at once.

    Source: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3; the suggestion is fastai's
    "valley".
    """
    if not 0 < lowest < highest:
        raise ValueError(f"`lowest` must be in (0, highest). Received: lowest={lowest}, highest={highest}")
    if steps < 10:
        raise ValueError(f"`steps` must be at least 10. Received: steps={steps}")
    rates = np.geomspace(lowest, highest, steps)
    with _trial(model) as set_rate:
        seed_epoch(model, seed, 0)
        losses = _smoothed_losses(model, _endless(Batches(train, batch_size, seed)), rates, set_rate)
    rates = rates[: len(losses)]
    if len(losses) < 2:
        raise ValueError(f"The loss diverges at the lowest rate. Received: lowest={lowest}")
    begin, end = _longest_fall(losses)
    return LearningRates(rates, losses, float(rates[begin + 2 * (end - begin) // 3]))


def _longest_fall(losses):
    """Returns the first and the last step of the longest falling subsequence.

    Where the loss is steepest is often chance, with small batches above all: this looks past small rises.
    """
    lengths, begins = np.ones(len(losses), int), np.arange(len(losses))
    for step in range(1, len(losses)):
        above = np.flatnonzero(losses[:step] > losses[step])
        if len(above):
            best = above[lengths[above].argmax()]
            lengths[step], begins[step] = lengths[best] + 1, begins[best]
    end = lengths.argmax()
    return begins[end], end


def _endless(batches):
    epoch = 0
    while True:
        batches.begin_epoch(epoch)
        for index in range(len(batches)):
            yield batches[index]
        epoch += 1


def _smoothed_losses(model, batches, rates, set_rate):
    """Takes a step at each rate, up to where the loss diverges; gives the losses before that."""
    average, losses = 0.0, []
    for step, (rate, (x, y)) in enumerate(zip(rates, batches, strict=False), start=1):
        set_rate(rate)
        average = _SMOOTHING * average + (1 - _SMOOTHING) * model.train_on_batch(x, y, return_dict=True)["loss"]
        loss = average / (1 - _SMOOTHING**step)  # the average began with 0
        if not math.isfinite(loss) or (losses and loss > _DIVERGED * min(losses)):
            break
        losses.append(loss)
    return np.array(losses)


@contextlib.contextmanager
def _trial(model):
    """Gives a function that sets the learning rate; afterwards model and optimizer are as they were."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    values = [keras.ops.convert_to_numpy(variable) for variable in variables]
    rate = keras.Variable(0.0, trainable=False, name="trial_rate")
    # Keras's setter does not go back from a schedule to a number.
    before, optimizer._learning_rate = optimizer._learning_rate, lambda: rate
    executions, model.steps_per_execution = model.steps_per_execution, 1
    model.train_function = None  # it holds the old rate
    try:
        yield rate.assign
    finally:
        optimizer._learning_rate = before
        model.steps_per_execution = executions
        model.train_function = None
        model.reset_metrics()
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
