"""The endpoint: observations in, the action that the agent takes and what it thinks of each out, inside the graph."""

import numpy as np
import tensorflow as tf

from dlkeras.data.refusing import refuse_unless, rows_where


class Answers:
    """Answers with a model.

    Args:
        model: A model of `dlkeras.models.reinforce`.
        info: As of `Agents.load`.
    """

    def __init__(self, model, info):
        self._model, self._states, self._parts = model, info["states"], info["parts"]
        self._names = tf.constant(info["action_names"])

    def act(self, observations):
        """Says what to do.

        Args:
            observations: int32 `(batch,)` of states, int32 `(batch, parts)` of tuples, or float32
                `(batch, observation_size)`.

        Returns:
            `action`, int32 `(batch,)`; `action_name`, string `(batch,)`; `values`, float32 `(batch, actions)`: what
            each action is worth, or for a policy its chance; for a policy `state_value` too, float32 `(batch,)`.
        """
        if self._parts:
            seen = self._number(observations)
        elif self._states:
            seen = _within("observations", observations, self._states)
        else:
            seen = _finite(observations)
        answer = judged(self._model(seen, training=False))
        action = tf.argmax(answer["values"], axis=-1, output_type=tf.int32)
        return {"action": action, "action_name": tf.gather(self._names, action), **answer}

    def _number(self, observations):
        """Returns the number of the state that a tuple is, int32 `(batch,)`."""
        columns = tf.unstack(observations, axis=1)
        numbers = tf.zeros_like(columns[0])
        for index, (column, count) in enumerate(zip(columns, self._parts, strict=True), start=1):
            numbers = numbers * count + _within(f"number {index} of observations", column, count)
        return numbers


def judged(outputs):
    """Returns a model's outputs as `values`, `(batch, actions)`, and for an actor-critic `state_value`, `(batch,)`."""
    if isinstance(outputs, dict):
        return {"values": tf.nn.softmax(outputs["logits"]), "state_value": outputs["value"]}
    return {"values": outputs}


def actor(model):
    """Returns the function from observations to a model's actions, int64 `(batch,)`, for `play`."""
    (taken,) = model.inputs
    values = tf.function(
        lambda observations: judged(model(observations, training=False))["values"],
        input_signature=[tf.TensorSpec(taken.shape, taken.dtype)],
    )
    return lambda observations: np.argmax(values(observations), axis=-1)


def _within(name, values, count):
    wrong = (values < 0) | (values >= count)
    listed = tf.strings.reduce_join(tf.strings.as_string(tf.boolean_mask(values, wrong)[:5]), separator=", ")
    refusal = refuse_unless(
        ~tf.reduce_any(wrong), f"{name} must be whole numbers from 0 to {count - 1}. Received: ", listed
    )
    with tf.control_dependencies([refusal]):
        return tf.identity(values)


def _finite(observations):
    wrong = ~tf.reduce_all(tf.math.is_finite(observations), axis=-1)
    refusal = refuse_unless(
        ~tf.reduce_any(wrong), "observations must be finite numbers. Others are in rows ", rows_where(wrong)
    )
    with tf.control_dependencies([refusal]):
        return tf.identity(observations)
