import numpy as np
import pytest

from dlkeras.training.reinforce.planning import (
    Transitions,
    best_return,
    expected_return,
    policy_iteration,
    transitions,
    value_iteration,
)


@pytest.fixture
def gamble():
    """Two states: from 0 one may stop with 1, or gamble on reaching 1, where stopping gives 4 and waiting nothing."""
    probabilities, rewards, ends = np.zeros((3, 2, 2, 2))
    probabilities[0, 0] = [1, 0]
    probabilities[0, 1] = [0.5, 0.5]
    probabilities[1, :] = [0, 1]
    rewards[0, 0, 0], rewards[1, 0, 1] = 1, 4
    ends[0, 0, 0] = ends[0, 1, 0] = ends[1, 0, 1] = 1
    return Transitions(probabilities, rewards, ends, np.array([0.75, 0.25]))


@pytest.mark.parametrize("plan", [value_iteration, policy_iteration])
def test_values_by_hand(gamble, plan):
    # Gambling: half the time 4, a step later; waiting in state 1: 4, a step later.
    np.testing.assert_allclose(plan(gamble, discount=0.8).values, [[1, 0.5 * 0.8 * 4], [4, 0.8 * 4]], atol=1e-8)
    np.testing.assert_allclose(plan(gamble, discount=0.4).values, [[1, 0.8], [4, 1.6]], atol=1e-8)


def test_returns_by_hand(gamble):
    assert expected_return(gamble, np.array([1, 0]), steps=1) == 0.25 * 4
    assert expected_return(gamble, np.array([1, 0]), steps=2) == 0.75 * 2 + 0.25 * 4
    # With one step left stopping is better, with two gambling is.
    assert best_return(gamble, steps=1) == 0.75 * 1 + 0.25 * 4
    assert best_return(gamble, steps=2) == 0.75 * 2 + 0.25 * 4


@pytest.mark.parametrize("discount", [0.99, 1.0])
@pytest.mark.parametrize("env", ["FrozenLake-v1", "FrozenLake8x8-v1", "CliffWalking-v1"])
def test_both_ways_agree(env, discount):
    table = transitions(env)
    np.testing.assert_allclose(table.probabilities.sum(axis=-1), 1.0)
    by_values = value_iteration(table, discount=discount).values
    np.testing.assert_allclose(policy_iteration(table, discount=discount).values, by_values, atol=1e-6)


@pytest.mark.parametrize(
    ("env", "steps", "return_"),
    # The chances of the registry's time limits; 14/17 and 1 are those without.
    [
        ("FrozenLake-v1", 100, 0.7402),
        ("FrozenLake-v1", 5000, 14 / 17),
        ("FrozenLake8x8-v1", 200, 0.8857),
        ("FrozenLake8x8-v1", 5000, 1.0),
        ("CliffWalking-v1", 100, -13.0),
    ],
)
def test_the_best_policy_of_known_environments(env, steps, return_):
    table = transitions(env)
    policy = value_iteration(table, discount=1.0).values.argmax(axis=1)
    assert expected_return(table, policy, steps) == pytest.approx(return_, abs=1e-4)


def test_what_is_best_where_the_time_left_is_known():
    assert best_return(transitions("FrozenLake-v1"), 100) == pytest.approx(0.7442, abs=1e-4)
    assert best_return(transitions("FrozenLake8x8-v1"), 200) == pytest.approx(0.9132, abs=1e-4)


def test_the_best_of_taxi():
    table = transitions("Taxi-v4")
    policy = value_iteration(table, discount=1.0).values.argmax(axis=1)
    assert expected_return(table, policy, 200) == pytest.approx(7.93)


def test_refuses(gamble):
    with pytest.raises(ValueError, match=r"must have a table of transitions.*Received: env='CartPole-v1'"):
        transitions("CartPole-v1")
    with pytest.raises(ValueError, match=r"`discount` must be in \(0, 1\]. Received: discount=1.5"):
        value_iteration(gamble, discount=1.5)
    with pytest.raises(ValueError, match=r"Received: rounds=1, discount=1.0"):
        policy_iteration(gamble, discount=1.0, rounds=1)
