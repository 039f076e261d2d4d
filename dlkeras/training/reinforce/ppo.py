"""Proximal policy optimization (Schulman et al. 2017, "Proximal policy optimization algorithms")."""

import numpy as np
import tensorflow as tf
from keras import ops

from dlkeras.checks import check_fraction, check_positive
from dlkeras.models.reinforce.actor_critic import ActorCritic
from dlkeras.training.reinforce.advantages import advantages_of
from dlkeras.training.reinforce.learner import Linear
from dlkeras.training.reinforce.networks import NetworkLearner


class PPO(NetworkLearner):
    """Learns a policy, and the values that it is judged by, from what it has just played.

    Args:
        env: Name in Gymnasium's registry; its observations are vectors.
        environments: Number of environments that play side by side.
        hidden_units: Units of each hidden layer, of the actor as of the critic.
        scale: Whether observations are brought to mean 0 and variance 1.
        discount: Of the next reward, in [0, 1].
        decay: Of errors further ahead in the advantages, lambda, in [0, 1].
        learning_rate: Of Adam at first; it falls to 0 by `annealing_steps`, as `clip` does.
        annealing_steps: Steps of play until then.
        horizon: Steps of play in each environment from one round of updates to the next.
        batch_size: Steps of play an update.
        passes: How often a round goes through what was played.
        clip: How far a policy's chances may move in a round, as a part.
        entropy: Weight of the policy's entropy, which keeps it exploring.
        critic: Weight of the values' squared error.
        seed: Of the weights, the environments and what is drawn.

    Raises:
        ValueError: An argument is out of its range, or there is no such environment.
    """

    def __init__(
        self,
        env,
        *,
        environments=8,
        hidden_units=(64, 64),
        scale=False,
        discount=0.99,
        decay=0.95,
        learning_rate=1e-3,
        annealing_steps=100_000,
        horizon=64,
        batch_size=128,
        passes=10,
        clip=0.2,
        entropy=0.0,
        critic=0.5,
        seed=0,
    ):
        for name, value in (
            ("learning_rate", learning_rate),
            ("annealing_steps", annealing_steps),
            ("horizon", horizon),
            ("batch_size", batch_size),
            ("passes", passes),
            ("clip", clip),
        ):
            check_positive(name, value)
        check_positive("environments", environments)
        check_fraction("discount", discount)
        check_fraction("decay", decay)
        if horizon * environments % batch_size:
            raise ValueError(
                "`batch_size` must divide `horizon` times `environments`. "
                f"Received: batch_size={batch_size}, horizon={horizon}, environments={environments}"
            )
        arguments = {"hidden_units": hidden_units}
        super().__init__(
            env, ActorCritic, arguments, environments=environments, scale=scale, largest_gradient=0.5, seed=seed
        )
        self._horizon, self._passes, self._batch_size = horizon, passes, batch_size
        self._discount, self._decay = discount, decay
        self._rate, self._clip = Linear(learning_rate, 0.0, annealing_steps), Linear(clip, 0.0, annealing_steps)
        self._entropy, self._critic = entropy, critic
        # One call for all updates of a round. Not by XLA, which takes longer to compile them than it saves here.
        self._update = tf.function(self._updates)

    def advance(self, until):
        self._begin()
        while self.steps < until:
            self._optimizer.learning_rate = self._rate(self.steps)
            clip = np.float32(max(self._clip(self.steps), 1e-6))
            played = self._play_a_while()
            rows = [self._rng.permutation(len(played[0])) for _ in range(self._passes)]
            self._update(played, np.reshape(rows, (-1, self._batch_size)), clip)

    def _play_a_while(self):
        """Plays `horizon` steps in every environment.

        Returns:
            Observations, actions, the logarithms of their chances, advantages, and the values to learn:
            `(horizon * environments, ...)`.
        """
        shape = (self._horizon, self._count)
        observations, ahead = np.zeros((2, *shape, self._size), "float32")
        actions = np.zeros(shape, "int32")
        chances, values, after, rewards = np.zeros((4, *shape), "float32")
        terminated, truncated = np.zeros((2, *shape), bool)
        for step in range(self._horizon):
            observations[step] = self._seen
            actions[step], chances[step], values[step] = self._draw(self._seen)
            rewards[step], ahead[step], terminated[step], truncated[step] = self._play(actions[step])
        flat = [part.reshape(-1, *part.shape[2:]) for part in (observations, actions, chances)]
        after[:-1], after[-1] = values[1:], self._observe(self._seen)["value"]
        if truncated.any():
            # What follows there belongs to the next episode.
            after[truncated] = self._observe(ahead[truncated])["value"]
        advantages = advantages_of(
            rewards, values, after, terminated, truncated, discount=self._discount, decay=self._decay
        )
        return *flat, advantages.ravel(), (advantages + values).ravel()

    def _draw(self, observations):
        """Returns actions drawn from the policy, the logarithms of their chances, and values, each `(batch,)`."""
        outputs = self._observe(observations)
        logits = outputs["logits"].numpy()
        # The highest of logits with Gumbel noise is a draw from their softmax.
        actions = np.argmax(logits + self._rng.gumbel(size=logits.shape), axis=-1)
        logs = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
        return actions, logs[np.arange(len(actions)), actions], outputs["value"]

    def _updates(self, played, rows, clip):
        for index in tf.range(rows.shape[0]):
            self._step([tf.gather(part, rows[index]) for part in played], clip)

    def _step(self, batch, clip):
        observations, actions, before, advantages, targets = batch
        advantages = (advantages - ops.mean(advantages)) / (ops.std(advantages) + 1e-8)
        with tf.GradientTape() as tape:
            outputs = self.model(observations, training=True)
            logs = ops.log_softmax(outputs["logits"])
            ratio = ops.exp(ops.sum(logs * ops.one_hot(actions, self._actions), axis=-1) - before)
            cut = ops.clip(ratio, 1.0 - clip, 1.0 + clip)
            # The worse of both: so that nothing is gained by going further than the cut.
            actor = -ops.mean(ops.minimum(ratio * advantages, cut * advantages))
            critic = ops.mean(ops.square(outputs["value"] - targets))
            entropy = -ops.mean(ops.sum(ops.exp(logs) * logs, axis=-1))
            loss = actor + self._critic * critic - self._entropy * entropy
        variables = self.model.trainable_variables
        self._optimizer.apply(tape.gradient(loss, variables), variables)
