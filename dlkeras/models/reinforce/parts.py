"""What networks of agents share: observations, brought to one scale, and hidden layers."""

import keras
from keras import layers

from dlkeras.checks import check_positive


def scaled_observations(observation_size, mean, variance):
    """Returns an input `(batch, observation_size)` and the same of mean 0 and variance 1.

    Args:
        observation_size: Numbers of an observation.
        mean: Of each number of an observation; `None` to leave observations as they are.
        variance: Likewise.

    Raises:
        ValueError: There are not as many means or variances as numbers.
    """
    check_positive("observation_size", observation_size)
    inputs = keras.Input((observation_size,), name="observations")
    if mean is None and variance is None:
        return inputs, inputs
    for name, values in (("mean", mean), ("variance", variance)):
        if values is None or len(values) != observation_size:
            raise ValueError(
                f"`{name}` must have {observation_size} numbers, one for each of an observation, as `mean` and "
                f"`variance` go together. Received: {name}={values}"
            )
    return inputs, layers.Normalization(mean=mean, variance=variance, name="scale")(inputs)


def hidden(x, units, activation, name, initializer="glorot_uniform"):
    """Returns `(batch, units[-1])`: dense layers, one a number of units."""
    for index, width in enumerate(units, start=1):
        check_positive("hidden_units", width)
        x = layers.Dense(width, activation=activation, kernel_initializer=initializer, name=f"{name}{index}")(x)
    return x


def plain(values):
    """Returns numbers as a tuple of floats, as a config holds them; `None` stays."""
    return None if values is None else tuple(float(value) for value in values)
