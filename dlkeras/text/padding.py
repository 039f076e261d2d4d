"""Texts of different lengths in arrays, and batches of texts of like lengths."""

import numpy as np

from dlkeras.checks import check_positive


def pad(sequences, length=None, padding=0):
    """Puts lists of ids into one array.

    Args:
        sequences: Lists of ids.
        length: Columns of the array: what is longer loses its end. `None` for as many as the longest needs, at least 1.
        padding: Id that fills the rows up.

    Returns:
        `(ids, lengths)`, int32 `(texts, length)` and `(texts,)`.

    Raises:
        ValueError: `length` is below 1.
    """
    if length is None:
        length = max(map(len, sequences), default=0) or 1
    check_positive("length", length)
    ids = np.full((len(sequences), length), padding, "int32")
    lengths = np.minimum([len(sequence) for sequence in sequences], length).astype("int32")
    for row, sequence, count in zip(ids, sequences, lengths, strict=True):
        row[:count] = sequence[:count]
    return ids, lengths


def trim(ids, padding=0):
    """Leaves out the last places of `(..., length)` that are padding in every text; one place stays at least."""
    used = np.flatnonzero((ids != padding).any(axis=tuple(range(ids.ndim - 1))))
    return ids[..., : used[-1] + 1 if len(used) else 1]


def order_by_length(lengths, batch_size, seed, spread=50):
    """Orders texts so that each batch holds texts of like lengths, which have little padding between them.

    The texts are shuffled, every `spread` batches of them sorted, and the batches shuffled. Texts that fill no batch
    stand at the end; others in every order that is drawn.

    Args:
        lengths: Array `(texts,)`.
        batch_size: Texts a batch.
        seed: Of the draw; whatever `numpy.random.default_rng` takes, such as `(seed, epoch)`.
        spread: Batches that are sorted together; 1 for a mere shuffle.

    Returns:
        Array of row numbers, `(texts,)`; a batch is `batch_size` of them in a row.

    Raises:
        ValueError: `batch_size` or `spread` is below 1.
    """
    check_positive("batch_size", batch_size)
    check_positive("spread", spread)
    random = np.random.default_rng(seed)
    order = random.permutation(len(lengths))
    whole = len(order) // batch_size * batch_size
    pool = batch_size * spread
    for start in range(0, whole, pool):
        part = order[start : min(start + pool, whole)]
        order[start : start + len(part)] = part[np.argsort(np.asarray(lengths)[part], kind="stable")]
    batches = order[:whole].reshape(-1, batch_size)
    return np.concatenate([random.permutation(batches).ravel(), order[whole:]])
