"""Recurrent networks that translate: one reads, one writes (Sutskever et al. 2014), and may look back at what was read.

One int32 array `(batch, 2, length)` in: the source's ids, read in their order, and those of the translation that come
before each one to say. Logits `(batch, length, vocabulary_size)` out. Id 0 is padding. One vocabulary, one embedding,
which is the output layer too (Press and Wolf 2017).
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_choice, check_positive, check_rate
from dlkeras.layers.attention_scores import LuongAttention
from dlkeras.layers.attentive_recurrence import AttentiveRecurrence, step_beams
from dlkeras.models.base import ConfiguredModel

_CELLS = {"gru": layers.GRU, "lstm": layers.LSTM}
_ATTENTION = ("none", "bahdanau", "luong")


class _Network:
    """The layers, and how they are joined: to learn from whole texts, and to say one token after another."""

    def __init__(self, *, vocabulary_size, embedding_dim, cell, units, depth, bidirectional, attention, dropout):
        def recurrent(name, units):
            return _CELLS[cell](units, return_sequences=True, return_state=True, name=name)

        numbers = range(1, depth + 1)
        self.embedding = layers.ReversibleEmbedding(
            vocabulary_size,
            embedding_dim,
            embeddings_initializer=keras.initializers.RandomUniform(-0.1, 0.1),  # Luong's range
            name="embedding",
        )
        self.dropout = layers.Dropout(dropout, name="dropout")
        if bidirectional:
            self.encoder = [layers.Bidirectional(recurrent(cell, units // 2), name=f"encoder{n}") for n in numbers]
        else:
            self.encoder = [recurrent(f"encoder{n}", units) for n in numbers]
        self.decoder = [recurrent(f"decoder{n}", units) for n in numbers]
        self.attention = self.keys = None
        if attention == "bahdanau":
            self.decoder[0] = AttentiveRecurrence(cell, units, name="decoder1")
        if attention == "luong":
            self.attention = LuongAttention(name="attention")
        if attention != "none":
            self.keys = layers.Dense(units, use_bias=attention == "bahdanau", name="keys")
        self.readout = layers.Dense(embedding_dim, activation="tanh", name="readout")
        self.logits = layers.Activation("linear", dtype="float32", name="logits")

    def read(self, source):
        """Reads a source: `(memory, states)`, what attention takes and what each decoding layer begins in."""
        keep = ops.not_equal(source, 0)
        x, states = self.embedding(source), []
        for layer in self.encoder:
            x, *last = layer(self.dropout(x), mask=keep)  # (batch, length, units)
            states.append(_joined(last) if isinstance(layer, layers.Bidirectional) else last)
        return {"memory": x, "keys": self.keys(x), "keep": keep} if self.keys else {}, states

    def write(self, target, memory, states):
        """Reads a translation: `(outputs, contexts, queries)` of its tokens; contexts are a list of one or none."""
        x, contexts, queries = self.embedding(target), [], None
        for layer, before in zip(self.decoder, states, strict=True):
            x = self.dropout(x)
            if isinstance(layer, AttentiveRecurrence):
                x, context = layer(x, before, **memory)
                contexts, queries = [context], ops.concatenate([before[0][:, None], x[:, :-1]], axis=1)
            else:
                x, *_ = layer(x, initial_state=before)  # (batch, length, units)
        if self.attention:
            contexts, queries = [self.attention(x, **memory)[0]], x
        return x, contexts, queries

    def write_token(self, tokens, memory, states):
        """Reads a token more of each beam: `(outputs, contexts, states)`."""
        x, contexts, after = self.embedding(tokens), [], []
        for layer, before in zip(self.decoder, states, strict=True):
            if isinstance(layer, AttentiveRecurrence):
                x, context, state = layer.step(x, before, **memory)
                contexts = [context]
            else:
                x, state = step_beams(layer.cell, x, before)
            after.append(state)
        if self.attention:
            contexts = [self.attention(x, **memory)[0]]
        return x, contexts, after

    def say(self, x, contexts):
        """Returns the logits of outputs and contexts."""
        x = self.readout(ops.concatenate([x, *contexts], axis=-1))  # (batch, length, embedding_dim)
        return self.logits(self.embedding(self.dropout(x), reverse=True))

    def look(self, queries, memory):
        """Returns the weights of attention, `(batch, queries, source)`."""
        attention = self.attention or self.decoder[0].attention
        return attention(queries, **memory)[1]


def _joined(states):
    """Puts the forward states beside the backward ones."""
    half = len(states) // 2
    return [ops.concatenate(pair, axis=-1) for pair in zip(states[:half], states[half:], strict=True)]


@keras.saving.register_keras_serializable(package="dlkeras")
class Seq2Seq(ConfiguredModel):
    """Recurrent encoder and decoder, with attention or without.

    Args:
        vocabulary_size: Number of ids of both languages; 0 is padding.
        embedding_dim: Length of a token's vector.
        cell: `"gru"` or `"lstm"`.
        units: Width of each layer.
        depth: Layers of the encoder, and of the decoder.
        bidirectional: Whether half of each encoding layer's units read backwards.
        attention: `"none"`: the decoder has the encoder's last states alone; `"bahdanau"`: its first layer looks at
            what was read before each step; `"luong"`: its last layer does after each step (their "general" score,
            without input feeding), for which training need not wait between steps.
        dropout: Rate before each layer and before the logits, in [0, 1).

    Raises:
        ValueError: A number is out of its range, or there is no such cell or attention.
    """

    def __init__(
        self,
        *,
        vocabulary_size=8000,
        embedding_dim=256,
        cell="gru",
        units=256,
        depth=1,
        bidirectional=True,
        attention="none",
        dropout=0.0,
        **kwargs,
    ):
        check_choice("cell", cell, _CELLS)
        check_choice("attention", attention, _ATTENTION)
        check_rate("dropout", dropout)
        sizes = {"vocabulary_size": vocabulary_size, "embedding_dim": embedding_dim, "units": units, "depth": depth}
        for name, size in sizes.items():
            check_positive(name, size)
        if bidirectional and units % 2:
            raise ValueError(f"`units` must be even where the encoder is bidirectional. Received: units={units}")
        arguments = {
            **sizes,
            "cell": cell,
            "bidirectional": bidirectional,
            "attention": attention,
            "dropout": dropout,
        }
        inputs = keras.Input((2, None), dtype="int32", name="ids")
        network = _Network(**arguments)
        memory, states = network.read(inputs[:, 0])
        x, contexts, _ = network.write(inputs[:, 1], memory, states)
        super().__init__(inputs, network.say(x, contexts), arguments=arguments, **kwargs)
        self._network = network

    def start(self, source):
        """Reads source ids, int32 `(batch, length)`; returns `(memory, state)` for `step`."""
        memory, states = self._network.read(source)
        return memory, {"layers": [[state[:, None] for state in layer] for layer in states]}

    def step(self, tokens, memory, state):
        """Reads a token more of each beam, int32 `(batch, beams)`.

        Returns:
            `(logits, state)`, float32 `(batch, beams, vocabulary_size)`.
        """
        x, contexts, states = self._network.write_token(tokens, memory, state["layers"])
        return self._network.say(x, contexts), {"layers": states}

    def attention_weights(self, inputs):
        """Tells where each token of a translation looked.

        Args:
            inputs: As of the model.

        Returns:
            float32 `(batch, target length, source length)`: rows sum to 1, those of padding are 0.

        Raises:
            ValueError: The model has no attention.
        """
        if not self._network.keys:
            raise ValueError("`attention_weights` needs a model with attention bahdanau or luong. Received: none")
        source, target = inputs[:, 0], inputs[:, 1]
        memory, states = self._network.read(source)
        weights = self._network.look(self._network.write(target, memory, states)[2], memory)
        shown = ops.not_equal(target, 0)[:, :, None] & ops.not_equal(source, 0)[:, None]
        return ops.where(shown, ops.cast(weights, "float32"), 0.0)


VARIANTS = {
    "seq2seq": (Seq2Seq, {}),
    "seq2seq_bahdanau": (Seq2Seq, {"attention": "bahdanau"}),
    "seq2seq_luong": (Seq2Seq, {"attention": "luong"}),
    "seq2seq_mini": (Seq2Seq, {"embedding_dim": 16, "units": 16, "attention": "luong"}),
}
