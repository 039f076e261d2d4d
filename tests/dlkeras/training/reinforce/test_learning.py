import json

import numpy as np
import pytest
from keras import ops

from dlkeras.training.reinforce.dqn import DQN
from dlkeras.training.reinforce.learning import learn
from dlkeras.training.reinforce.playing import play, random_actions
from dlkeras.training.reinforce.ppo import PPO
from dlkeras.training.reinforce.replay import Steps
from dlkeras.training.reinforce.tabular import TableLearner

FAST = {
    "hidden_units": (32, 32),
    "learning_rate": 3e-3,
    "n_steps": 3,
    "duelling": True,
    "priority": 0.5,
    "scale": True,
    "exploration_steps": 1500,
    "learning_starts": 200,
    "target_every": 200,
}
TABLE = {"discount": 1.0, "learning_rate": 0.5, "epsilon": 0.1, "exploration_steps": 1}


@pytest.fixture
def learner(request):
    """Makes learners, and closes their environments."""

    def make(kind, env, **arguments):
        made = kind(env, **arguments)
        request.addfinalizer(made.close)
        return made

    return make


@pytest.mark.parametrize(
    ("kind", "arguments", "steps"),
    [
        (DQN, FAST, 2500),
        (PPO, {"horizon": 32, "batch_size": 64, "discount": 0.98, "decay": 0.8, "learning_rate": 3e-3}, 4000),
    ],
)
def test_balances_the_pole_better_than_chance(learner, kind, arguments, steps):
    agent = learner(kind, "CartPole-v1", seed=1, **arguments)
    agent.advance(steps)
    chance = play(random_actions(2), "CartPole-v1", episodes=20, seed=5)[0].mean()
    assert play(agent.act, "CartPole-v1", episodes=20, seed=5)[0].mean() > 3 * chance


def test_an_update_of_dqn_by_hand(learner):
    """Without hidden layers the gradient of the Huber loss, here that of an error above 1, is the observation."""
    agent = learner(DQN, "CartPole-v1", hidden_units=(), updates=1, batch_size=1, learning_rate=0.1)
    kernel = np.arange(8, dtype="float32").reshape(4, 2)
    agent.model.set_weights([kernel, np.zeros(2, "float32")])
    agent._target.set_weights([-kernel, np.array([1, 1], "float32")])
    observations, after = np.array([[[1, 0, 0, 0]]], "float32"), np.array([[[0, 1, 0, 0]]], "float32")
    steps = Steps(observations, np.array([[1]]), np.array([[10.0]], "float32"), after, np.array([[0.5]], "float32"))
    errors = agent._update(tuple(steps), np.ones((1, 1), "float32"))
    # The network likes action 1 best, 3 against 2, and the target network gives it -3 + 1, less than action 0's -2 + 1.
    assert ops.convert_to_numpy(errors).item() == pytest.approx(1 - (10 + 0.5 * (-3 + 1)))
    moved, bias = agent.model.get_weights()
    # Adam's first step is the learning rate, whatever the gradient's size.
    expected = kernel.copy()
    expected[0, 1] += 0.1
    np.testing.assert_allclose(moved, expected, atol=1e-4)
    np.testing.assert_allclose(bias, [0, 0.1], atol=1e-4)


def test_replay_holds_what_was_played_and_no_step_between_episodes(learner):
    agent = learner(DQN, "CartPole-v1", environments=2, learning_starts=10_000, discount=0.9)
    agent.advance(400)
    kept = Steps(*(part[:400] for part in agent._replay._steps))
    np.testing.assert_array_equal(kept.returns, 1)
    ended = kept.discounts == 0
    assert 0 < ended.sum() < 60
    np.testing.assert_allclose(kept.discounts[~ended], 0.9)
    # A pole that has fallen leans far; the next episode, upright, begins with a step of its own.
    leaning = np.abs(kept.after[:, 2]) > 0.2095
    np.testing.assert_array_equal(leaning | (np.abs(kept.after[:, 0]) > 2.4), ended)
    np.testing.assert_allclose(kept.observations[:, 0] + 0.02 * kept.observations[:, 1], kept.after[:, 0], atol=1e-6)


def test_a_time_limit_is_no_end_to_dqn(learner):
    agent = learner(DQN, "MountainCar-v0", environments=1, learning_starts=10_000, discount=0.9)
    agent.advance(401)
    # Two episodes of 200 steps, which end in the valley.
    np.testing.assert_allclose(agent._replay._steps.discounts[:401], 0.9)
    after, begun = agent._replay._steps.after, agent._replay._steps.observations
    assert begun[200, 1] == 0 != after[199, 1]


def test_random_actions_are_held_as_long_as_they_may_be(learner):
    arguments = {"environments": 1, "final_epsilon": 1.0, "longest_random": 4}
    agent = learner(DQN, "Acrobot-v1", **arguments)
    actions, left = [], []
    for _ in range(4000):
        actions.append(agent._explore(np.zeros((1, 6), "float32")).item())
        left.append(agent._held.item())
    # Of 1, 2, 3 and 4 steps, by 1 to 1 / 4 to 1 / 9, and all that would be longer; of 1.64 in all.
    begins = [before == 0 for before in [0, *left[:-1]]]
    lengths = np.array(left)[begins] + 1
    chances = np.array([1, 1 / 4, 1 / 9]) * 6 / np.pi**2
    np.testing.assert_allclose(np.bincount(lengths, minlength=5)[1:4] / len(lengths), chances, atol=0.04)
    assert lengths.max() == 4
    for place in np.flatnonzero(np.array(left) > 0):
        assert place + 1 == len(actions) or actions[place + 1] == actions[place]
    np.testing.assert_allclose(np.bincount(actions) / 4000, 1 / 3, atol=0.05)


def test_a_time_limit_is_no_end_to_ppo(learner):
    agent = learner(PPO, "MountainCar-v0", environments=1, horizon=201, batch_size=201, decay=0.0, hidden_units=())
    critic = agent.model.get_layer("last")
    critic.set_weights([np.array([[0], [100]], "float32"), np.zeros(1, "float32")])  # 100 times the speed
    agent._begin()
    observations, *_, targets = agent._play_a_while()
    onward = np.delete(np.arange(200), 199)
    np.testing.assert_allclose(targets[onward], -1 + 0.99 * 100 * observations[onward + 1, 1], rtol=1e-4)
    # The next episode begins at rest; the one before ended on the way.
    assert observations[200, 1] == 0
    assert abs(targets[199] + 1) > 1e-3


@pytest.mark.parametrize(
    ("kind", "env", "arguments"),
    [
        (TableLearner, "CliffWalking-v1", TABLE),
        (DQN, "CartPole-v1", {**FAST, "updates": 2, "learn_every": 100}),
        (PPO, "CartPole-v1", {"hidden_units": (8,), "passes": 1}),
    ],
)
def test_goes_on_where_it_was_broken_off(learner, tmp_path, kind, env, arguments):
    rows = []
    first = learner(kind, env, **arguments)
    learn(first, tmp_path, steps=600, every=600, episodes=2, report=rows.append)
    second = learner(kind, env, **{**arguments, "seed": 9})
    with np.load(next(tmp_path.glob("last-*.npz"))) as arrays:
        second.restore(arrays)
        again = second.arrays()
        assert set(again) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(again[name], array)
    state = learn(second, tmp_path, steps=1200, every=600, episodes=2, report=rows.append)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert state["history"] == rows
    assert rows[1]["steps"] >= 1200
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "curve.png", "history.csv", "last-2.npz", "model.weights.h5", "state.json",
    ]  # fmt: skip
    assert json.loads((tmp_path / "state.json").read_text()) == state


def test_keeps_the_best_and_stops_when_it_is_enough(learner, tmp_path):
    agent = learner(TableLearner, "CliffWalking-v1", **TABLE)
    state = learn(agent, tmp_path, steps=60_000, every=3000, episodes=1, stop_at=-13)
    assert state["best"] == state["history"][-1]["return"] == -13
    assert agent.steps < 60_000
    agent.model.table = np.zeros((48, 4))
    # There is nothing left to do, so that the best is what comes back.
    learn(agent, tmp_path, steps=60_000, every=3000, episodes=1, stop_at=-13)
    assert play(agent.act, "CliffWalking-v1", episodes=1)[0] == -13


@pytest.mark.parametrize(
    ("kind", "env", "arguments", "message"),
    [
        (DQN, "Taxi-v4", {}, r"must have observations that are vectors.*Received: env='Taxi-v4'"),
        (DQN, "CartPole-v1", {"updates": 0}, r"`updates` must be above 0. Received: updates=0"),
        (PPO, "CartPole-v1", {"environments": 0}, r"`environments` must be above 0. Received: environments=0"),
        (PPO, "CartPole-v1", {"batch_size": 100}, r"`batch_size` must divide.*Received: batch_size=100, horizon=64"),
    ],
)
def test_refuses(kind, env, arguments, message):
    with pytest.raises(ValueError, match=message):
        kind(env, **arguments)
