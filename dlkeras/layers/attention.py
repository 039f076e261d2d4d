"""Multi-head attention that can go on from where it was: with keys and values kept of the tokens before.

Keras' own keeps nothing, and KerasHub's cache is as long as the longest text from the first token on. These grow.
"""

import math

import keras
from keras import layers, ops

from dlkeras.checks import check_positive, check_rate
from dlkeras.layers.positional import rotate

_HIDDEN = -1e9  # what is added to a score that must not count


def hiding(keep, dtype="float32"):
    """Returns what to add to scores: 0 where `keep`, a bool tensor, is true, else a great negative number."""
    return ops.where(keep, ops.cast(0.0, dtype), ops.cast(_HIDDEN, dtype))


class _Attention(layers.Layer):
    """What both kinds share: heads, and scores to answers."""

    def __init__(self, heads, dropout=0.0, use_bias=True, output_initializer="glorot_uniform", **kwargs):
        check_positive("heads", heads)
        check_rate("dropout", dropout)
        super().__init__(**kwargs)
        self.heads, self.use_bias = heads, use_bias
        self.output_initializer = keras.initializers.get(output_initializer)
        self.dropout = layers.Dropout(dropout, dtype=self.dtype_policy)

    def _dense(self, units, name, initializer="glorot_uniform"):
        return layers.Dense(
            units, use_bias=self.use_bias, kernel_initializer=initializer, dtype=self.dtype_policy, name=name
        )

    def _build_output(self, width):
        if width % self.heads:
            raise ValueError(f"The width must be divisible by `heads`, {self.heads}. Received: width={width}")
        self.width = width
        self.output_dense = self._dense(width, "output", self.output_initializer)
        self.output_dense.build((None, width))

    def _split(self, x):
        """Parts `(..., length, width)` into heads: `(..., heads, length, width / heads)`; several widths likewise."""
        rank, heads = len(x.shape), x.shape[-1] * self.heads // self.width
        x = ops.reshape(x, (*ops.shape(x)[:-1], heads, self.width // self.heads))
        return ops.swapaxes(x, rank - 2, rank - 1)

    def _weights(self, queries, keys, added):
        scores = ops.matmul(queries / math.sqrt(self.width // self.heads), ops.swapaxes(keys, -1, -2))
        scores = scores if added is None else scores + ops.cast(added, scores.dtype)
        # Of a single token Keras would warn.
        return ops.ones_like(scores) if scores.shape[-1] == 1 else ops.softmax(scores)

    def _joined(self, weights, values):
        """Returns the answers of all heads side by side, through the last dense layer: `(..., length, width)`."""
        x = ops.matmul(weights, values)
        rank = len(x.shape)
        x = ops.swapaxes(x, rank - 3, rank - 2)
        return self.output_dense(ops.reshape(x, (*ops.shape(x)[:-2], self.width)))

    def compute_output_shape(self, input_shape, *args, **kwargs):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "heads": self.heads,
            "dropout": self.dropout.rate,
            "use_bias": self.use_bias,
            "output_initializer": keras.initializers.serialize(self.output_initializer),
        }


@keras.saving.register_keras_serializable(package="dlkeras")
class SelfAttention(_Attention):
    """Tokens look at each other: `(batch, length, width)` in, the same out.

    Args:
        heads: Number of heads, which share the width.
        causal: Whether a token sees those before it only, and itself.
        rotary: Whether queries and keys are turned by their places (Su et al. 2021, "RoFormer").
        dropout: Rate on the weights of attention, in [0, 1).
        use_bias: Whether the dense layers have biases.
        output_initializer: Of the kernel of the last dense layer.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: A number is out of its range, or the width not divisible by `heads`.

    Source: Vaswani et al. 2017, "Attention is all you need", section 3.2.
    """

    def __init__(self, heads, *, causal=False, rotary=False, dropout=0.0, **kwargs):
        super().__init__(heads, dropout, **kwargs)
        self.causal, self.rotary = causal, rotary

    def build(self, input_shape):
        self._build_output(input_shape[-1])
        # One product for all three is faster than three.
        self.input_dense = self._dense(3 * self.width, "input")
        self.input_dense.build((None, self.width))

    def call(self, inputs, keep=None, training=None):
        """Takes tokens, and in `keep`, bool `(batch, length)`, which of them may be looked at."""
        return self._attended(inputs, keep, training)[0]

    def start(self, inputs, keep=None):
        """Reads tokens as `call` does; gives what they become, and the cache of them for `step`."""
        outputs, keys, values = self._attended(inputs, keep, False)
        return outputs, {"keys": keys[:, None], "values": values[:, None]}

    def empty(self, batch):
        """Returns the cache of no token, for `batch` rows of one beam."""
        nothing = ops.zeros((batch, 1, self.heads, 0, self.width // self.heads), self.compute_dtype)
        return {"keys": nothing, "values": nothing}

    def step(self, inputs, cache, added=None):
        """Reads one token more of each beam.

        Args:
            inputs: Rows of tokens, the beams of a text one after the other: `(batch * beams, width)`.
            cache: `keys` and `values`, `(batch, beams, heads, length, width / heads)`.
            added: What is added to the scores of the tokens, this one the last: `(batch, beams, length + 1)`.

        Returns:
            `(outputs, cache)`: the like of `inputs`, and the cache with the token.
        """
        # In rows, since dense layers take a dozen operations more where there are more axes: much, of one token.
        beams = ops.shape(cache["keys"])[1]
        parts = ops.reshape(self.input_dense(inputs), (-1, beams, 3 * self.heads, 1, self.width // self.heads))
        queries, keys, values = ops.split(parts, 3, axis=2)  # (batch, beams, heads, 1, width / heads)
        if self.rotary:
            place = ops.reshape(ops.shape(cache["keys"])[3], (1,))
            queries, keys = rotate(queries, place), rotate(keys, place)
        cache = {
            "keys": ops.concatenate([cache["keys"], keys], axis=3),
            "values": ops.concatenate([cache["values"], values], axis=3),
        }
        weights = self._weights(queries, cache["keys"], None if added is None else added[:, :, None, None])
        return self.output_dense(ops.reshape(ops.matmul(weights, cache["values"]), (-1, self.width))), cache

    def _parts(self, inputs):
        """Returns queries, keys and values, `(..., heads, length, width / heads)`."""
        # Parted after the heads are: one reshape for all three.
        return ops.split(self._split(self.input_dense(inputs)), 3, axis=-3)

    def _attended(self, inputs, keep, training):
        queries, keys, values = self._parts(inputs)
        places = ops.arange(ops.shape(inputs)[1])
        if self.rotary:
            queries, keys = rotate(queries, places), rotate(keys, places)
        added = None if keep is None else hiding(keep)[:, None, None]
        if self.causal:
            before = hiding(places[:, None] >= places[None])
            added = before if added is None else added + before
        weights = self.dropout(self._weights(queries, keys, added), training=training)
        return self._joined(weights, values), keys, values

    def get_config(self):
        return {**super().get_config(), "causal": self.causal, "rotary": self.rotary}


@keras.saving.register_keras_serializable(package="dlkeras")
class CrossAttention(_Attention):
    """Tokens look at a memory: `(batch, length, width)` and `(batch, source, memory width)` in, the first's like out.

    Args:
        heads: Number of heads, which share the width.
        dropout: Rate on the weights of attention, in [0, 1).
        **kwargs: `use_bias` and `output_initializer` as of `SelfAttention`; of `keras.layers.Layer`.

    Raises:
        ValueError: A number is out of its range, or the width not divisible by `heads`.

    Source: Vaswani et al. 2017, "Attention is all you need", section 3.2.3.
    """

    def build(self, inputs_shape, memory_shape):
        self._build_output(inputs_shape[-1])
        self.query_dense = self._dense(self.width, "query")
        self.memory_dense = self._dense(2 * self.width, "memory")
        self.query_dense.build((None, self.width))
        self.memory_dense.build((None, memory_shape[-1]))

    def call(self, inputs, memory, keep=None, training=None):
        """Takes tokens, a memory, and in `keep`, bool `(batch, source)`, what of it may be looked at."""
        added = None if keep is None else hiding(keep)
        outputs, _ = self.look(inputs, self.read(memory), added, training)
        return outputs

    def read(self, memory):
        """Returns the keys and values of a memory, each `(batch, heads, source, width / heads)`."""
        keys, values = ops.split(self._split(self.memory_dense(memory)), 2, axis=-3)
        return {"keys": keys, "values": values}

    def step(self, inputs, beams, memory, added=None):
        """Looks with one token of each beam, all beams of a text at the same memory.

        Args:
            inputs: Rows of tokens, the beams of a text one after the other: `(batch * beams, width)`.
            beams: Number of beams.
            memory: What `read` gave.
            added: What is added to the scores, `(batch, source)`.

        Returns:
            The like of `inputs`.
        """
        queries = ops.reshape(self.query_dense(inputs), (-1, beams, self.heads, self.width // self.heads))
        added = None if added is None else added[:, None, None]
        weights = self._weights(ops.swapaxes(queries, 1, 2), memory["keys"], added)
        looked = ops.swapaxes(ops.matmul(weights, memory["values"]), 1, 2)  # (batch, beams, heads, width / heads)
        return self.output_dense(ops.reshape(looked, (-1, self.width)))

    def look(self, inputs, memory, added=None, training=False):
        """Looks at what `read` gave.

        Args:
            inputs: Tokens `(batch, length, width)`.
            memory: What `read` gave.
            added: What is added to the scores, `(batch, source)`.
            training: Whether dropout is active.

        Returns:
            `(outputs, weights)`; weights `(batch, heads, length, source)`.
        """
        added = None if added is None else added[:, None, None]
        weights = self._weights(self._split(self.query_dense(inputs)), memory["keys"], added)
        return self._joined(self.dropout(weights, training=training), memory["values"]), weights
