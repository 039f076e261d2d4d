import numpy as np
import pytest

from dlkeras.training.reinforce.learner import Linear
from dlkeras.training.reinforce.planning import transitions, value_iteration
from dlkeras.training.reinforce.playing import play
from dlkeras.training.reinforce.tabular import TableLearner

CLIFF = {"discount": 1.0, "learning_rate": 0.5, "epsilon": 0.1, "final_epsilon": 0.1}


@pytest.fixture
def learner(request):
    """Makes learners, and closes their environments."""

    def make(env, **arguments):
        made = TableLearner(env, **arguments)
        request.addfinalizer(made.close)
        return made

    return make


def test_a_step_by_hand(learner):
    """On the cliff all first steps cost 1, and each corrects the value by half of the error."""
    agent = learner("CliffWalking-v1", **{**CLIFF, "epsilon": 0.0, "final_epsilon": 0.0}, initial=-4.0)
    agent.advance(1)
    # Up, the first of equals: from 36 to 24.
    assert agent.model.table[36].tolist() == [-4 + 0.5 * (-1 - 4 + 4), -4, -4, -4]


def test_q_learning_finds_the_short_way_and_sarsa_the_safe_one(learner):
    """Sutton and Barto, example 6.6."""
    returns = {}
    for algorithm in ("q_learning", "sarsa"):
        agent = learner(
            "CliffWalking-v1", algorithm=algorithm, **CLIFF, final_learning_rate=0.05, exploration_steps=15_000
        )
        agent.advance(15_000)
        returns[algorithm] = play(agent.act, "CliffWalking-v1", episodes=1)[0].item()
    assert returns == {"q_learning": -13, "sarsa": -17}


def test_comes_near_to_the_values_of_planning(learner):
    """Where actions are drawn at all times, Q-learning's values still go to those of the best policy."""
    arguments = {"discount": 0.9, "learning_rate": 0.1, "final_learning_rate": 0.0, "exploration_steps": 40_000}
    agent = learner("FrozenLake-v1", **arguments, final_epsilon=1.0, seed=1)
    agent.advance(40_000)
    best = value_iteration(transitions("FrozenLake-v1"), discount=0.9).values
    # The states that random play comes to often.
    np.testing.assert_allclose(agent.model.table[[0, 1, 4, 8]], best[[0, 1, 4, 8]], atol=0.05)


def test_tuples_of_blackjack(learner):
    agent = learner("Blackjack-v1", discount=1.0, final_epsilon=1.0, exploration_steps=4000)
    agent.advance(4000)
    twenty, twelve = (agent.model.table[np.ravel_multi_index((total, 10, 0), (32, 11, 2))] for total in (20, 12))
    stick, hit = twenty
    assert stick > 0 > hit
    assert stick > twelve.max()


def test_a_time_limit_is_no_end(learner, monkeypatch):
    agent = learner("CliffWalking-v1", discount=1.0, learning_rate=1.0, initial=-8.0)
    agent.advance(0)
    for ended, target in (("terminated", -1), ("truncated", -1 - 8)):
        outcome = (0, -1, ended == "terminated", ended == "truncated", {})
        monkeypatch.setattr(agent._playing, "step", lambda action, outcome=outcome: outcome)
        state, action = agent._state, agent._action
        agent._values[state][action] = -8.0
        agent.advance(agent.steps + 1)
        assert agent.model.table[state, action] == target


def test_a_line_stays_where_it_ends():
    line = Linear(1.0, 0.2, 10)
    assert [line(step) for step in (0, 5, 10, 99)] == pytest.approx([1.0, 0.6, 0.2, 0.2])


@pytest.mark.parametrize(
    ("env", "arguments", "message"),
    [
        ("CartPole-v1", {}, r"must have states that can be counted.*Received: env='CartPole-v1'"),
        ("Taxi-v4", {"algorithm": "dyna"}, r"must be one of q_learning, sarsa. Received: algorithm='dyna'"),
        ("Taxi-v4", {"learning_rate": 2}, r"`learning_rate` must be in \[0, 1\]. Received: learning_rate=2"),
        ("Taxi-v4", {"epsilon": -1}, r"`epsilon` must be in \[0, 1\]. Received: epsilon=-1"),
    ],
)
def test_refuses(env, arguments, message):
    with pytest.raises(ValueError, match=message):
        TableLearner(env, **arguments)
