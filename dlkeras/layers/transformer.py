"""The layer that transformers are a pile of: attention, then a network of two dense layers, each added to its input."""

import keras
from keras import layers, ops

from dlkeras.checks import check_positive, check_rate
from dlkeras.layers.attention import CrossAttention, SelfAttention


@keras.saving.register_keras_serializable(package="dlkeras")
class TransformerLayer(layers.Layer):
    """A layer of an encoder, of a decoder, or of both at once; tokens `(batch, length, width)` in, the same out.

    Normalizes before each part, not after it as the first paper did: so deep piles learn without a warm-up.

    Args:
        heads: Heads of each attention.
        inner: Width between the two dense layers.
        causal: Whether a token sees those before it only.
        cross: Whether tokens look at a memory too, as those of a decoder do.
        rotary: Whether places are told by turning queries and keys.
        activation: Between the dense layers.
        dropout: Rate on weights of attention and on what is added, in [0, 1).
        use_bias: Whether dense layers and normalizations have biases.
        output_initializer: Of the kernels of the layers that are added to their input.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: A number is out of its range.

    Source: Vaswani et al. 2017, "Attention is all you need"; the order of Xiong et al. 2020, "On layer normalization
    in the transformer architecture".
    """

    def __init__(
        self,
        heads,
        inner,
        *,
        causal=False,
        cross=False,
        rotary=False,
        activation="relu",
        dropout=0.0,
        use_bias=True,
        output_initializer="glorot_uniform",
        **kwargs,
    ):
        check_positive("inner", inner)
        check_rate("dropout", dropout)
        super().__init__(**kwargs)
        self.inner, self.cross, self.use_bias = inner, cross, use_bias
        self.activation = keras.activations.get(activation)
        self.output_initializer = keras.initializers.get(output_initializer)
        shared = {
            "dropout": dropout,
            "use_bias": use_bias,
            "output_initializer": output_initializer,
            "dtype": self.dtype_policy,
        }
        self.attention = SelfAttention(heads, causal=causal, rotary=rotary, name="attention", **shared)
        self.attention_norm = self._norm("attention_norm")
        if cross:
            self.cross_attention = CrossAttention(heads, name="cross_attention", **shared)
            self.cross_norm = self._norm("cross_norm")
        self.inner_norm = self._norm("inner_norm")
        self.dropout = layers.Dropout(dropout, dtype=self.dtype_policy)

    def _norm(self, name):
        return layers.LayerNormalization(center=self.use_bias, epsilon=1e-5, dtype=self.dtype_policy, name=name)

    def build(self, inputs_shape, memory_shape=None):
        width = inputs_shape[-1]
        bias = {"use_bias": self.use_bias, "dtype": self.dtype_policy}
        self.inner_dense = layers.Dense(self.inner, activation=self.activation, name="inner", **bias)
        self.output_dense = layers.Dense(width, kernel_initializer=self.output_initializer, name="output", **bias)
        self.inner_dense.build((None, width))
        self.output_dense.build((None, self.inner))
        for part in (self.attention, self.attention_norm, self.inner_norm):
            part.build(inputs_shape)
        if self.cross:
            self.cross_attention.build(inputs_shape, memory_shape)
            self.cross_norm.build(inputs_shape)

    def call(self, inputs, memory=None, keep=None, memory_keep=None, training=None):
        """Takes tokens; `memory` for a layer with `cross`; and, bool `(batch, length)`, what of each may be seen."""
        x = self.attention(self.attention_norm(inputs), keep=keep, training=training)
        x = inputs + self.dropout(x, training=training)
        if self.cross:
            looked = self.cross_attention(self.cross_norm(x), memory, keep=memory_keep, training=training)
            x = x + self.dropout(looked, training=training)
        return x + self.dropout(self._inner(x), training=training)

    def start(self, inputs, keep=None):
        """Reads tokens as `call` does, and gives the cache of them too; for a layer without `cross`."""
        x, cache = self.attention.start(self.attention_norm(inputs), keep)
        x = inputs + x
        return x + self._inner(x), cache

    def step(self, inputs, cache, added=None, memory=None, memory_added=None):
        """Reads one token more of each beam; see `SelfAttention.step`.

        Args:
            inputs: `(batch * beams, width)`.
            cache: Of the tokens before.
            added: As of `SelfAttention.step`.
            memory: What the layer's own `cross_attention.read` gave.
            memory_added: What is added to the scores of the memory, `(batch, source)`.

        Returns:
            `(outputs, cache)`.
        """
        x, cache = self.attention.step(self.attention_norm(inputs), cache, added)
        x = inputs + x
        if self.cross:
            beams = ops.shape(cache["keys"])[1]
            x = x + self.cross_attention.step(self.cross_norm(x), beams, memory, memory_added)
        return x + self._inner(x), cache

    def look(self, inputs, memory, memory_added=None):
        """Does what `call` does with a memory that is read already, and gives the weights of the look at it too.

        Args:
            inputs: Tokens `(batch, length, width)`.
            memory: As of `step`.
            memory_added: As of `step`.

        Returns:
            `(outputs, weights)`; weights `(batch, heads, length, source)`.
        """
        x = inputs + self.attention(self.attention_norm(inputs), training=False)
        looked, weights = self.cross_attention.look(self.cross_norm(x), memory, memory_added)
        x = x + looked
        return x + self._inner(x), weights

    def _inner(self, x):
        return self.output_dense(self.inner_dense(self.inner_norm(x)))

    def compute_output_shape(self, input_shape, *args, **kwargs):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "heads": self.attention.heads,
            "inner": self.inner,
            "causal": self.attention.causal,
            "cross": self.cross,
            "rotary": self.attention.rotary,
            "activation": keras.activations.serialize(self.activation),
            "dropout": self.dropout.rate,
            "use_bias": self.use_bias,
            "output_initializer": keras.initializers.serialize(self.output_initializer),
        }
