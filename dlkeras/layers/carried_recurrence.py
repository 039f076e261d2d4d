"""A recurrent layer whose state can be kept from one training batch to the next."""

import types

import keras
from keras import layers, ops

from dlkeras.checks import check_choice, check_positive

CELLS = {"rnn": layers.SimpleRNN, "gru": layers.GRU, "lstm": layers.LSTM}


@keras.saving.register_keras_serializable(package="dlkeras")
class CarriedRecurrence(layers.Layer):
    """A plain recurrent layer until it is told to `carry`; then each training batch goes on where the last one ended.

    `(batch, length, features)` in, `(outputs, state)` out, of an LSTM `(outputs, state, cell state)`: outputs `(batch,
    length, units)`, states `(batch, units)`. No gradient goes from a batch into the one before it (truncated
    backpropagation through time, Williams and Peng 1990). What is carried is no weight: no file and no export holds it.

    Args:
        cell: `"rnn"` (tanh), `"gru"` or `"lstm"`.
        units: Width of the state.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: There is no such cell, or `units` is not above 0.
    """

    def __init__(self, cell, units, **kwargs):
        check_choice("cell", cell, CELLS)
        check_positive("units", units)
        super().__init__(**kwargs)
        self.kind, self.units, self._count = cell, units, 2 if cell == "lstm" else 1
        self.recurrence = CELLS[cell](
            units, return_sequences=True, return_state=True, dtype=self.dtype_policy, name="recurrence"
        )
        # In an object of its own, which Keras does not look into for weights.
        self._carried = types.SimpleNamespace(states=[])

    @property
    def cell(self):
        """The Keras cell, for single steps."""
        return self.recurrence.cell

    def carry(self, lanes):
        """Makes training go on from batch to batch, each of so many rows; 0 lanes for not."""
        states = self.zero_states(lanes) if lanes else []
        self._carried.states = [keras.Variable(state, trainable=False, autocast=False) for state in states]

    def forget(self):
        """Puts what is carried back to 0."""
        for state in self._carried.states:
            state.assign(ops.zeros(state.shape, state.dtype))

    def zero_states(self, batch):
        """Returns the states before the first step."""
        return [ops.zeros((batch, self.units), self.compute_dtype) for _ in range(self._count)]

    def build(self, inputs_shape, *args, **kwargs):
        self.recurrence.build(inputs_shape)

    def call(self, inputs, states=None, keep=None, training=False):
        """Reads sequences from `states`, a list, by default what is carried or 0. Only places to `keep` are read."""
        carried = self._carried.states if training and states is None else []
        if carried:
            states = [ops.convert_to_tensor(state) for state in carried]
        # Not `__call__`, which would hand `keep` on to layers that know no masks.
        outputs, *after = self.recurrence.call(inputs, initial_state=states, mask=keep, training=training)
        for variable, state in zip(carried, after, strict=bool(carried)):
            variable.assign(state)
        return outputs, *after

    def compute_output_shape(self, inputs_shape, *args, **kwargs):
        return (*inputs_shape[:-1], self.units), *[(inputs_shape[0], self.units)] * self._count

    def get_config(self):
        return {**super().get_config(), "cell": self.kind, "units": self.units}
