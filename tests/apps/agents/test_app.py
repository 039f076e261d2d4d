"""The app's own work: environments of all kinds, algorithms that fit them, actions out."""

import csv
import dataclasses

import numpy as np
import pytest

from apps.agents.app import Agents
from apps.agents.configs import Config
from apps.trained import open_trained, save_settings
from dlkeras.export import RequestError

APP = Agents()
TABLE = Config(env="CliffWalking-v1", algorithm="q_learning", steps=400, every=200, episodes=2, exploration_steps=400)
VECTORS = Config(env="MountainCar-v0", scale=True, width=8, steps=512, every=256, episodes=1, epochs=1)
DQN = dataclasses.replace(VECTORS, algorithm="dqn", batch_size=32, buffer_size=1000, duelling=True)
PLAN = Config(env="FrozenLake-v1", algorithm="value_iteration", discount=0.995)


def _trained(config, directory):
    splits = APP.load(config)
    save_settings(directory, config, splits.info)
    state = APP.fit(APP.build(config, splits.info), splits, config, directory)
    trained = open_trained(APP, directory)
    act = APP.endpoints(trained.model, trained.info)[1]
    return splits, trained.model, act, state


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    return _trained(PLAN, tmp_path_factory.mktemp("planned"))


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "default"),
        ({"steps": "5"}, "default"),
        ({"env": "CartPole-v1"}, "cartpole"),
        ({"algorithm": "dqn"}, "cartpole_dqn"),
        ({"env": "FrozenLake-v1"}, "frozen_lake"),
        ({"env": "FrozenLake-v1", "algorithm": "sarsa"}, "frozen_lake_q_learning"),
        ({"env": "Acrobot-v1"}, "acrobot"),
        ({"env": "Acrobot-v1", "algorithm": "ppo"}, "vectors"),
        ({"env": "Taxi-v4", "algorithm": "policy_iteration"}, "states"),
    ],
)
def test_the_environment_chooses_the_config(settings, name):
    assert APP.config_name(settings) == name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"env": "Taxi-v3"}, "Did you mean Taxi-v4"),
        ({"env": "CartPole-v1", "algorithm": "sarsa"}, "`algorithm` must be one of dqn, ppo for CartPole-v1"),
        ({"env": "Blackjack-v1", "algorithm": "value_iteration"}, "must be one of q_learning, sarsa for Blackjack-v1"),
        ({"algorithm": "guessing"}, "`algorithm` must be one of"),
    ],
)
def test_what_does_not_fit_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        APP.load(dataclasses.replace(Config(), **settings))


def test_a_plan_is_the_best_there_is(planned, tmp_path):
    splits, model, act, _ = planned
    figures = APP.evaluate(model, splits, tmp_path)
    assert figures["expected_return"] == pytest.approx(0.7402, abs=1e-4)
    assert figures["random_return"] < 0.1 < 0.6 < figures["return"]
    with (tmp_path / "episodes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 100 and rows[0]["seed"] == "2000000"
    assert np.mean([float(row["return"]) for row in rows]) == pytest.approx(figures["return"])
    # On the ice one slips to either side: left of the goal down, so that the goal is one of these, and away from holes.
    answer = act({"observations": [14, 0]})
    assert [name.decode() for name in answer["action_name"]] == ["down", "left"]
    np.testing.assert_array_equal(answer["action"], answer["values"].argmax(axis=-1))


def test_a_table_is_gone_on_with(tmp_path):
    *_, state = _trained(TABLE, tmp_path)
    assert [row["steps"] for row in state["history"]] == [200, 400]
    splits = APP.load(TABLE)
    again = APP.fit(APP.build(TABLE, splits.info), splits, dataclasses.replace(TABLE, steps=600), tmp_path)
    assert [row["steps"] for row in again["history"]] == [200, 400, 600]


@pytest.mark.parametrize("config", [VECTORS, DQN], ids=["ppo", "dqn"])
def test_networks_are_rebuilt_as_they_learned(config, tmp_path):
    splits = APP.load(config)
    model = APP.build(config, splits.info)
    save_settings(tmp_path, config, splits.info)
    APP.fit(model, splits, config, tmp_path)
    rebuilt = open_trained(APP, tmp_path)
    first = APP.endpoints(model, splits.info)[0]
    answers = [endpoint(first.example) for endpoint in (first, APP.endpoints(rebuilt.model, rebuilt.info)[0])]
    for name, value in answers[0].items():
        np.testing.assert_array_equal(value, answers[1][name])
    assert rebuilt.model.get_layer("scale") is not None
    if config.algorithm == "ppo":
        assert answers[0]["values"].sum() == pytest.approx(1, abs=1e-5) and "state_value" in answers[0]


def test_tuples_are_states(tmp_path):
    _, model, act, _ = _trained(dataclasses.replace(TABLE, env="Blackjack-v1"), tmp_path)
    answer = act({"observations": [[20, 10, 1], [4, 2, 0]]})
    states = [(20 * 11 + 10) * 2 + 1, (4 * 11 + 2) * 2]
    np.testing.assert_array_equal(answer["values"], model.table[states])
    with pytest.raises(RequestError, match=r"number 2 of observations must be whole numbers from 0 to 10\. "):
        act({"observations": [[20, 11, 1]]})


@pytest.mark.parametrize(
    ("observations", "message"),
    [
        ([3, 16, -1], "observations must be whole numbers from 0 to 15. Received: 16, -1"),
        ([[1, 2]], "observations must be int32 of shape"),
        (["left"], "observations must be int32"),
    ],
)
def test_states_that_are_none_are_refused(planned, observations, message):
    with pytest.raises(RequestError, match=message):
        planned[2]({"observations": observations})


def test_vectors_that_are_none_are_refused():
    info = APP.load(Config()).info
    act = APP.endpoints(APP.build(Config(), info), info)[0]
    with pytest.raises(RequestError, match=r"observations must be finite numbers\. Others are in rows 1, 2"):
        act({"observations": [[0.0, 0, 0, 0], [0, np.nan, 0, 0], [np.inf, 0, 0, 0]]})
    with pytest.raises(RequestError, match=r"shape \(None, 4\)"):
        act({"observations": [[0.0, 0, 0]]})


def test_other_data_and_rates_have_no_meaning_here(planned):
    splits, model, *_ = planned
    with pytest.raises(ValueError, match="`--data` must be left out"):
        APP.load_other("ratings.csv", PLAN, splits.info)
    with pytest.raises(ValueError, match="`--find-lr` must be left out"):
        APP.compile(model, PLAN, 1)
