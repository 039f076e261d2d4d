"""Lets an agent learn by the algorithm that a config names."""

import time
from pathlib import Path

from apps.agents.data import PLANNERS, TABLES
from apps.trained import write_json
from dlkeras.files import write_atomically
from dlkeras.training.checkpoint import STATE_FILE, WEIGHTS_FILE
from dlkeras.training.reinforce import (
    DQN,
    PPO,
    TableLearner,
    learn,
    play,
    policy_iteration,
    transitions,
    value_iteration,
)
from dlkeras.training.reinforce.learning import VALIDATION_SEED

_NETWORK = ("environments", "scale", "discount", "learning_rate", "batch_size", "seed")
_EXPLORATION = ("epsilon", "final_epsilon", "exploration_steps")
_TABLE = ("discount", "learning_rate", "final_learning_rate", *_EXPLORATION, "seed")
SETTINGS = {
    "value_iteration": ("discount",),
    "policy_iteration": ("discount",),
    "q_learning": _TABLE,
    "sarsa": _TABLE,
    "dqn": (*_NETWORK, *_EXPLORATION, "duelling", "double", "n_steps", "priority", "buffer_size", "longest_random"),
    "ppo": (*_NETWORK, "horizon", "decay", "entropy"),
}
"""The fields of a config that each algorithm takes as they are."""


def train(model, config, directory):
    """Trains an agent, or goes on; the model gets its best weights. Returns the run's state, as `learn` does."""
    if config.algorithm in PLANNERS:
        return _plan(model, config, Path(directory))
    learner = learner_of(config)
    try:
        state = learn(
            learner,
            directory,
            steps=config.steps,
            every=config.every,
            episodes=config.episodes,
            stop_at=config.stop_at,
            report=lambda row: _tell(row, config.steps),
        )
    finally:
        learner.close()
    model.set_weights(learner.model.get_weights())
    return state


def learner_of(config):
    """Makes the `Learner` of a config."""
    arguments = {name: getattr(config, name) for name in SETTINGS[config.algorithm]}
    if config.algorithm in TABLES:
        return TableLearner(config.env, algorithm=config.algorithm, **arguments)
    hidden_units = (config.width, config.width)
    if config.algorithm == "dqn":
        return DQN(config.env, hidden_units=hidden_units, **arguments)
    return PPO(config.env, hidden_units=hidden_units, passes=config.epochs, annealing_steps=config.steps, **arguments)


def _plan(model, config, directory):
    """Plans, which takes less than a second: nothing is gone on with."""
    clocks = time.perf_counter(), time.process_time()
    improve = value_iteration if config.algorithm == "value_iteration" else policy_iteration
    plan = improve(transitions(config.env), discount=config.discount)
    model.table = plan.values
    table = model.table
    returns, _ = play(lambda states: table[states].argmax(axis=-1), config.env, seed=VALIDATION_SEED)
    seconds, cpu_seconds = time.perf_counter() - clocks[0], time.process_time() - clocks[1]
    best = float(returns.mean())
    row = {"epoch": 1, "steps": 0, "return": best, "deviation": float(returns.std()), "seconds": seconds}
    state = {"monitor": "return", "epochs": 1, "best_epoch": 1, "best": best, "history": [row]}
    state = {**state, "seconds": seconds, "cpu_seconds": cpu_seconds}
    directory.mkdir(parents=True, exist_ok=True)
    write_atomically(directory / WEIGHTS_FILE, lambda path: model.save_weights(str(path)))
    write_json(directory / STATE_FILE, state)
    print(f"{plan.rounds} rounds of {config.algorithm.replace('_', ' ')}", flush=True)
    return state


def _tell(row, steps):
    print(
        f"{row['steps']:>9,} of {steps:,} steps: return {row['return']:.2f}, deviation {row['deviation']:.2f}, "
        f"{row['seconds']:.0f} s",
        flush=True,
    )
