"""Whole episodes, to see how well an agent plays: apart from training, and with seeds of their own."""

import contextlib

import numpy as np

from dlkeras.checks import check_positive
from dlkeras.training.reinforce.environments import interface, make


def play(act, env, *, episodes=100, seed=0):
    """Plays episodes side by side, each in an environment of its own.

    Args:
        act: Function from observations, int32 `(batch,)` or float32 `(batch, observation_size)`, to actions `(batch,)`.
        env: Name in Gymnasium's registry.
        episodes: Number of episodes.
        seed: Of the first episode; each further one has the next.

    Returns:
        `(returns, lengths)`: float64 and int64 `(episodes,)`; sums of rewards without discount, and steps.

    Raises:
        ValueError: `episodes` is below 1, or there is no such environment.
    """
    check_positive("episodes", episodes)
    returns, lengths = np.zeros(episodes), np.zeros(episodes, "int64")
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(contextlib.closing(make(env))) for _ in range(episodes)]
        read = interface(made[0]).read_all
        observations = [one.reset(seed=seed + index)[0] for index, one in enumerate(made)]
        playing = list(range(episodes))
        while playing:
            actions = np.asarray(act(read([observations[index] for index in playing])))
            still = []
            for index, action in zip(playing, actions.tolist(), strict=True):
                observations[index], reward, terminated, truncated, _ = made[index].step(action)
                returns[index] += reward
                lengths[index] += 1
                if not (terminated or truncated):
                    still.append(index)
            playing = still
    return returns, lengths


def random_actions(actions, seed=0):
    """Returns a function that acts by chance, for `play`; what every agent is compared with."""
    rng = np.random.default_rng(seed)
    return lambda observations: rng.integers(actions, size=len(observations))
