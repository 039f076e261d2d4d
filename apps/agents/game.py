"""Plays an environment for the page, a step at a time. Imports neither Keras nor TensorFlow."""

import os

import gymnasium
import numpy as np

# Pictures are drawn in memory: there is no screen, and none is looked for.
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")


class GameError(ValueError):
    """An environment that cannot be played here. Its text is for the person who asked."""


class Game:
    """One episode.

    Args:
        env: Name in Gymnasium's registry.
        longest: Steps after which it ends.
        seed: Of all that happens by chance.

    Attributes:
        observation: What is seen now.
        total: Rewards so far.
        steps: Steps so far.
        ended: Whether it is over.

    Raises:
        GameError: There is no such environment, or it lacks a package.
    """

    def __init__(self, env, longest, seed):
        try:
            self._env = gymnasium.make(
                env, render_mode="rgb_array", max_episode_steps=longest, disable_env_checker=True
            )
        except (gymnasium.error.Error, ImportError) as error:
            raise GameError(f"{env} cannot be played on this machine: {error}") from error
        self._rng = np.random.default_rng(seed)
        self.observation, _ = self._env.reset(seed=seed)
        self.total, self.steps, self.ended = 0.0, 0, False

    def frame(self):
        """Returns a picture of how things stand, uint8 `(height, width, 3)`."""
        return self._env.render()

    def play(self, action):
        """Takes an action, unless it is over."""
        if not self.ended:
            self.observation, reward, terminated, truncated, _ = self._env.step(action)
            self.total += float(reward)
            self.steps += 1
            self.ended = bool(terminated or truncated)

    def play_by_chance(self):
        """Takes a random action, unless it is over."""
        self.play(int(self._rng.integers(self._env.action_space.n)))

    def close(self):
        """Lets the environment go."""
        self._env.close()
