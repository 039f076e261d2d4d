"""Gymnasium's environments, as agents here need them: discrete actions, observations a state's number or a vector."""

import contextlib
import dataclasses
import difflib
import warnings

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

# CliffWalking and the like never end by themselves, if an agent walks in a circle.
_LONGEST_EPISODE = 1000
_UNBOUNDED = 1e6


@dataclasses.dataclass(frozen=True)
class Interface:
    """What an agent sees of an environment.

    Attributes:
        actions: Number of actions.
        states: Number of states, where an observation is one of them; else `None`.
        observation_size: Numbers of an observation, where it is a vector; else `None`.
        parts: Where an observation is a tuple of whole numbers: how many values each has.
    """

    actions: int
    states: int | None = None
    observation_size: int | None = None
    parts: tuple[int, ...] = ()

    def read(self, observation):
        """Returns an observation as a state's number, or as a float32 vector."""
        if self.parts:
            return int(np.ravel_multi_index(tuple(int(part) for part in observation), self.parts))
        return int(observation) if self.states else np.ravel(observation).astype("float32")

    def read_all(self, observations):
        """Returns a sequence of observations as int32 `(batch,)`, or float32 `(batch, observation_size)`."""
        return np.array([self.read(one) for one in observations], "int32" if self.states else "float32")


def make(env, **arguments):
    """Makes an environment.

    Args:
        env: Name in Gymnasium's registry, such as `"CartPole-v1"`.
        **arguments: Of `gymnasium.make`, such as `render_mode`.

    Returns:
        A `gymnasium.Env`. It has a limit of 1000 steps an episode where the registry names none.

    Raises:
        ValueError: There is no such environment, it lacks a package, or an agent here cannot play it.
    """
    spec = _spec(env)
    if spec.max_episode_steps is None:
        arguments = {"max_episode_steps": _LONGEST_EPISODE, **arguments}
    try:
        with warnings.catch_warnings():
            # Of Box2D's types, as they are first imported. Taken for an error there, it ends the whole process.
            warnings.simplefilter("ignore", DeprecationWarning)
            made = gymnasium.make(env, disable_env_checker=True, **arguments)
    except (gymnasium.error.Error, ImportError) as error:
        raise ValueError(
            f"`env` must be an environment whose packages are installed. Received: env={env!r}. {error}"
        ) from error
    with _closing_on_error(made):
        interface(made)
    return made


def make_vector(env, count):
    """Makes some environments that play side by side.

    An ended episode's last observation is in `info["final_obs"]`, and the next episode begins in the same step
    (`AutoresetMode.SAME_STEP`), so that every step is one of play.

    Args:
        env: Name in Gymnasium's registry.
        count: Number of environments.

    Raises:
        ValueError: As of `make`.
    """
    return SyncVectorEnv([lambda: make(env)] * count, autoreset_mode=AutoresetMode.SAME_STEP)


def interface(env):
    """Returns the `Interface` of an environment, a `gymnasium.Env` or a name.

    Raises:
        ValueError: Its actions are not discrete, or its observations neither states nor vectors.
    """
    if isinstance(env, str):
        made = make(env)
        with contextlib.closing(made):
            return interface(made)
    name, actions, observations = env.spec.id, env.action_space, env.observation_space
    if not _counted(actions):
        raise ValueError(
            "`env` must have discrete actions, counted from 0, such as CartPole-v1 or Taxi-v4. "
            f"Received: env={name!r}, whose actions are {actions}"
        )
    actions = int(actions.n)
    if _counted(observations):
        return Interface(actions, states=int(observations.n))
    if isinstance(observations, spaces.Tuple) and all(_counted(part) for part in observations):
        parts = tuple(int(part.n) for part in observations)
        return Interface(actions, states=int(np.prod(parts)), parts=parts)
    if isinstance(observations, spaces.Box) and len(observations.shape) == 1:
        return Interface(actions, observation_size=observations.shape[0])
    raise ValueError(
        "`env` must have observations that are states, tuples of them, or vectors. "
        f"Received: env={name!r}, whose observations are {observations}"
    )


def observation_statistics(env, seed=0, steps=2000):
    """Returns what brings each number of an observation near to mean 0 and variance 1, as `(mean, variance)`.

    Those of an even spread between the bounds that the environment names, where they are finite; else those of random
    play. Bounds come first, as good play reaches what random play does not.

    Args:
        env: Name in Gymnasium's registry; its observations are vectors.
        seed: Of the environment and of the actions.
        steps: Steps of random play to look at.
    """
    made = make(env)
    with contextlib.closing(made):
        low, high = (bound.astype("float64") for bound in (made.observation_space.low, made.observation_space.high))
        made.action_space.seed(seed)
        seen = [made.reset(seed=seed)[0]]
        for _ in range(steps):
            observation, _, terminated, truncated, _ = made.step(made.action_space.sample())
            seen.append(made.reset()[0] if terminated or truncated else observation)
    bounded = np.maximum(np.abs(low), np.abs(high)) < _UNBOUNDED
    low, high = np.where(bounded, low, 0.0), np.where(bounded, high, 0.0)
    mean = np.where(bounded, (low + high) / 2, np.mean(seen, axis=0))
    variance = np.where(bounded, (high - low) ** 2 / 12, np.var(seen, axis=0))
    return mean, np.maximum(variance, 1e-8)


def _spec(env):
    if env not in gymnasium.registry:
        near = difflib.get_close_matches(str(env), gymnasium.registry, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(
            "`env` must be a name of Gymnasium's registry, such as CartPole-v1, FrozenLake-v1 or Taxi-v4. "
            f"Received: env={env!r}.{hint}"
        )
    return gymnasium.registry[env]


def _counted(space):
    return isinstance(space, spaces.Discrete) and space.start == 0


@contextlib.contextmanager
def _closing_on_error(env):
    try:
        yield
    except ValueError:
        env.close()
        raise
