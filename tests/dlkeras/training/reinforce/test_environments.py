import contextlib

import numpy as np
import pytest

from dlkeras.training.reinforce.environments import Interface, interface, make, make_vector, observation_statistics
from dlkeras.training.reinforce.playing import play, random_actions


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ("CartPole-v1", Interface(2, observation_size=4)),
        ("Acrobot-v1", Interface(3, observation_size=6)),
        ("Taxi-v4", Interface(6, states=500)),
        ("Blackjack-v1", Interface(2, states=32 * 11 * 2, parts=(32, 11, 2))),
    ],
)
def test_interfaces(env, expected):
    assert interface(env) == expected


def test_tuples_are_numbered_like_nested_loops():
    blackjack = interface("Blackjack-v1")
    every = [(total, dealer, ace) for total in range(32) for dealer in range(11) for ace in range(2)]
    states = blackjack.read_all(every)
    assert states.dtype == "int32"
    np.testing.assert_array_equal(states, np.arange(704))


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ("Pendulum-v1", r"must have discrete actions.*Received: env='Pendulum-v1', whose actions are Box"),
        ("Taxi-v3", r"must be a name of Gymnasium's registry.*Received: env='Taxi-v3'. Did you mean Taxi-v4"),
        # Where Box2D is not installed, that is what is wrong.
        ("CarRacing-v3", r"must (have discrete actions|be .* packages are installed).*Received: env='CarRacing-v3'"),
        (7, r"Received: env=7"),
    ],
)
def test_refuses(env, message):
    with pytest.raises(ValueError, match=message):
        make(env)


def test_every_environment_has_a_limit():
    with contextlib.closing(make("CliffWalking-v1")) as cliff, contextlib.closing(make("Taxi-v4")) as taxi:
        assert (cliff.spec.max_episode_steps, taxi.spec.max_episode_steps) == (1000, 200)


def test_an_episode_ends_and_the_next_begins_in_one_step():
    with contextlib.closing(make_vector("CliffWalking-v1", 2)) as envs:
        envs.reset(seed=0)
        for action in [0, *[1] * 11]:
            envs.step(np.array([action, 0]))
        observations, rewards, terminated, truncated, info = envs.step(np.array([2, 0]))
    # The first went around the cliff, the second stands at a wall above the start.
    assert observations.tolist() == [36, 0]
    assert (rewards.tolist(), terminated.tolist(), truncated.tolist()) == ([-1, -1], [True, False], [False, False])
    assert info["final_obs"][0] == 47


def test_plays_whole_episodes_by_their_seeds():
    # To the right and down again and again: into the cliff, or one step before it, for ever.
    returns, lengths = play(lambda states: np.where(states == 36, 0, 3), "CliffWalking-v1", episodes=2)
    assert (returns.tolist(), lengths.tolist()) == ([-1000, -1000], [1000, 1000])
    lean = lambda x: (x[:, 2] > 0).astype(int)  # noqa: E731
    returns, lengths = play(lean, "CartPole-v1", episodes=4, seed=3)
    np.testing.assert_array_equal(returns, lengths)
    # Each episode depends on its own seed alone.
    np.testing.assert_array_equal(play(lean, "CartPole-v1", episodes=2, seed=5)[0], returns[2:])
    chance = play(random_actions(2, seed=0), "CartPole-v1", episodes=20)[0].mean()
    assert 10 < chance < returns.mean()


def test_refuses_no_episodes():
    with pytest.raises(ValueError, match=r"`episodes` must be above 0. Received: episodes=0"):
        play(random_actions(2), "CartPole-v1", episodes=0)


def test_statistics_are_those_of_bounds_where_there_are_any():
    mean, variance = observation_statistics("MountainCar-v0")
    np.testing.assert_allclose(mean, [(-1.2 + 0.6) / 2, 0], atol=1e-6)
    np.testing.assert_allclose(variance, [1.8**2 / 12, 0.14**2 / 12], rtol=1e-6)


def test_statistics_of_unbounded_numbers_are_those_of_random_play():
    mean, variance = observation_statistics("CartPole-v1", steps=500)
    np.testing.assert_allclose(variance[[0, 2]], [9.6**2 / 12, (2 * 0.41887903) ** 2 / 12], rtol=1e-5)
    # Speeds, as random pushes make them.
    assert np.all((variance[[1, 3]] > 0.05) & (variance[[1, 3]] < 2))
    again = observation_statistics("CartPole-v1", steps=500)
    np.testing.assert_array_equal(again[0], mean)
