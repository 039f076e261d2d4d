"""Deep Q-learning (Mnih et al. 2015, "Human-level control through deep reinforcement learning").

With double learning (van Hasselt et al. 2016), duelling networks (Wang et al. 2016), rewards of several steps and
prioritised replay (Schaul et al. 2016) as choices; together, they are most of Rainbow (Hessel et al. 2018).
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from dlkeras.checks import check_fraction, check_positive
from dlkeras.models.reinforce.q_network import QNetwork
from dlkeras.training.reinforce.learner import Linear, exploration
from dlkeras.training.reinforce.n_step import NStep
from dlkeras.training.reinforce.networks import NetworkLearner
from dlkeras.training.reinforce.replay import Replay


class DQN(NetworkLearner):
    """Learns action values from replayed steps.

    Args:
        env: Name in Gymnasium's registry; its observations are vectors.
        environments: Number of environments that play side by side.
        hidden_units: Units of each hidden layer.
        duelling: See `QNetwork`.
        double: Whether the network chooses the next action, and the target network only values it.
        n_steps: Rewards that are added up before a value is taken for the rest.
        priority: Exponent of the errors by which steps are drawn, in [0, 1]; 0 to draw all alike.
        scale: Whether observations are brought to mean 0 and variance 1.
        discount: Of the next reward, in [0, 1].
        learning_rate: Of Adam.
        batch_size: Steps of play an update.
        buffer_size: Steps of play that are kept.
        learning_starts: Steps of play before the first update.
        learn_every: Steps of play from one round of updates to the next.
        updates: Updates a round, which are one call of a compiled function.
        target_every: Steps of play after which the target network gets the weights.
        epsilon: Chance of a random action at first.
        final_epsilon: What it falls to.
        exploration_steps: Steps until then.
        longest_random: Most steps for which a random action is held, drawn anew each time with chances that fall with
            their square (Dabney et al. 2021, "Temporally-extended epsilon-greedy exploration"); 1 to hold none.
        seed: Of the weights, the environments and what is drawn.

    Raises:
        ValueError: An argument is out of its range, or there is no such environment.
    """

    def __init__(
        self,
        env,
        *,
        environments=8,
        hidden_units=(128, 128),
        duelling=False,
        double=True,
        n_steps=1,
        priority=0.0,
        scale=False,
        discount=0.99,
        learning_rate=1e-3,
        batch_size=128,
        buffer_size=50_000,
        learning_starts=1000,
        learn_every=16,
        updates=8,
        target_every=1000,
        epsilon=1.0,
        final_epsilon=0.05,
        exploration_steps=10_000,
        longest_random=1,
        seed=0,
    ):
        for name, value in (
            ("learning_rate", learning_rate),
            ("batch_size", batch_size),
            ("learn_every", learn_every),
            ("updates", updates),
            ("target_every", target_every),
            ("longest_random", longest_random),
        ):
            check_positive(name, value)
        check_fraction("discount", discount)
        self._epsilon = exploration(epsilon, final_epsilon, exploration_steps)
        # What priorities distort is put right more and more.
        self._correction = Linear(0.4, 1.0, 10 * exploration_steps)
        arguments = {"hidden_units": hidden_units, "duelling": duelling}
        super().__init__(env, QNetwork, arguments, environments=environments, scale=scale, seed=seed)
        self._optimizer.learning_rate = learning_rate
        self._target = QNetwork.from_config(self.model.get_config())
        self._target.set_weights(self.model.get_weights())
        self._double, self._batches = double, (updates, batch_size)
        self._learning_starts, self._learn_every, self._target_every = learning_starts, learn_every, target_every
        self._replay = Replay(buffer_size, self._size, priority)
        self._n_step = lambda: NStep(n_steps, discount, environments, self._size)
        self._pending = self._n_step()
        # How long each environment's random action is still held, and which it is.
        self._longest_random = longest_random
        self._held, self._random = np.zeros((2, environments), "int64")
        # One call for all updates of a round. Not by XLA, which takes longer to compile them than it saves here.
        self._update = tf.function(self._updates)

    def advance(self, until):
        self._begin()
        while self.steps < until:
            before = self.steps
            observations, actions = self._seen, self._explore(self._seen)
            self._replay.add(self._pending.add(observations, actions, *self._play(actions)))
            if self.steps >= self._learning_starts and self._crossed(before, self._learn_every) and len(self._replay):
                self._learn()
            if self._crossed(before, self._target_every):
                self._target.set_weights(self.model.get_weights())

    def arrays(self):
        target = {f"target{index}": value for index, value in enumerate(self._target.get_weights())}
        return {**super().arrays(), **target, **self._replay.arrays()}

    def restore(self, arrays):
        super().restore(arrays)
        self._target.set_weights([arrays[f"target{index}"] for index in range(len(self._target.weights))])
        self._replay.restore(arrays)
        self._pending = self._n_step()
        self._held[:] = 0

    def _crossed(self, before, every):
        return self.steps // every > before // every

    def _explore(self, observations):
        """Returns the best actions, or random ones by the chance of exploration; `(environments,)`."""
        begins = (self._held == 0) & (self._rng.random(self._count) < self._epsilon(self.steps))
        lengths = np.minimum(self._rng.zipf(2.0, self._count), self._longest_random)
        self._held = np.where(begins, lengths, self._held)
        self._random = np.where(begins, self._rng.integers(self._actions, size=self._count), self._random)
        random = self._held > 0
        self._held = np.maximum(self._held - 1, 0)
        return self._random if random.all() else np.where(random, self._random, self.act(observations))

    def _learn(self):
        rows, steps, weights = self._replay.sample(self._rng, self._batches, self._correction(self.steps))
        errors = self._update(tuple(steps), weights)
        self._replay.learned(rows, errors.numpy())

    def _updates(self, steps, weights):
        """Takes an update with each batch; all arrays are `(updates, batch, ...)`. Returns the errors."""
        errors = tf.TensorArray("float32", size=self._batches[0], element_shape=self._batches[1:])
        for index in tf.range(self._batches[0]):
            error = self._step([part[index] for part in steps], weights[index])
            errors = errors.write(index, error)
        return errors.stack()

    def _step(self, steps, weights):
        observations, actions, returns, after, discounts = steps
        targets = returns + discounts * self._values_of(after)
        with tf.GradientTape() as tape:
            values = _at(self.model(observations, training=True), actions)
            losses = keras.losses.huber(targets[:, None], values[:, None])
            loss = ops.mean(weights * losses)
        variables = self.model.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return values - targets

    def _values_of(self, observations):
        values = self._target(observations)
        if self._double:
            return _at(values, ops.argmax(self.model(observations), axis=-1))
        return ops.max(values, axis=-1)


def _at(values, actions):
    """Returns the values `(batch,)` of some actions, of `(batch, actions)`."""
    return ops.sum(values * ops.one_hot(actions, values.shape[-1]), axis=-1)
