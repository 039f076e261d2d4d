"""What was played, to learn from again (Lin 1992; prioritised: Schaul et al. 2016, "Prioritized experience replay")."""

from typing import NamedTuple

import numpy as np

from dlkeras.checks import check_fraction, check_positive

# So that what was learned well keeps a chance.
_LEAST_PRIORITY = 1e-3


class Steps(NamedTuple):
    """Steps of play, an array each with the batch axis first; several batches have one axis more.

    Attributes:
        observations: float32 `(batch, observation_size)`.
        actions: int32 `(batch,)`.
        returns: float32 `(batch,)`: the reward, or the discounted rewards of several steps.
        after: float32 `(batch, observation_size)`: the observations after these steps.
        discounts: float32 `(batch,)`: what the value of `after` counts; 0 where the episode ended by itself.
    """

    observations: np.ndarray
    actions: np.ndarray
    returns: np.ndarray
    after: np.ndarray
    discounts: np.ndarray


class Replay:
    """The last steps of play, from which batches are drawn.

    Args:
        capacity: Steps to keep.
        observation_size: Numbers of an observation.
        priority: Exponent of the errors by which steps are drawn, in [0, 1]; 0 to draw all alike.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(self, capacity, observation_size, priority=0.0):
        check_positive("buffer_size", capacity)
        check_fraction("priority", priority)
        self._capacity, self._priority = capacity, priority
        self._steps = Steps(
            np.zeros((capacity, observation_size), "float32"),
            np.zeros(capacity, "int32"),
            np.zeros(capacity, "float32"),
            np.zeros((capacity, observation_size), "float32"),
            np.zeros(capacity, "float32"),
        )
        self._tree = SumTree(capacity) if priority else None
        self._highest = 1.0
        self._added = 0

    def __len__(self):
        return min(self._added, self._capacity)

    def add(self, steps):
        """Takes `Steps`; the oldest give way to them."""
        rows = np.arange(self._added, self._added + len(steps.actions)) % self._capacity
        for kept, new in zip(self._steps, steps, strict=True):
            kept[rows] = new
        self._added += len(rows)
        if self._tree is not None:
            # As if the error were the highest so far: so that every step is learned from soon.
            self._tree.set(rows, np.full(len(rows), self._highest))

    def sample(self, rng, shape, correction=1.0):
        """Draws steps, with replacement.

        Args:
            rng: A `numpy.random.Generator`.
            shape: `(batch,)` or `(batches, batch)`.
            correction: How far weights make up for priorities, in [0, 1]; 1 altogether.

        Returns:
            `(rows, steps, weights)`: where they are, for `learned`; `Steps`; float32 weights, at most 1.
        """
        if self._tree is None:
            rows = rng.integers(len(self), size=shape)
            weights = np.ones(shape, "float32")
        else:
            rows, chances = self._tree.sample(rng, shape)
            weights = (len(self) * chances) ** -correction
            weights = (weights / weights.max(axis=-1, keepdims=True)).astype("float32")
        return rows, Steps(*(kept[rows] for kept in self._steps)), weights

    def learned(self, rows, errors):
        """Takes the errors of drawn steps, by which they will be drawn again; no use without priorities."""
        if self._tree is not None:
            priorities = (np.abs(errors) + _LEAST_PRIORITY) ** self._priority
            self._highest = max(self._highest, float(priorities.max()))
            self._tree.set(rows.ravel(), priorities.ravel())

    def arrays(self):
        """Returns what `restore` needs, arrays by name."""
        kept = {f"replay_{name}": values[: len(self)] for name, values in self._steps._asdict().items()}
        if self._tree is not None:
            kept["replay_priorities"] = self._tree.get(np.arange(len(self)))
        return {**kept, "replay_added": np.array(self._added)}

    def restore(self, arrays):
        """Takes up what `arrays` gave."""
        self._added = int(arrays["replay_added"])
        for name, kept in self._steps._asdict().items():
            kept[: len(self)] = arrays[f"replay_{name}"]
        if self._tree is not None and len(self):
            priorities = arrays["replay_priorities"]
            self._tree.set(np.arange(len(self)), priorities)
            self._highest = max(1.0, float(priorities.max()))


class SumTree:
    """Numbers from which one is drawn with a chance in proportion to it, or changed, in a time that is logarithmic.

    Args:
        size: Number of numbers; all are 0 at first.
    """

    def __init__(self, size):
        self._depth = max(int(np.ceil(np.log2(size))), 1)
        self._leaves = 2**self._depth
        # Node k has the children 2k and 2k + 1; the root is node 1.
        self._sums = np.zeros(2 * self._leaves)

    def get(self, rows):
        """Returns the numbers at some places."""
        return self._sums[self._leaves + rows]

    def set(self, rows, values):
        """Changes the numbers at some places, int `(count,)`; of a place that comes twice, the last value counts."""
        nodes = self._leaves + rows
        self._sums[nodes] = values
        for _ in range(self._depth):
            nodes = np.unique(nodes // 2)
            self._sums[nodes] = self._sums[2 * nodes] + self._sums[2 * nodes + 1]

    def sample(self, rng, shape):
        """Returns places drawn, and the chance that each had, both of `shape`."""
        total = self._sums[1]
        left = rng.random(shape) * total
        nodes = np.ones(shape, "int64")
        for _ in range(self._depth):
            nodes *= 2
            below = self._sums[nodes]
            # A sum of 0 on the right is never entered, whatever rounding has left over.
            right = (left >= below) & (self._sums[nodes + 1] > 0)
            left = np.where(right, left - below, left)
            nodes = nodes + right
        return nodes - self._leaves, self._sums[nodes] / total
