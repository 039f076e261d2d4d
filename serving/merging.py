"""Whether, and how far, the requests for a signature may be run together without changing an answer."""

import functools
import math
import time
from typing import NamedTuple

import numpy as np

SAMPLES = 4
MAX_ROWS = 128
MAX_PROBE_BYTES = 2**26
MAX_ROW_BYTES = 2**24
PROBE_SECONDS = 1.5
MAX_PROBED_SECONDS = 0.25
MIN_GAIN = 1.05
TIMED_RUNS = 8
# What a run costs besides, in being handed to a thread and back: the larger it is, the less that counts.
HAND_OVER_SECONDS = 0.0005
UNKNOWN_SIZE = 16
# Another batch size may take another kernel, which adds up in another order.
TOLERANCES = {"float64": 1e-9, "complex128": 1e-9, "float16": 2e-2, "bfloat16": 5e-2}
DEFAULT_TOLERANCE = 1e-4


class Plan(NamedTuple):
    """How many rows to run at a time.

    Args:
        seconds: The sizes that pay, in rows, ascending, to the seconds that a run takes.
    """

    seconds: dict

    @property
    def max_rows(self):
        """The largest size."""
        return max(self.seconds)

    def choose(self, rows):
        """Choose how to run rows that wait.

        Args:
            rows: How many there are, at least 1.

        Returns:
            The size to run: of those at hand all or a part, filled up where that is quicker in the end.
        """
        below = max(size for size in self.seconds if size <= rows)
        above = min((size for size in self.seconds if size > rows), default=None)
        if above is None or below == rows:
            return below
        return above if rows / self.seconds[above] > below / self.seconds[below] else below


def is_row_wise(signature):
    """Tell whether a signature's shapes allow its requests to be run together.

    Args:
        signature: A `Signature`.

    Returns:
        True if every input and output has a first dimension of any size, and the others of an output do not depend
        on what is in it.
    """
    specs = [*signature.inputs.values(), *signature.outputs.values()]
    if not signature.inputs or any(not spec.shape or spec.shape[0] is not None for spec in specs):
        return False
    return all(None not in spec.shape[1:] for spec in signature.outputs.values())


def synthetic_samples(signature):
    """Make inputs of one row each, for signatures that take numbers.

    Args:
        signature: A `Signature` that is row-wise.

    Returns:
        Lists of `SAMPLES` inputs (names to arrays) to try, the tamest last; none if an input is text, of which nobody
        can know what is right, or so large that trying would take the memory that requests need.
    """
    if any(spec.dtype.kind not in "fiubc" and spec.dtype.name != "bfloat16" for spec in signature.inputs.values()):
        return []
    if sum(math.prod(_row_shape(spec)) * spec.dtype.itemsize for spec in signature.inputs.values()) > MAX_ROW_BYTES:
        return []
    random = np.random.default_rng(0)
    return [
        [{name: _values(spec, random, scale, row) for name, spec in signature.inputs.items()} for row in range(SAMPLES)]
        for scale in (100.0, 1.0)
    ]


def _row_shape(spec):
    return [UNKNOWN_SIZE if size is None else size for size in spec.shape[1:]]


def _values(spec, random, scale, row):
    shape = (1, *_row_shape(spec))
    if spec.dtype.kind == "b":
        return random.integers(0, 2, shape).astype(bool)
    if spec.dtype.kind in "iu":
        # Small: an index beyond its table is an error.
        return random.integers(0, 2, shape).astype(spec.dtype) if row else np.zeros(shape, spec.dtype)
    # Rows of different magnitude, so that what one row does to another shows.
    return (random.standard_normal(shape) * scale ** (row / (SAMPLES - 1))).astype(spec.dtype)


def plan_signatures(runner):
    """Find out for each signature of a model how its requests may be merged, as far as made-up inputs can tell.

    Args:
        runner: The model's `Runner`.

    Returns:
        Names of signatures to a `Plan`, or to None where requests must not be merged; where neither is known the name
        is missing, and the first requests may tell.
    """
    plans = {}
    for name, signature in runner.signatures.items():
        if not is_row_wise(signature) or runner.is_stateful(name):
            plans[name] = None
            continue
        run = functools.partial(_run, runner, name, tuple(signature.outputs))
        known, plan = _plan_signature(run, synthetic_samples(signature))
        if known:
            plans[name] = plan
    return plans


def _run(runner, name, outputs, inputs):
    return runner.run(name, inputs, outputs)


def _plan_signature(run, sets_of_samples):
    merged = None
    for samples in sets_of_samples:
        try:
            start = time.monotonic()
            run(samples[0])
            if time.monotonic() - start > MAX_PROBED_SECONDS:
                # So much work a row gains little from company, and trying would hold up the start.
                return True, None
            answer = may_merge(run, samples)
        # Made-up inputs may be none that this model takes.
        except Exception:
            continue
        if answer is False:
            return True, None
        merged = samples if answer else merged
    return merged is not None, merged and _make_plan(run, merged[0])


def find_plan(run, samples):
    """Find out whether requests may be run together, and how far that pays.

    Args:
        run: A function from inputs to outputs, names to arrays each.
        samples: Inputs of one row each, of the same shapes, no two the same.

    Returns:
        A `Plan`, or None if answers change when rows are run together, or if the samples cannot tell.

    Raises:
        Exception: Whatever the model raises on a sample.
    """
    return _make_plan(run, samples[0]) if may_merge(run, samples) else None


def may_merge(run, samples):
    """Compare the answers to rows that are run together with those to the same rows run alone.

    Args:
        run: As for `find_plan`.
        samples: As for `find_plan`.

    Returns:
        Whether they are the same but for rounding; None if the samples cannot tell.

    Raises:
        Exception: Whatever the model raises on a sample.
    """
    alone = [run(sample) for sample in samples]
    for order in (range(len(samples)), (len(samples) - 1, 0)):
        together = run(join([samples[row] for row in order]))
        if not all(_same(rows_of(together, i, i + 1), alone[row]) for i, row in enumerate(order)):
            return False
    return True if _differ(samples) and _differ(alone) else None


def _differ(rows):
    first = rows[0]
    return any(not np.array_equal(row[name], first[name]) for row in rows[1:] for name in first)


def _same(received, expected):
    for name, array in expected.items():
        if received[name].shape != array.shape or received[name].dtype != array.dtype:
            return False
        if not _close(received[name], array):
            return False
    return True


def _close(received, expected):
    if expected.dtype.kind in "Obiu":
        return np.array_equal(received, expected)
    tolerance = TOLERANCES.get(expected.dtype.name, DEFAULT_TOLERANCE)
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    received, expected = received.astype(wide), expected.astype(wide)
    finite = np.abs(expected[np.isfinite(expected)])
    # Where sums cancel, rounding is a part of what was added, not of what is left.
    scale = float(finite.max()) if finite.size else 0.0
    return bool(np.allclose(received, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True))


def _make_plan(run, sample):
    seconds = _measure(run, sample)
    # Without a size of one row there is nothing to choose from.
    return Plan(seconds) if 1 in seconds else None


def _measure(run, sample):
    until = time.monotonic() + PROBE_SECONDS
    size_of_row = sum(array.nbytes for array in sample.values())
    seconds = {}
    for size in (2**power for power in range(MAX_ROWS.bit_length())):
        if seconds and size * size_of_row > MAX_PROBE_BYTES:
            break
        try:
            taken = _time(run, join([sample], size))
        # A batch may be more than the model, or the memory, has room for: what was smaller was not.
        except Exception:
            break
        best = max((rows / duration for rows, duration in seconds.items()), default=0.0)
        # A size that is slow, for its kernels or by chance, says little of the next.
        if size / taken > best * MIN_GAIN:
            seconds[size] = taken
        if time.monotonic() + 2 * TIMED_RUNS * taken > until:
            break
    return seconds


def _time(run, inputs):
    # The first run of a size is not like the others, and the shortest is the least disturbed.
    run(inputs)
    shortest = float("inf")
    for _ in range(TIMED_RUNS):
        start = time.perf_counter()
        run(inputs)
        shortest = min(shortest, time.perf_counter() - start)
    return shortest + HAND_OVER_SECONDS


def join(parts, rows=None):
    """Put inputs one below the other.

    Args:
        parts: A list of inputs, names to arrays.
        rows: How many rows to make of them, by repeating the last; None for as many as they have.

    Returns:
        Names to arrays.
    """
    joined = {}
    for name in parts[0]:
        arrays = [part[name] for part in parts]
        missing = 0 if rows is None else rows - sum(len(array) for array in arrays)
        if missing > 0:
            arrays.append(np.repeat(arrays[-1][-1:], missing, axis=0))
        joined[name] = arrays[0] if len(arrays) == 1 else _stack(arrays)
    return joined


def _stack(arrays):
    first = arrays[0]
    if first.dtype.kind in "OV" or not all(array.flags.c_contiguous for array in arrays):
        return np.concatenate(arrays)
    # numpy gives the interpreter away for each of them, and has to wait for it again: bytes are joined in one go.
    return np.frombuffer(b"".join(arrays), first.dtype).reshape(sum(map(len, arrays)), *first.shape[1:])


def pad_alike(parts):
    """Fill inputs up to the same shapes, with each array's own first value, as TensorFlow Serving does.

    Args:
        parts: A list of inputs, names to arrays; those of one name have the same rank.

    Returns:
        A list of inputs that differ in their first dimension alone.
    """
    widest = {name: np.max([part[name].shape[1:] for part in parts], axis=0).astype(int) for name in parts[0]}
    return [{name: _pad(array, widest[name]) for name, array in part.items()} for part in parts]


def _pad(array, shape):
    if not array.size or array.shape[1:] == tuple(shape):
        return array
    padded = np.full((len(array), *shape), array.flat[0], array.dtype)
    padded[tuple(slice(size) for size in array.shape)] = array
    return padded


def rows_of(outputs, start, stop):
    """Cut rows out of outputs, names to arrays."""
    return {name: array[start:stop] for name, array in outputs.items()}


def run_in_parts(run, max_rows, inputs):
    """Run inputs a few rows at a time.

    Args:
        run: A function from inputs to outputs, names to arrays each.
        max_rows: The rows that it takes at a time.
        inputs: Names to arrays with a first dimension in common.

    Returns:
        The outputs of all rows.
    """
    rows = len(next(iter(inputs.values())))
    parts = [run(rows_of(inputs, start, start + max_rows)) for start in range(0, rows, max_rows)]
    return parts[0] if len(parts) == 1 else join(parts)
