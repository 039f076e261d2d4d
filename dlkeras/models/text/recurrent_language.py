"""Recurrent language models (Mikolov et al. 2010; Graves 2013, "Generating sequences with recurrent neural networks").

Ids `(batch, length)` in, logits of the next id `(batch, length, vocabulary_size)` out. Id 0 is padding: after a text,
but before a prompt of `start`.
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_choice, check_positive, check_rate
from dlkeras.layers.attentive_recurrence import step_beams
from dlkeras.layers.carried_recurrence import CELLS, CarriedRecurrence
from dlkeras.models.base import ConfiguredModel


class _Network:
    """The layers, and how they are joined: to read whole texts, and one token after another."""

    def __init__(self, vocabulary_size, embedding_dim, cell, units, depth, dropout, tied):
        embedding = layers.ReversibleEmbedding if tied else layers.Embedding
        self.embedding = embedding(vocabulary_size, embedding_dim, name="embedding")
        numbers = range(1, depth + 1)
        self.recurrences = [CarriedRecurrence(cell, units, name=f"{cell}{number}") for number in numbers]
        self.dropout = layers.Dropout(dropout, name="dropout")
        # In float32, or close logits would become one in mixed precision.
        self.dense = None if tied else layers.Dense(vocabulary_size, dtype="float32", name="logits")
        self.cast = layers.Activation("linear", dtype="float32", name="logits") if tied else None

    def read(self, ids, states=None, keep=None):
        """Reads texts, from states where there are some: `(logits, states)`, a list of states a layer."""
        x, after = self.embedding(ids), []
        for layer, before in zip(self.recurrences, states or [None] * len(self.recurrences), strict=True):
            x, *last = layer(self.dropout(x), before, keep=keep)  # (batch, length, units)
            after.append(last)
        return self.say(self.dropout(x)), after

    def read_token(self, tokens, states):
        """Reads a token more of each beam: `(logits, states)`."""
        x, after = self.embedding(tokens), []
        for layer, before in zip(self.recurrences, states, strict=True):
            x, last = step_beams(layer.cell, x, before)
            after.append(last)
        return self.say(x), after

    def say(self, x):
        """Returns the logits of outputs, float32."""
        return self.cast(self.embedding(x, reverse=True)) if self.cast else self.dense(x)


@keras.saving.register_keras_serializable(package="dlkeras")
class RecurrentLanguageModel(ConfiguredModel):
    """Predicts each next id of a text from those before it, by recurrent layers one over the other.

    Args:
        vocabulary_size: Number of ids; 0 is padding.
        embedding_dim: Length of a token's vector.
        cell: `"rnn"` (tanh), `"gru"` or `"lstm"`.
        units: Width of each layer.
        depth: Number of layers.
        dropout: Rate before each layer and before the logits (Zaremba et al. 2014), in [0, 1).
        tied: Whether the output layer is the embedding (Press and Wolf 2017).

    Raises:
        ValueError: A number is out of its range, there is no such cell, or a tied embedding is not as wide as a layer.
    """

    def __init__(
        self,
        *,
        vocabulary_size=66,
        embedding_dim=64,
        cell="lstm",
        units=256,
        depth=2,
        dropout=0.0,
        tied=False,
        **kwargs,
    ):
        check_choice("cell", cell, CELLS)
        check_rate("dropout", dropout)
        sizes = {"vocabulary_size": vocabulary_size, "embedding_dim": embedding_dim, "units": units, "depth": depth}
        for name, size in sizes.items():
            check_positive(name, size)
        if tied and embedding_dim != units:
            raise ValueError(
                "`embedding_dim` must be `units` where the output is tied. "
                f"Received: embedding_dim={embedding_dim}, units={units}"
            )
        arguments = {**sizes, "cell": cell, "dropout": dropout, "tied": tied}
        network = _Network(**arguments)
        inputs = keras.Input((None,), dtype="int32", name="ids")
        super().__init__(inputs, network.read(inputs)[0], arguments=arguments, **kwargs)
        self._network = network

    def start(self, ids):
        """Reads a prompt.

        Args:
            ids: int32 `(batch, length)`, 0 for padding, which stands before a text.

        Returns:
            `(memory, state)` for `step`; there is no memory.
        """
        ids = ops.pad(ids, [[0, 0], [1, 0]])  # Keras's recurrent layers cannot read nothing
        _, states = self._network.read(ids, keep=ops.not_equal(ids, 0))
        return {}, {"layers": [[state[:, None] for state in layer] for layer in states]}

    def step(self, tokens, memory, state):
        """Reads a token more of each beam, int32 `(batch, beams)`.

        Returns:
            `(logits, state)`, float32 `(batch, beams, vocabulary_size)`.
        """
        logits, states = self._network.read_token(tokens, state["layers"])
        return logits, {"layers": states}

    def read(self, ids, state=None):
        """Reads texts, int32 `(batch, length)` without padding, from a state, by default the one before any text.

        Returns:
            `(logits, state)`, float32 `(batch, length, vocabulary_size)`; a state has the layers' states, each
            `(batch, units)`, in lists.
        """
        return self._network.read(ids, state)

    def zero_state(self, batch):
        """Returns the state of before any text, as of `read`."""
        return [layer.zero_states(batch) for layer in self._network.recurrences]

    def carry(self, lanes):
        """Makes each training batch go on in the states that the one before it ended in; see `CarriedRecurrence`.

        Args:
            lanes: Rows of each batch that follows, which must be those texts in their order; 0 for plain training.

        Raises:
            ValueError: There is a backend or a strategy that cannot do it.
        """
        replicas = getattr(getattr(self, "distribute_strategy", None), "num_replicas_in_sync", 1)
        if lanes and (keras.backend.backend() != "tensorflow" or replicas > 1):
            raise ValueError(
                "States are carried from batch to batch by the TensorFlow backend on one device. "
                f"Received: {keras.backend.backend()} on {replicas}"
            )
        for layer in self._network.recurrences:
            layer.carry(lanes)
        self.train_function = None  # one that is traced already knows nothing of it

    def forget(self):
        """Puts the states that are carried back to those of before any text."""
        for layer in self._network.recurrences:
            layer.forget()


VARIANTS = {
    "rnn_language": (RecurrentLanguageModel, {"cell": "rnn"}),
    "gru_language": (RecurrentLanguageModel, {"cell": "gru"}),
    "lstm_language": (RecurrentLanguageModel, {}),
    "lstm_language_mini": (RecurrentLanguageModel, {"embedding_dim": 16, "units": 32, "depth": 1}),
}
