"""The models of agents, on every backend: their numbers against NumPy, their errors, and through the harness."""

import numpy as np
import pytest
from keras import ops

from dlkeras.models.reinforce.actor_critic import ActorCritic
from dlkeras.models.reinforce.q_network import QNetwork
from dlkeras.models.reinforce.tables import ActionTable

SMALL = {"observation_size": 3, "actions": 4, "hidden_units": (8, 6), "mean": (1, 2, 3), "variance": (4, 9, 1)}
OBSERVATIONS = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
LEFT = (OBSERVATIONS - np.array([1, 2, 3])) / np.array([2, 3, 1])


def dense(model, x, *names):
    for name in names:
        kernel, bias = model.get_layer(name).get_weights()
        x = x @ kernel + bias
    return x


@pytest.mark.parametrize("duelling", [False, True])
def test_q_network_through_the_harness(harness, duelling):
    harness(QNetwork, {**SMALL, "duelling": duelling}, inputs=OBSERVATIONS, output_shape=(5, 4))


def test_actor_critic_through_the_harness(harness):
    harness(ActorCritic, SMALL, inputs=OBSERVATIONS, output_shape={"logits": (5, 4), "value": (5,)})


def test_action_table_through_the_harness(harness):
    harness(ActionTable, {"states": 7, "actions": 3}, inputs=np.array([1, 6, 0, 2], "int32"), output_shape=(4, 3))


def test_a_table_gives_back_what_it_holds():
    values = np.random.default_rng(0).normal(size=(6, 2)).astype("float32")
    model = ActionTable.holding(values)
    np.testing.assert_array_equal(ops.convert_to_numpy(model(np.array([5, 0, 5]))), values[[5, 0, 5]])
    np.testing.assert_array_equal(model.table, values)


def test_q_network_agrees_with_numpy():
    model = QNetwork(**SMALL)
    x = np.maximum(dense(model, LEFT, "hidden1"), 0)
    values = dense(model, np.maximum(dense(model, x, "hidden2"), 0), "last")
    np.testing.assert_allclose(ops.convert_to_numpy(model(OBSERVATIONS)), values, rtol=1e-4, atol=1e-5)


def test_a_duel_adds_the_value_to_centred_advantages():
    model = QNetwork(**{**SMALL, "hidden_units": ()}, duelling=True)
    value, advantages = dense(model, LEFT, "value"), dense(model, LEFT, "advantages")
    by_hand = value + advantages - advantages.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(ops.convert_to_numpy(model(OBSERVATIONS)), by_hand, rtol=1e-4, atol=1e-5)


def test_actor_and_critic_share_no_weights():
    model = ActorCritic(**SMALL)
    outputs = model(OBSERVATIONS)
    x = np.tanh(dense(model, np.tanh(dense(model, LEFT, "critic1")), "critic2"))
    value = dense(model, x, "last")[:, 0]
    np.testing.assert_allclose(ops.convert_to_numpy(outputs["value"]), value, rtol=1e-4, atol=1e-5)
    # No action is preferred at first.
    assert np.abs(ops.convert_to_numpy(outputs["logits"])).max() < 0.1


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (QNetwork, {"observation_size": 0}, "`observation_size` must be above 0. Received: observation_size=0"),
        (QNetwork, {"hidden_units": (8, 0)}, "`hidden_units` must be above 0. Received: hidden_units=0"),
        (QNetwork, {"mean": (1.0,), "variance": (1.0,) * 4}, r"`mean` must have 4 numbers"),
        (ActorCritic, {"mean": (1.0,) * 4}, r"`variance` must have 4 numbers"),
        (ActorCritic, {"actions": 0}, "`actions` must be above 0. Received: actions=0"),
        (ActionTable, {"states": -1}, "`states` must be above 0. Received: states=-1"),
    ],
)
def test_refuses(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        kind(**arguments)
