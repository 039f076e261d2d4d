"""What an agent is made for: what an environment shows and takes, and some of what random play sees."""

import contextlib

import numpy as np

from dlkeras.data.splits import Examples
from dlkeras.training.reinforce import interface, make
from dlkeras.training.reinforce.environments import observation_statistics

PLANNERS = ("value_iteration", "policy_iteration")
TABLES = ("q_learning", "sarsa")
NETWORKS = ("dqn", "ppo")
_ACTIONS = {
    "CartPole": ("left", "right"),
    "Acrobot": ("turn left", "nothing", "turn right"),
    "MountainCar": ("left", "nothing", "right"),
    "LunarLander": ("nothing", "left engine", "main engine", "right engine"),
    "FrozenLake": ("left", "down", "right", "up"),
    "FrozenLake8x8": ("left", "down", "right", "up"),
    "CliffWalking": ("up", "right", "down", "left"),
    "Taxi": ("south", "north", "east", "west", "pick up", "drop off"),
    "Blackjack": ("stick", "hit"),
}


def described(env, algorithm, scale, seed):
    """Returns the `info` of an environment: what a model and its page must know of it.

    Raises:
        ValueError: There is no such environment, or the algorithm is not for it.
    """
    made = make(env)
    with contextlib.closing(made):
        found = interface(made)
        has_table, longest = hasattr(made.unwrapped, "P"), made.spec.max_episode_steps
        first = np.asarray(made.reset(seed=seed)[0]).tolist()
    _check_fits(env, algorithm, found, has_table)
    mean, variance = (None, None)
    if scale and found.observation_size:
        mean, variance = (values.tolist() for values in observation_statistics(env, seed))
    return {
        "data": env,
        "actions": found.actions,
        "action_names": _names(env, found.actions),
        "states": found.states,
        "observation_size": found.observation_size,
        "parts": list(found.parts),
        "mean": mean,
        "variance": variance,
        "longest": longest,
        "has_table": has_table,
        "example": first,
    }


def random_play(env, count, seed):
    """Returns `Examples` of what random play sees; `y` is 0, as there is nothing to tell of it."""
    made = make(env)
    with contextlib.closing(made):
        made.action_space.seed(seed)
        seen = [made.reset(seed=seed)[0]]
        while len(seen) < count:
            observation, _, terminated, truncated, _ = made.step(made.action_space.sample())
            seen.append(made.reset()[0] if terminated or truncated else observation)
        return Examples(interface(made).read_all(seen), np.zeros(count, "int32"))


def _check_fits(env, algorithm, found, has_table):
    if found.states:
        fitting = (*PLANNERS, *TABLES) if has_table else TABLES
    else:
        fitting = NETWORKS
    if algorithm not in fitting:
        raise ValueError(f"`algorithm` must be one of {', '.join(fitting)} for {env}. Received: {algorithm}")


def _names(env, count):
    """Returns what actions are called, by their numbers where that is not known."""
    known = _ACTIONS.get(env.rpartition("-")[0], ())
    return list(known) if len(known) == count else [str(number) for number in range(count)]
