"""Rewards of several steps as one (Sutton 1988, "Learning to predict by the methods of temporal differences")."""

import numpy as np

from dlkeras.checks import check_fraction, check_positive
from dlkeras.training.reinforce.replay import Steps


class NStep:
    """Turns single steps of environments that play side by side into steps of up to `n`.

    At the end of an episode those that have begun are given with the rewards there are.

    Args:
        n: Steps to add up.
        discount: Of the next reward, in [0, 1].
        environments: Number of environments.
        observation_size: Numbers of an observation.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(self, n, discount, environments, observation_size):
        check_positive("n_steps", n)
        check_fraction("discount", discount)
        self._n, self._discount = n, discount
        # The last steps of each environment, the newest at the end.
        self._observations = np.zeros((n, environments, observation_size), "float32")
        self._actions = np.zeros((n, environments), "int32")
        self._rewards = np.zeros((n, environments))
        self._lengths = np.zeros(environments, "int64")
        # What the value after them counts, if a step began at each of these places.
        self._discounts = discount ** np.arange(n, 0, -1.0)

    def add(self, observations, actions, rewards, after, terminated, truncated):
        """Takes a step of every environment.

        Args:
            observations: `(environments, observation_size)`.
            actions: `(environments,)`.
            rewards: `(environments,)`.
            after: Observations after the step, before a new episode begins, `(environments, observation_size)`.
            terminated: Whether an episode ended by itself, after which nothing has a value, `(environments,)`.
            truncated: Whether a time limit ended it, `(environments,)`; what comes after has its value.

        Returns:
            `Steps`, those that are complete by now.
        """
        for kept, new in ((self._observations, observations), (self._actions, actions), (self._rewards, rewards)):
            kept[:-1] = kept[1:]
            kept[-1] = new
        self._lengths = np.minimum(self._lengths + 1, self._n)
        returns = self._rewards.copy()
        for place in range(self._n - 2, -1, -1):
            returns[place] += self._discount * returns[place + 1]
        begun = np.arange(self._n)[:, None] >= self._n - self._lengths  # (n, environments)
        ended = terminated | truncated
        complete = begun & (ended | (np.arange(self._n)[:, None] == 0))
        self._lengths[ended] = 0
        places, which = np.nonzero(complete)
        return Steps(
            self._observations[places, which],
            self._actions[places, which],
            returns[places, which],
            after[which],
            self._discounts[places] * ~terminated[which],
        )
