"""Q-learning and SARSA with a table (Sutton and Barto, "Reinforcement Learning", 6.4 and 6.5)."""

import numpy as np

from dlkeras.checks import check_choice, check_fraction
from dlkeras.models.reinforce.tables import ActionTable
from dlkeras.training.reinforce.environments import interface, make
from dlkeras.training.reinforce.learner import Learner, Linear, exploration

Q_LEARNING, SARSA = "q_learning", "sarsa"


class TableLearner(Learner):
    """Learns a table of action values, step by step, in one environment.

    Args:
        env: Name in Gymnasium's registry; its observations are states, or tuples of them.
        algorithm: `"q_learning"`, of the best policy, or `"sarsa"`, of the policy that explores.
        discount: Of the next reward, in [0, 1].
        learning_rate: Part of each error by which a value is corrected, in [0, 1].
        final_learning_rate: What it falls to by `exploration_steps`; by default it stays.
        epsilon: Chance of a random action at first.
        final_epsilon: What it falls to.
        exploration_steps: Steps until then.
        initial: What all values begin with; a high one makes the agent try everything.
        seed: Of the environment and of exploration.

    Raises:
        ValueError: An argument is out of its range, or observations are vectors.
    """

    def __init__(
        self,
        env,
        *,
        algorithm=Q_LEARNING,
        discount=0.99,
        learning_rate=0.1,
        final_learning_rate=None,
        epsilon=1.0,
        final_epsilon=0.05,
        exploration_steps=100_000,
        initial=0.0,
        seed=0,
    ):
        check_choice("algorithm", algorithm, (Q_LEARNING, SARSA))
        final_learning_rate = learning_rate if final_learning_rate is None else final_learning_rate
        for name, value in (
            ("discount", discount),
            ("learning_rate", learning_rate),
            ("final_learning_rate", final_learning_rate),
        ):
            check_fraction(name, value)
        self._interface = interface(env)
        if not self._interface.states:
            raise ValueError(
                f"`env` must have states that can be counted, such as FrozenLake-v1 or Taxi-v4. Received: env={env!r}"
            )
        self._epsilon = exploration(epsilon, final_epsilon, exploration_steps)
        self._rate = Linear(learning_rate, final_learning_rate, exploration_steps)
        self._algorithm, self._discount = algorithm, discount
        shape = self._interface.states, self._interface.actions
        super().__init__(env, ActionTable.holding(np.full(shape, initial)), seed)
        # Plain lists: what is done a step takes less time than one call of NumPy.
        self._values = self.model.table.tolist()
        self._playing = make(env)
        self._state = None

    def advance(self, until):
        read, actions = self._interface.read, self._interface.actions
        if self._state is None:
            self._state = read(self._playing.reset(seed=self._episode_seed())[0])
            self._action = self._choose(self._state, actions)
        while self.steps < until:
            observation, reward, terminated, truncated, _ = self._playing.step(self._action)
            after = read(observation)
            self.steps += 1
            values, row = self._values[self._state], self._values[after]
            if self._algorithm == SARSA:
                following = self._choose(after, actions)
                future = row[following]
            else:
                future = max(row)
            # Where a time limit ended the episode, the rewards that would have come still count.
            target = reward if terminated else reward + self._discount * future
            values[self._action] += self._rate(self.steps) * (target - values[self._action])
            ended = terminated or truncated
            after = read(self._playing.reset()[0]) if ended else after
            if ended or self._algorithm == Q_LEARNING:
                following = self._choose(after, actions)
            self._state, self._action = after, following
        self.model.table = self._values

    def act(self, observations):
        return np.argmax(self.model.table[observations], axis=-1)

    def close(self):
        self._playing.close()

    def restore(self, arrays):
        super().restore(arrays)
        self._values, self._state = self.model.table.tolist(), None

    def _choose(self, state, actions):
        if self._rng.random() < self._epsilon(self.steps):
            return int(self._rng.integers(actions))
        row = self._values[state]
        return row.index(max(row))
