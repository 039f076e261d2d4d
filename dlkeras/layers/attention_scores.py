"""Attention of recurrent networks: a query scores the places of a memory, and finds their mean by these scores.

Keras' own layers of the two names do so too, but warn of a memory of one place, which is what an empty text has.
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_positive
from dlkeras.layers.attention import hiding


class _ScoredAttention(layers.Layer):
    """What both kinds share. Those below say what a score is."""

    def call(self, query, memory, keys, keep):
        """Looks at a memory.

        Args:
            query: `(batch, queries, query features)`.
            memory: `(batch, length, features)`.
            keys: What the memory is scored by, `(batch, length, units)`.
            keep: Which places count, bool `(batch, length)`.

        Returns:
            `(context, weights)`, `(batch, queries, features)` and `(batch, queries, length)`.
        """
        scores = self.scores(query, keys)
        scores = scores + hiding(keep, scores.dtype)[:, None]
        weights = ops.exp(scores - ops.max(scores, axis=-1, keepdims=True))
        weights = weights / ops.sum(weights, axis=-1, keepdims=True)
        return ops.matmul(weights, memory), weights

    def compute_output_shape(self, query_shape, memory_shape, keys_shape, keep_shape):
        return (*query_shape[:-1], memory_shape[-1]), (*query_shape[:-1], memory_shape[-2])


@keras.saving.register_keras_serializable(package="dlkeras")
class BahdanauAttention(_ScoredAttention):
    """Additive attention: a score is `v . tanh(W query + key)`.

    Args:
        units: Length of a key.

    Raises:
        ValueError: `units` is not above 0.

    Source: Bahdanau et al. 2015, "Neural machine translation by jointly learning to align and translate", A.1.2.
    """

    def __init__(self, units, **kwargs):
        check_positive("units", units)
        super().__init__(**kwargs)
        self.units = units
        self.projection = layers.Dense(units, use_bias=False, dtype=self.dtype_policy, name="projection")

    def build(self, query_shape, *_):
        self.projection.build(query_shape)
        self.vector = self.add_weight(shape=(self.units, 1), name="vector")

    def scores(self, query, keys):
        """Scores keys: `(batch, queries, length)`."""
        added = ops.tanh(self.projection(query)[:, :, None] + keys[:, None])  # (batch, queries, length, units)
        return ops.matmul(added, self.vector)[..., 0]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="dlkeras")
class LuongAttention(_ScoredAttention):
    """Multiplicative attention: a score is `query . key`; the paper's "general" where keys are `W memory`.

    Source: Luong et al. 2015, "Effective approaches to attention-based neural machine translation", section 3.1.
    """

    def scores(self, query, keys):
        """Scores keys: `(batch, queries, length)`."""
        return ops.matmul(query, ops.swapaxes(keys, -1, -2))
