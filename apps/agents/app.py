"""Agents: they learn to play an environment of Gymnasium, by planning, by tables or by networks."""

import numpy as np

from apps.agents.answering import Answers, actor
from apps.agents.configs import CONFIGS, PUBLISHED, Config
from apps.agents.data import PLANNERS, TABLES, described, random_play
from apps.agents.learning import SETTINGS, train
from apps.agents.report import write_report
from apps.base import App, Endpoint
from dlkeras.data.splits import Splits
from dlkeras.models.reinforce.actor_critic import ActorCritic
from dlkeras.models.reinforce.q_network import QNetwork
from dlkeras.models.reinforce.tables import ActionTable
from dlkeras.training.reinforce import interface, play, random_actions, transitions
from dlkeras.training.reinforce.planning import expected_return

TEST_SEED, TEST_EPISODES = 2_000_000, 100
_EXAMPLES = {"train": 1000, "validation": 200, "test": 200}


class Agents(App):
    """Plays."""

    name = "agents"
    title = "Agents that play"
    Config = Config
    configs = CONFIGS
    monitor = "return"
    published = PUBLISHED

    def config_name(self, settings):
        env, algorithm = settings.get("env", Config.env), settings.get("algorithm")
        if not {"env", "algorithm"} & set(settings):
            return "default"
        for name, config in self.configs.items():
            # By settings, so that SARSA takes those of Q-learning.
            fits = algorithm is None or SETTINGS.get(algorithm) == SETTINGS[config.algorithm]
            if name not in ("default", "smoke") and config.env == env and fits:
                return name
        return "states" if interface(env).states else "vectors"

    def load(self, config, info=None):
        info = info or described(config.env, config.algorithm, config.scale, config.seed)
        # Other seeds than those of episodes to learn from, which are drawn from all there are.
        seeds = range(3 * config.seed, 3 * config.seed + 3)
        parts = [random_play(config.env, *part) for part in zip(_EXAMPLES.values(), seeds, strict=True)]
        return Splits(*parts, info)

    def load_other(self, data, config, info):
        raise ValueError(f"`--data` must be left out: agents are tested by play of {info['data']}. Received: {data}")

    def build(self, config, info):
        if config.algorithm in (*PLANNERS, *TABLES):
            return ActionTable(states=info["states"], actions=info["actions"], name=self.name)
        arguments = {name: info[name] for name in ("observation_size", "actions", "mean", "variance")}
        arguments |= {"hidden_units": (config.width, config.width), "name": self.name}
        return (
            QNetwork(duelling=config.duelling, **arguments) if config.algorithm == "dqn" else ActorCritic(**arguments)
        )

    def compile(self, model, config, steps):
        raise ValueError("`--find-lr` must be left out: agents learn from play, not from examples.")

    def fit(self, model, splits, config, directory, callbacks=()):
        return train(model, config, directory)

    def loss_of(self, row):
        return -row["return"]

    def evaluate(self, model, splits, directory=None):
        info = splits.info
        env, act = info["data"], actor(model)
        returns, lengths = play(act, env, episodes=TEST_EPISODES, seed=TEST_SEED)
        beside, _ = play(random_actions(info["actions"], TEST_SEED), env, episodes=TEST_EPISODES, seed=TEST_SEED)
        figures = {
            "return": float(returns.mean()),
            "deviation": float(returns.std()),
            "random_return": float(beside.mean()),
        }
        if info["has_table"]:
            policy = act(np.arange(info["states"], dtype="int32"))
            figures["expected_return"] = expected_return(transitions(env), policy, info["longest"])
        if directory is not None:
            write_report(directory, TEST_SEED, returns, lengths, beside)
        return figures

    def endpoints(self, model, info):
        answers = Answers(model, info)
        if info["states"]:
            taken = ((None, len(info["parts"])) if info["parts"] else (None,), "int32")
        else:
            taken = ((None, info["observation_size"]), "float32")
        inputs, example = {"observations": taken}, {"observations": [info["example"]]}
        return [Endpoint(name, answers.act, inputs, example) for name in ("serving_default", "act")]

    def demo(self, predict):
        from apps.agents.demo import build_page

        return build_page(predict)
