"""The side of stable-baselines3 of `benchmarks.cartpole`: a venv of its own will do."""

import argparse
import json
import time
from importlib.metadata import version

import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

# The settings of rl-baselines3-zoo for CartPole-v1.
_PPO = {"n_steps": 32, "batch_size": 256, "gae_lambda": 0.8, "gamma": 0.98, "n_epochs": 20}
_DQN = {
    "learning_rate": 2.3e-3,
    "batch_size": 64,
    "buffer_size": 100_000,
    "learning_starts": 1000,
    "target_update_interval": 10,
    "train_freq": 256,
    "gradient_steps": 128,
    "exploration_fraction": 0.16,
    "exploration_final_eps": 0.04,
    "policy_kwargs": {"net_arch": [256, 256]},
}
_STEPS = {"ppo": 100_000, "dqn": 50_000}


def make(algorithm, seed):
    """Makes an agent, and how many steps its schedules are for."""
    shared = {"seed": seed, "device": "cpu"}
    if algorithm == "ppo":
        envs = make_vec_env("CartPole-v1", n_envs=8, seed=seed)
        return PPO(
            "MlpPolicy",
            envs,
            learning_rate=lambda left: left * 1e-3,
            clip_range=lambda left: left * 0.2,
            **_PPO,
            **shared,
        )
    return DQN("MlpPolicy", make_vec_env("CartPole-v1", n_envs=1, seed=seed), **_DQN, **shared)


class Check:
    """Plays validation episodes every so many steps, and tells when they are good enough."""

    def __init__(self, every, episodes, enough):
        self._every, self._episodes, self._enough = every, episodes, enough
        self._envs, self._next = make_vec_env("CartPole-v1", n_envs=8, seed=1_000_000), every
        self.solved = False

    def __call__(self, found, _):
        steps = found["self"].num_timesteps
        if steps < self._next:
            return True
        self._next += self._every
        mean, _ = evaluate_policy(found["self"], self._envs, self._episodes, warn=False)
        self.solved = mean >= self._enough
        return not self.solved


def main():
    """Trains until CartPole is solved, and prints how long that took as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("algorithm", choices=_STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=5000)
    parser.add_argument("--episodes", type=int, default=50)
    parser.add_argument("--enough", type=float, default=490)
    options = parser.parse_args()
    torch.set_num_threads(1)
    agent, check = make(options.algorithm, options.seed), Check(options.every, options.episodes, options.enough)
    clocks = time.perf_counter(), time.process_time()
    agent.learn(_STEPS[options.algorithm], callback=check)
    taken = {"seconds": time.perf_counter() - clocks[0], "cpu_seconds": time.process_time() - clocks[1]}
    print(
        json.dumps(
            {
                "solved": bool(check.solved),
                "steps": agent.num_timesteps,
                **taken,
                "version": version("stable-baselines3"),
            }
        )
    )


if __name__ == "__main__":
    main()
