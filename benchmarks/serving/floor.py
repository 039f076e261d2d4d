"""The floor: a SavedModel called in-process, `python -m benchmarks.serving.floor FOLDER NAME`; prints one JSON line.

The caller is `serving`'s own runner with its default options, which is faster than the signature as TensorFlow's
guide calls it; both are measured.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks.serving.models import MODELS, read_examples

BATCH_SIZE = 32
THREADS = (1, 2)


def measure(folder, name, seconds, source):
    """Measures one model in a process of its own.

    Args:
        folder: The folder of the models.
        name: The model's name.
        seconds: How long each way is measured.
        source: The folder that holds the package `serving`.

    Returns:
        `{"runner": figures, "signature": figures}`; figures have `p50` (milliseconds of a call with one row) and
        `throughput` (rows a second in batches of 32, by the better number of threads, `threads`).
    """
    command = [sys.executable, "-m", "benchmarks.serving.floor", str(folder), name, "--seconds", str(seconds)]
    environment = {"PYTHONPATH": f"{source}:{Path(__file__).parents[2]}", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, cwd=source, env=os.environ | environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _runner(path, model):
    from serving.runner import Runner, RunnerOptions

    runner = Runner(path, RunnerOptions())
    outputs = tuple(sorted(runner.signature("serving_default").outputs))
    return lambda rows: runner.run("serving_default", {model.input: rows}, outputs)


def _signature(path, model):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures["serving_default"]

    def call(rows):
        # The closure keeps `loaded`, and with it the variables, alive.
        return {name: value.numpy() for name, value in signature(**{model.input: tf.constant(rows)}).items() if loaded}

    return call


def _batch(rows, count):
    if isinstance(rows[0], bytes):
        return np.array(rows[:count], dtype=object)
    return np.stack(rows[:count])


def _median_call(call, rows, seconds):
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        call(rows)
        times.append(time.perf_counter() - begin)
    return 1000 * float(np.median(times))


def _rate(call, rows, threads, seconds):
    counts, begin = [0] * threads, time.perf_counter()

    def work(index):
        while time.perf_counter() < begin + seconds:
            call(rows)
            counts[index] += 1

    workers = [threading.Thread(target=work, args=(index,)) for index in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) * len(rows) / (time.perf_counter() - begin)


def _figures(call, rows, seconds):
    one, many = _batch(rows, 1), _batch(rows, BATCH_SIZE)
    for warm in (one, many):
        for _ in range(5):
            call(warm)
    rates = {threads: _rate(call, many, threads, seconds) for threads in THREADS}
    best = max(rates, key=rates.get)
    return {"p50": _median_call(call, one, seconds), "throughput": rates[best], "threads": best}


def main():
    """Reads the command line and measures."""
    # As the server does: TensorFlow would load Keras beside it.
    sys.modules["keras"] = None
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("name", choices=MODELS)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    examples, model = read_examples(options.folder, options.name), MODELS[options.name]
    figures = {}
    for way, make in (("runner", _runner), ("signature", _signature)):
        call = make(options.folder / options.name / "1", model)
        answer = call(_batch(examples.rows, BATCH_SIZE))["probabilities"]
        if np.abs(answer - examples.probabilities[:BATCH_SIZE]).max() > 1e-4:
            raise ValueError(f"{options.name}, {way}: the in-process answer is not the model's")
        figures[way] = _figures(call, examples.rows, options.seconds)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
