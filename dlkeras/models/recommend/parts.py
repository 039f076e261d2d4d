"""What the models of recommendation share."""

import keras
import numpy as np
from keras import layers, ops

from dlkeras.checks import check_positive


def lookup(count, width, decay=0.0, stddev=0.01, name=None):
    """Returns an `Embedding` of small random vectors, or of zeros where `stddev` is 0.

    The squares of what a batch looked up, summed over a row, averaged over the batch and times `decay`, are added to
    the loss: only vectors that are looked up are held back, as often as they are, as in the papers' sums over ratings.
    """
    return layers.Embedding(
        count,
        width,
        embeddings_initializer=keras.initializers.RandomNormal(stddev=stddev) if stddev else "zeros",
        activity_regularizer=keras.regularizers.L2(decay) if decay else None,
        name=name,
    )


def check_sizes(**sizes):
    """Refuses a number of users, items, factors and the like that is not above 0."""
    for name, size in sizes.items():
        check_positive(name, size)


def check_decay(name, value):
    """Refuses a rate of decay below 0."""
    if not value >= 0:
        raise ValueError(f"`{name}` must be at least 0. Received: {name}={value}")


def item_lists(users, items, num_users, length):
    """Lists what each user has seen.

    Args:
        users: Array `(pairs,)` of users' numbers, in the order of time where there is one.
        items: Array `(pairs,)` of items' numbers.
        num_users: Number of users.
        length: Of each list. Of a longer one the last items are kept.

    Returns:
        `int32` `(num_users, length)` of items' numbers + 1, in their order, 0 before those of a shorter list.
    """
    order = np.argsort(users, kind="stable")
    counts = np.bincount(users, minlength=num_users)
    after = np.repeat(np.cumsum(counts), counts) - np.arange(len(order)) - 1  # how many of the user's come after it
    kept = after < length
    lists = np.zeros((num_users, length), "int32")
    rows = np.asarray(users)[order]
    lists[rows[kept], length - 1 - after[kept]] = np.asarray(items)[order][kept] + 1
    return lists


def multi_hot(histories, num_items):
    """Returns what was seen as 0 and 1, float32 `(batch, num_items)`.

    Args:
        histories: int32 `(batch, length)` of items' numbers + 1, 0 for padding, in any order; twice is as once.
        num_items: Number of items.
    """
    batch, length = ops.shape(histories)
    rows = ops.repeat(ops.arange(batch, dtype="int32"), length)
    places = ops.stack([rows, ops.reshape(histories, (-1,))], axis=-1)
    # Scattered, not compared with every item: that would be an array of batch x length x items.
    counts = ops.scatter(places, ops.ones((batch * length,)), (batch, num_items + 1))
    return ops.minimum(counts[:, 1:], 1.0)
