"""What a run of an agent depends on, and the settings that were found for each environment."""

import dataclasses

from apps.agents.learning import SETTINGS
from dlkeras.checks import check_choice, check_positive

_NEVER = 1e9


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run depends on; an algorithm heeds the fields that it has.

    Attributes:
        env: Name in Gymnasium's registry.
        algorithm: `value_iteration` or `policy_iteration`, which know the environment's table; `q_learning` or `sarsa`,
            which learn a table; `dqn` or `ppo`, which learn a network.
        steps: Steps of play.
        every: Steps from one round of validation episodes to the next.
        episodes: Validation episodes a round.
        stop_at: Mean return of these that is enough.
        discount: Of the next reward.
        learning_rate: Of the network, with PPO at first, falling to 0; of a table, the part of an error that is put
            right, at first.
        final_learning_rate: Of a table, what it falls to by `exploration_steps`.
        epsilon: Chance of a random action at first.
        final_epsilon: What it falls to.
        exploration_steps: Steps until then.
        environments: Environments that play side by side.
        width: Units of either hidden layer.
        scale: Whether observations are brought to mean 0 and variance 1.
        batch_size: Steps of play an update.
        epochs: Of PPO: how often it goes through what was just played.
        horizon: Of PPO: steps of play in each environment from one round of updates to the next.
        decay: Of PPO: of errors further ahead in the advantages.
        entropy: Of PPO: weight of the policy's entropy.
        n_steps: Of DQN: rewards that are added up before a value is taken for the rest.
        duelling: Of DQN: whether state and actions have last layers of their own.
        double: Of DQN: whether the network chooses the next action that the target network values.
        priority: Of DQN: exponent of the errors by which steps are drawn.
        buffer_size: Of DQN: steps of play that are kept.
        longest_random: Of DQN: most steps for which a random action is held.
        seed: Seed of everything.
    """

    env: str = "CartPole-v1"
    algorithm: str = "ppo"
    steps: int = 100_000
    every: int = 5000
    episodes: int = 50
    stop_at: float = _NEVER
    discount: float = 0.98
    learning_rate: float = 1e-3
    final_learning_rate: float = 0.005
    epsilon: float = 1.0
    final_epsilon: float = 0.05
    exploration_steps: int = 10_000
    environments: int = 8
    width: int = 64
    scale: bool = False
    batch_size: int = 256
    epochs: int = 20
    horizon: int = 32
    decay: float = 0.8
    entropy: float = 0.0
    n_steps: int = 3
    duelling: bool = False
    double: bool = True
    priority: float = 0.0
    buffer_size: int = 50_000
    longest_random: int = 1
    seed: int = 0

    def __post_init__(self):
        check_choice("algorithm", self.algorithm, SETTINGS)
        check_positive("width", self.width)


_CARTPOLE = Config(stop_at=499)
_DQN = Config(algorithm="dqn", discount=0.99, width=128, batch_size=128)
_TABLE = Config(
    env="FrozenLake-v1",
    algorithm="q_learning",
    steps=400_000,
    every=20_000,
    episodes=200,
    discount=0.99,
    learning_rate=0.2,
    final_epsilon=0.1,
    exploration_steps=400_000,
)
# A discount stands for the time limit, which planning does not see: with it, haste is worth something.
_PLAN = Config(env="FrozenLake-v1", algorithm="value_iteration", discount=0.995)

CONFIGS = {
    "default": _CARTPOLE,
    "smoke": dataclasses.replace(_CARTPOLE, steps=4096, every=2048, episodes=10),
    "cartpole": _CARTPOLE,
    "cartpole_dqn": dataclasses.replace(_DQN, stop_at=499),
    "acrobot": dataclasses.replace(
        _DQN,
        env="Acrobot-v1",
        steps=80_000,
        every=10_000,
        stop_at=-86,
        learning_rate=5e-4,
        exploration_steps=15_000,
    ),
    "mountain_car": dataclasses.replace(
        _DQN,
        env="MountainCar-v0",
        episodes=100,
        stop_at=-115,
        width=64,
        scale=True,
        exploration_steps=20_000,
        longest_random=32,
    ),
    "lunar_lander": Config(
        env="LunarLander-v3",
        steps=1_000_000,
        every=50_000,
        stop_at=220,
        discount=0.999,
        environments=16,
        epochs=4,
        horizon=512,
        decay=0.98,
        entropy=0.01,
    ),
    "frozen_lake": _PLAN,
    "frozen_lake_8x8": dataclasses.replace(_PLAN, env="FrozenLake8x8-v1"),
    "frozen_lake_q_learning": _TABLE,
    "taxi": dataclasses.replace(
        _TABLE,
        env="Taxi-v4",
        steps=300_000,
        every=50_000,
        episodes=100,
        learning_rate=0.5,
        final_learning_rate=0.5,
        final_epsilon=0.05,
        exploration_steps=150_000,
    ),
    "cliff_walking": dataclasses.replace(
        _TABLE,
        env="CliffWalking-v1",
        steps=50_000,
        every=10_000,
        episodes=10,
        discount=1.0,
        learning_rate=0.5,
        final_learning_rate=0.5,
        epsilon=0.1,
        exploration_steps=50_000,
    ),
    "blackjack": dataclasses.replace(
        _TABLE,
        env="Blackjack-v1",
        steps=1_000_000,
        every=250_000,
        episodes=2000,
        discount=1.0,
        learning_rate=0.05,
        final_learning_rate=0.001,
        exploration_steps=1_000_000,
    ),
    # For environments that none of these is for.
    "states": _TABLE,
    "vectors": Config(),
}
PUBLISHED = {
    "cartpole": "DQN: CleanRL 488.7, rl-zoo 500",
    "cartpole_dqn": "DQN: CleanRL 488.7, rl-zoo 500",
    "acrobot": "DQN: CleanRL -91.5, rl-zoo -76.6",
    "mountain_car": "DQN: CleanRL -194.9, rl-zoo -100.8",
    "lunar_lander": "solved from 200",
    "taxi": "optimum 8.46 in the registry's terms",
    "frozen_lake": "optimum 0.74 in the registry's terms",
    "frozen_lake_8x8": "optimum 0.91 in the registry's terms",
}
