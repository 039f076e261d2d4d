"""Agents that learn to play: planning, tables, deep Q-networks and proximal policies, on Gymnasium's environments."""

from dlkeras.training.reinforce.dqn import DQN
from dlkeras.training.reinforce.environments import interface, make, make_vector
from dlkeras.training.reinforce.learning import learn
from dlkeras.training.reinforce.planning import policy_iteration, transitions, value_iteration
from dlkeras.training.reinforce.playing import play, random_actions
from dlkeras.training.reinforce.ppo import PPO
from dlkeras.training.reinforce.tabular import TableLearner

__all__ = [
    "DQN",
    "PPO",
    "TableLearner",
    "interface",
    "learn",
    "make",
    "make_vector",
    "play",
    "policy_iteration",
    "random_actions",
    "transitions",
    "value_iteration",
]
