"""How well agents play, 100 episodes that they did not learn from, and what it took: three seeds a row.

Settings are those of the app's configs; they were chosen by validation episodes, whose seeds are others.
"""

import dataclasses
import functools
import time

import numpy as np

from apps.agents.app import Agents
from apps.agents.data import described
from apps.results import markdown
from apps.trained import save_settings
from dlkeras.training.reinforce import transitions
from dlkeras.training.reinforce.planning import best_return

SEEDS = (0, 1, 2)
_APP = Agents()
# A planner draws nothing by chance: its seeds give one plan.
_MORE = {
    "acrobot_ppo": dataclasses.replace(_APP.configs["vectors"], env="Acrobot-v1", stop_at=-86),
    "frozen_lake_policy_iteration": dataclasses.replace(_APP.configs["frozen_lake"], algorithm="policy_iteration"),
    "frozen_lake_sarsa": dataclasses.replace(_APP.configs["frozen_lake_q_learning"], algorithm="sarsa"),
    "frozen_lake_8x8_q_learning": dataclasses.replace(
        _APP.configs["frozen_lake_q_learning"],
        env="FrozenLake8x8-v1",
        steps=1_500_000,
        every=100_000,
        discount=0.999,
        exploration_steps=1_500_000,
    ),
    "taxi_value_iteration": dataclasses.replace(_APP.configs["frozen_lake"], env="Taxi-v4"),
    "cliff_walking_value_iteration": dataclasses.replace(_APP.configs["frozen_lake"], env="CliffWalking-v1"),
    "cliff_walking_sarsa": dataclasses.replace(_APP.configs["cliff_walking"], algorithm="sarsa"),
}
_CONFIGS = {**{name: _APP.configs[name] for name in _APP.configs if name not in ("default", "smoke")}, **_MORE}
_CONFIGS = {name: config for name, config in _CONFIGS.items() if name not in ("states", "vectors")}
ROWS = tuple(sorted(_CONFIGS, key=lambda name: (_CONFIGS[name].env, name)))
_PUBLISHED = {
    "CartPole-v1": "DQN: 488.7 (CleanRL), 500 (rl-zoo)",
    "Acrobot-v1": "DQN: -91.5 (CleanRL), -76.6 (rl-zoo)",
    "MountainCar-v0": "DQN: -194.9 (CleanRL), -100.8 (rl-zoo)",
    "Taxi-v4": "optimum 7.93, exactly; 8.46 in the registry's terms",
    "FrozenLake-v1": "optimum 0.74",
    "FrozenLake8x8-v1": "optimum 0.91, of an agent that counts its steps",
    "CliffWalking-v1": "optimum -13",
    "LunarLander-v3": "solved from 200",
}


def run(row, directory):
    """Makes one row: an agent a seed, from its first step to its test."""
    runs = [_run(dataclasses.replace(_CONFIGS[row], seed=seed), directory / f"seed{seed}") for seed in SEEDS]
    return {name: [one[name] for one in runs] for name in runs[0]}


def table(results):
    """Returns the table of the rows that are there; a deviation is that of the seeds' means."""
    head = ["row", "environment", "algorithm", "return", "deviation over seeds", "of the best seed", "of the worst"]
    head += ["at random", "exact", "best there is", "steps", "CPU seconds", "published"]
    lines = [head, ["---"] * len(head)]
    for row, result in results.items():
        config, returns = _CONFIGS[row], np.array(result["return"])
        exact = ["", ""]
        if "expected_return" in result:
            exact = [f"{value:.4f}" for value in (np.mean(result["expected_return"]), _optimum(config.env))]
        figures = [f"{value:.2f}" for value in (returns.mean(), returns.std(ddof=1), returns.max(), returns.min())]
        figures += [f"{np.mean(result['random_return']):.2f}", *exact]
        cost = [f"{np.mean(result['steps']):,.0f}", f"{np.mean(result['cpu_seconds']):.1f}"]
        lines.append([row, config.env, config.algorithm, *figures, *cost, _PUBLISHED.get(config.env, "")])
    return markdown(lines)


@functools.cache
def _optimum(env):
    """Returns what the best agent gets on average: one that also knows how many steps are left."""
    return best_return(transitions(env), described(env, "value_iteration", False, 0)["longest"])


def _run(config, directory):
    splits = _APP.load(config)
    save_settings(directory, config, splits.info)
    model = _APP.build(config, splits.info)
    begin = time.process_time()
    state = _APP.fit(model, splits, config, directory)
    seconds = time.process_time() - begin
    figures = _APP.evaluate(model, splits, directory / "report")
    return {**figures, "steps": state["history"][-1]["steps"], "cpu_seconds": max(seconds, state["cpu_seconds"])}
