"""How a token is drawn from logits, and by which random numbers: the same ones for a seed, whatever else is asked."""

from typing import Any, NamedTuple

import tensorflow as tf

_BLOCK = 256  # random numbers that are made at once


class Sampling(NamedTuple):
    """How the tokens of each row are drawn. Each is a tensor `(batch,)`, or one value for all rows.

    Attributes:
        seeds: Whole numbers. The random number of a token depends on its row's seed and its place alone.
        temperature: What logits are divided by; 0 for the likeliest token.
        top_k: Number of tokens that are drawn from, the likeliest ones; 0 for all.
        top_p: Probability that the likeliest tokens, which are drawn from, have together, in (0, 1] (Holtzman et al.
            2020, "The curious case of neural text degeneration"). Of the `top_k` alone, where both are given.
        first: Place of the first token, for who goes on with a text.
    """

    seeds: Any
    temperature: Any = 1.0
    top_k: Any = 0
    top_p: Any = 1.0
    first: Any = 0

    def filled(self, batch):
        """Returns the same with every attribute a tensor `(batch,)`."""
        kinds = ("int64", "float32", "int32", "float32", "int32")
        return Sampling(*(tf.broadcast_to(tf.cast(x, kind), [batch]) for x, kind in zip(self, kinds, strict=True)))

    def draws(self, length):
        """Returns numbers in [0, 1) for so many tokens, float32 `(batch, length)`; for one that is `filled`."""
        number = length // _BLOCK + 2
        blocks = self.first[:, None] // _BLOCK + tf.range(number)  # (batch, number)
        seeds = tf.stack([tf.repeat(self.seeds, number), tf.cast(tf.reshape(blocks, [-1]), "int64")], axis=1)
        drawn = tf.map_fn(
            lambda seed: tf.random.stateless_uniform([_BLOCK], seed), seeds, fn_output_signature="float32"
        )
        places = self.first[:, None] % _BLOCK + tf.range(length)
        return tf.gather(tf.reshape(drawn, [-1, number * _BLOCK]), places, batch_dims=1)

    def bounds(self):
        """Returns what `choose` asks for; for one that is `filled`."""
        hot = self.temperature > 0
        # Only the likeliest token, where there is no temperature.
        count = tf.where(hot, tf.where(self.top_k == 0, _ALL, self.top_k), 1)
        return Bounds(tf.where(hot, self.temperature, 1.0)[:, None], count[:, None], self.top_p[:, None])


class Bounds(NamedTuple):
    """What logits are divided by, and how many and how much of the likeliest tokens count, each `(batch, 1)`."""

    divisor: Any
    count: Any
    share: Any


def choose(logits, draws, bounds):
    """Draws a token a row.

    Args:
        logits: float32 `(batch, vocabulary)`.
        draws: Numbers in [0, 1), `(batch,)`.
        bounds: `Bounds`.

    Returns:
        int32 `(batch,)`.
    """
    vocabulary = logits.shape[-1]
    sorted_, order = tf.math.top_k(logits / bounds.divisor, vocabulary)
    shares = tf.nn.softmax(tf.where(tf.range(vocabulary) < bounds.count, sorted_, NOTHING))
    kept = tf.where(tf.cumsum(shares, axis=-1, exclusive=True) < bounds.share, shares, 0.0)
    sums = tf.cumsum(kept, axis=-1)
    total = sums[:, -1:]
    # Rounding may make a draw as great as the total.
    below = (sums <= draws[:, None] * total) & (sums < total)
    return tf.gather(order, tf.reduce_sum(tf.cast(below, "int32"), axis=-1), batch_dims=1)


_ALL = 2**31 - 1
NOTHING = -1e30
"""The log-probability of what cannot be."""
