"""Actor and critic: a policy, and the value of a state (Mnih et al. 2016, "Asynchronous methods for deep reinforcement
learning"; the sizes and initial weights are those of Schulman et al. 2017, "Proximal policy optimization algorithms").

Observations `(batch, observation_size)` in; out are the policy's logits `(batch, actions)` and the values `(batch,)`.
"""

import keras
from keras import layers

from dlkeras.checks import check_positive
from dlkeras.models.base import ConfiguredModel
from dlkeras.models.reinforce.parts import hidden, plain, scaled_observations


def _orthogonal(gain):
    return keras.initializers.Orthogonal(gain)


@keras.saving.register_keras_serializable(package="dlkeras")
class ActorCritic(ConfiguredModel):
    """Two multilayer perceptrons on one observation, the actor and the critic.

    Args:
        observation_size: Numbers of an observation.
        actions: Number of actions.
        hidden_units: Units of each hidden layer, of the actor as of the critic.
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
        hidden_units=(64, 64),
        activation="tanh",
        mean=None,
        variance=None,
        **kwargs,
    ):
        check_positive("actions", actions)
        mean, variance = plain(mean), plain(variance)

        inputs, x = scaled_observations(observation_size, mean, variance)
        actor = hidden(x, hidden_units, activation, "actor", _orthogonal(2**0.5))  # (batch, units)
        critic = hidden(x, hidden_units, activation, "critic", _orthogonal(2**0.5))
        # Small at first, so that no action begins as the favourite.
        logits = layers.Dense(actions, kernel_initializer=_orthogonal(0.01), dtype="float32", name="logits")(actor)
        value = layers.Dense(1, kernel_initializer=_orthogonal(1.0), dtype="float32", name="last")(critic)
        value = layers.Reshape((), dtype="float32", name="value")(value)  # (batch,)
        arguments = {
            "observation_size": observation_size,
            "actions": actions,
            "hidden_units": tuple(hidden_units),
            "activation": activation,
            "mean": mean,
            "variance": variance,
        }
        super().__init__(inputs, {"logits": logits, "value": value}, arguments=arguments, **kwargs)


VARIANTS = {"actor_critic": (ActorCritic, {})}
