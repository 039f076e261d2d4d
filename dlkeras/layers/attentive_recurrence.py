"""A recurrent layer that looks at a memory before each of its steps, and steps of cells for several beams."""

import keras
from keras import layers, ops

from dlkeras.checks import check_choice, check_positive
from dlkeras.layers.attention_scores import BahdanauAttention

CELLS = {"gru": layers.GRUCell, "lstm": layers.LSTMCell}


def step_beams(cell, inputs, states):
    """Takes one step of a Keras cell in each beam.

    Args:
        cell: A built cell.
        inputs: `(batch, beams, features)`.
        states: List of `(batch, beams, units)`.

    Returns:
        `(outputs, states)`, of the shapes of the states.
    """
    beams = ops.shape(inputs)[1]
    outputs, states = cell(*keras.tree.map_structure(lambda x: ops.reshape(x, (-1, x.shape[-1])), (inputs, states)))
    return keras.tree.map_structure(lambda x: ops.reshape(x, (-1, beams, x.shape[-1])), (outputs, list(states)))


@keras.saving.register_keras_serializable(package="dlkeras")
class AttentiveRecurrence(layers.Layer):
    """The decoder of Bahdanau: the state before a step asks the memory, and the cell reads the answer with the input.

    Args:
        cell: `"gru"` or `"lstm"`.
        units: Width of the state, and length of a key.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: There is no such cell, or `units` is not above 0.

    Source: Bahdanau et al. 2015, "Neural machine translation by jointly learning to align and translate", A.1 and A.2.
    """

    def __init__(self, cell, units, **kwargs):
        check_choice("cell", cell, CELLS)
        check_positive("units", units)
        super().__init__(**kwargs)
        self.kind, self.units = cell, units
        self.cell = CELLS[cell](units, dtype=self.dtype_policy, name="cell")
        self.attention = BahdanauAttention(units, dtype=self.dtype_policy, name="attention")

    def build(self, inputs_shape, states_shape, memory_shape, keys_shape, keep_shape):
        self.cell.build((inputs_shape[0], inputs_shape[-1] + memory_shape[-1]))
        self.attention.build((inputs_shape[0], 1, self.units), memory_shape, keys_shape, keep_shape)

    def call(self, inputs, states, memory, keys, keep):
        """Reads a sequence.

        Args:
            inputs: `(batch, length, features)`.
            states: List of those before the first step, each `(batch, units)`.
            memory: `(batch, source, memory features)`.
            keys: What the memory is scored by, `(batch, source, units)`.
            keep: Which places of the memory count, bool `(batch, source)`.

        Returns:
            `(outputs, contexts)`, `(batch, length, units)` and `(batch, length, memory features)`.
        """

        def step(carry, token):
            _, context, states = self.step(token, carry[1:], memory, keys, keep)
            carry = (context, *states)
            return carry, carry

        first = ops.zeros_like(memory[:, :1])  # the shape of a context; it is not read
        inputs = ops.swapaxes(inputs, 0, 1)[:, :, None]
        _, (contexts, outputs, *_) = ops.scan(step, (first, *(state[:, None] for state in states)), inputs)
        return ops.swapaxes(outputs[:, :, 0], 0, 1), ops.swapaxes(contexts[:, :, 0], 0, 1)

    def step(self, inputs, states, memory, keys, keep):
        """Reads a token of each beam, `(batch, beams, features)`, after states `(batch, beams, units)`.

        Returns:
            `(outputs, contexts, states)`.
        """
        contexts, _ = self.attention(states[0], memory, keys, keep)
        outputs, states = step_beams(self.cell, ops.concatenate([inputs, contexts], axis=-1), list(states))
        return outputs, contexts, states

    def compute_output_shape(self, inputs_shape, states_shape, memory_shape, keys_shape, keep_shape):
        return (*inputs_shape[:-1], self.units), (*inputs_shape[:-1], memory_shape[-1])

    def get_config(self):
        return {**super().get_config(), "cell": self.kind, "units": self.units}
