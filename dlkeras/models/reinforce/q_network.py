"""Q-network: the values of all actions of an observation (Mnih et al. 2015, "Human-level control through deep
reinforcement learning"), here of a multilayer perceptron, as observations are a few numbers.

Observations `(batch, observation_size)` in, action values `(batch, actions)` out.
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_positive
from dlkeras.models.base import ConfiguredModel
from dlkeras.models.reinforce.parts import hidden, plain, scaled_observations


@keras.saving.register_keras_serializable(package="dlkeras")
class Duel(layers.Layer):
    """Adds the value of a state, `(batch, 1)`, to how much better each action is than the mean, `(batch, actions)`.

    Source: Wang et al. 2016, "Dueling network architectures for deep reinforcement learning", equation 9.
    """

    def call(self, inputs):
        value, advantages = inputs
        return value + advantages - ops.mean(advantages, axis=-1, keepdims=True)

    def compute_output_shape(self, input_shape):
        return input_shape[1]


@keras.saving.register_keras_serializable(package="dlkeras")
class QNetwork(ConfiguredModel):
    """Multilayer perceptron that gives the value of every action.

    Args:
        observation_size: Numbers of an observation.
        actions: Number of actions.
        hidden_units: Units of each hidden layer.
        duelling: Whether the value of the state and the advantages of the actions have last layers of their own.
        activation: Of the hidden layers.
        mean: Of each number of an observation, taken off first; `None` to leave observations as they are.
        variance: Likewise; what is left is divided by its square root.

    Raises:
        ValueError: A number is below 1, or there is not one mean and variance a number.
    """

    def __init__(
        self,
        *,
        observation_size=4,
        actions=2,
        hidden_units=(128, 128),
        duelling=False,
        activation="relu",
        mean=None,
        variance=None,
        **kwargs,
    ):
        check_positive("actions", actions)
        mean, variance = plain(mean), plain(variance)

        inputs, x = scaled_observations(observation_size, mean, variance)
        x = hidden(x, hidden_units, activation, "hidden")  # (batch, units)
        if duelling:
            value = layers.Dense(1, name="value")(x)
            x = Duel(name="duel")([value, layers.Dense(actions, name="advantages")(x)])
        else:
            x = layers.Dense(actions, name="last")(x)
        outputs = layers.Activation("linear", dtype="float32", name="values")(x)  # (batch, actions)
        arguments = {
            "observation_size": observation_size,
            "actions": actions,
            "hidden_units": tuple(hidden_units),
            "duelling": duelling,
            "activation": activation,
            "mean": mean,
            "variance": variance,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)


VARIANTS = {
    "q_network": (QNetwork, {}),
    "q_network_duelling": (QNetwork, {"duelling": True}),
}
