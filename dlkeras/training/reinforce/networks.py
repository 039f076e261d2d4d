"""Networks that act while they learn: a vector environment, and functions compiled once."""

import keras
import numpy as np
import tensorflow as tf

from dlkeras.checks import check_positive
from dlkeras.training.reinforce.environments import interface, make_vector, observation_statistics
from dlkeras.training.reinforce.learner import Learner

_LARGEST_GRADIENT = 10.0


class NetworkLearner(Learner):
    """Plays in several environments side by side with a network, which Adam trains.

    Args:
        env: Name in Gymnasium's registry; its observations are vectors.
        network: Class of the model, such as `QNetwork`.
        arguments: Of that class, beside what follows from the environment.
        environments: Number of environments that play side by side.
        scale: Whether the network brings observations to mean 0 and variance 1, those of random play.
        largest_gradient: Norm to which the gradient is cut.
        seed: Of the weights, the environments and what is drawn.

    Raises:
        ValueError: An argument is out of its range, or observations are states.
    """

    def __init__(self, env, network, arguments, *, environments, scale, largest_gradient=_LARGEST_GRADIENT, seed):
        check_positive("environments", environments)
        found = interface(env)
        if not found.observation_size:
            raise ValueError(
                "`env` must have observations that are vectors, such as CartPole-v1; states are for tables. "
                f"Received: env={env!r}"
            )
        mean, variance = observation_statistics(env, seed) if scale else (None, None)
        keras.utils.set_random_seed(seed)
        sizes = {"observation_size": found.observation_size, "actions": found.actions}
        super().__init__(env, network(**sizes, mean=mean, variance=variance, **arguments), seed)
        self._actions, self._size = found.actions, found.observation_size
        self._optimizer = keras.optimizers.Adam(epsilon=1e-5, global_clipnorm=largest_gradient)
        self._optimizer.build(self.model.trainable_variables)
        self._observe = tf.function(self.model, input_signature=[tf.TensorSpec((None, self._size))])
        self._envs = make_vector(env, environments)
        self._count, self._seen = environments, None

    def act(self, observations):
        outputs = self._observe(observations)
        return np.argmax(outputs["logits"] if isinstance(outputs, dict) else outputs, axis=-1)

    def close(self):
        self._envs.close()

    def arrays(self):
        optimizer = {f"optimizer{n}": variable.numpy() for n, variable in enumerate(self._optimizer.variables)}
        return {**super().arrays(), **optimizer}

    def restore(self, arrays):
        super().restore(arrays)
        for number, variable in enumerate(self._optimizer.variables):
            variable.assign(arrays[f"optimizer{number}"])
        self._seen = None

    def _begin(self):
        """Begins episodes, where none is under way."""
        if self._seen is None:
            self._seen = self._envs.reset(seed=self._episode_seed())[0].astype("float32")

    def _play(self, actions):
        """Takes a step in every environment.

        Returns:
            `(rewards, after, terminated, truncated)`; `after` is the observation after the step, also where an episode
            ended: what the next one begins with is in `_seen`.
        """
        seen, rewards, terminated, truncated, info = self._envs.step(actions)
        self._seen = seen.astype("float32")
        self.steps += self._count
        after = self._seen
        if "final_obs" in info:
            after = after.copy()
            for index in np.flatnonzero(info["_final_obs"]):
                after[index] = info["final_obs"][index]
        return rewards, after, terminated, truncated
