"""The one shape of answer that every reader gives."""

import dataclasses
from typing import NamedTuple

import numpy as np


class Examples(NamedTuple):
    """Inputs and targets, one row an example.

    Attributes:
        x: Array `(examples, ...)`, for pictures `uint8` `(examples, height, width, channels)`.
        y: Array `(examples, ...)`, for classes `int32` `(examples,)`.
    """

    x: np.ndarray
    y: np.ndarray


@dataclasses.dataclass(frozen=True)
class Splits:
    """A data set, parted.

    Attributes:
        train: What a model is fitted to.
        validation: What choices are made on.
        test: What is reported, once.
        info: What a model needs to know of the data, as plain JSON values: `class_names`, `image_shape`, `data`.
    """

    train: Examples
    validation: Examples
    test: Examples
    info: dict


def split_off(examples, fraction, seed):
    """Parts examples in two, each class in the same share.

    Args:
        examples: `Examples` with integer classes `(examples,)` as `y`.
        fraction: Share of each class that goes into the second part, in (0, 1).
        seed: Seed of the draw.

    Returns:
        `(rest, part)`, both `Examples` in their original order.

    Raises:
        ValueError: `fraction` is out of its range, or a class has fewer than two examples.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"`fraction` must be in (0, 1). Received: fraction={fraction}")
    random = np.random.default_rng(seed)
    chosen = np.zeros(len(examples.y), bool)
    for label in np.unique(examples.y):
        rows = np.flatnonzero(examples.y == label)
        if len(rows) < 2:
            raise ValueError(f"A class needs at least 2 examples to be split. Received: {len(rows)} of class {label}")
        count = min(max(1, round(fraction * len(rows))), len(rows) - 1)
        chosen[random.choice(rows, count, replace=False)] = True
    return Examples(examples.x[~chosen], examples.y[~chosen]), Examples(examples.x[chosen], examples.y[chosen])
