"""Language models, ours against the same in PyTorch: tokens a second in training and in generation.

    python -m benchmarks.language --torch-python torch-env/bin/python

An LSTM (2 layers of 256) and a GPT (nanoGPT's CPU setting: 4 layers, 4 heads, 128 wide), both on characters. Every
measurement is a fresh process; the rounds go through all of them in turn, ours and PyTorch's one after the other, so
that whatever else the machine does falls on both. Medians, with the spread.
"""

import argparse
import dataclasses
import importlib.util
import json
import os
import re
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.serving import report
from benchmarks.serving.processes import other_work
from benchmarks.training import measure_once

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- language: written by `python -m benchmarks.language` -->", "<!-- end of language -->"
VOCABULARY, TEMPERATURE, CLIP = 66, 0.8, 1.0


@dataclasses.dataclass(frozen=True)
class Task:
    """What is measured of one network, by ours and by PyTorch.

    Attributes:
        network: `lstm` or `gpt`.
        task: `training`, a step of which is a batch; or `generation`, a step of which is one answer to a batch.
        batch: Texts side by side.
        block: Ids of a text in training; the room of the GPT.
        steps: Steps that are timed.
        warmup: Steps before them, a multiple of 8 in training.
        prompt: Ids of each prompt.
        count: Ids that are generated.
    """

    network: str
    task: str
    batch: int
    block: int
    steps: int
    warmup: int
    prompt: int = 16
    count: int = 200

    @property
    def tokens(self):
        """Ids of a step."""
        return self.batch * (self.block if self.task == "training" else self.count)

    @property
    def length(self):
        """Ids of a text that has just as many batches as are trained on."""
        return self.batch * self.block * (self.warmup + self.steps) + 1


TASKS = {
    "LSTM, training": Task("lstm", "training", 32, 64, 64, 8),
    "GPT, training": Task("gpt", "training", 12, 64, 160, 8),
    "LSTM, one text": Task("lstm", "generation", 1, 256, 20, 3),
    "LSTM, 16 texts": Task("lstm", "generation", 16, 256, 10, 2),
    "GPT, one text": Task("gpt", "generation", 1, 256, 10, 2),
    "GPT, 16 texts": Task("gpt", "generation", 16, 256, 5, 2),
}


def build(task):
    """Builds our network."""
    from dlkeras import models
    from dlkeras.models.text.recurrent_language import RecurrentLanguageModel

    if task.network == "gpt":
        return models.create("gpt", vocabulary_size=VOCABULARY, block=task.block)
    return RecurrentLanguageModel(vocabulary_size=VOCABULARY, embedding_dim=256, units=256, depth=2)


def train(model, task, ids, seed):
    """Trains as an app does, by `dlkeras.training.fit`; returns seconds by the wall and of the processor."""
    import functools

    import keras

    from dlkeras.losses.sequences import MaskedCrossEntropy
    from dlkeras.text.streams import StreamBatches, WindowBatches, cut_blocks
    from dlkeras.training import fit

    clocks = {}

    def mark(batch, logs):
        clocks[batch + 1] = time.perf_counter(), time.process_time()

    model.compile(keras.optimizers.AdamW(1e-3, beta_2=0.99, global_clipnorm=CLIP), MaskedCrossEntropy())
    examples = cut_blocks(ids, task.block)
    lanes = functools.partial(StreamBatches, model=model)
    with tempfile.TemporaryDirectory() as folder:
        fit(
            model,
            examples,
            cut_blocks(ids[: 2 * task.block], task.block),
            folder,
            epochs=1,
            batch_size=task.batch,
            seed=seed,
            monitor="val_loss",
            callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=mark)],
            batches=lanes if task.network == "lstm" else WindowBatches,
        )
    first, last = clocks[task.warmup], clocks[task.warmup + task.steps]
    return last[0] - first[0], last[1] - first[1]


def generator(model, task):
    """Returns the function that goes on with prompts: one call of a graph, as in an exported endpoint."""
    import tensorflow as tf

    from dlkeras.text.decoding import sample
    from dlkeras.text.sampling import Sampling

    @tf.function(input_signature=[tf.TensorSpec([None, None], "int32"), tf.TensorSpec([None], "int64")])
    def generate(prompts, seeds):
        memory, state = model.start(prompts[:, :-1])
        return sample(model.step, prompts[:, -1], memory, state, task.count, Sampling(seeds, TEMPERATURE)).tokens

    return generate


def generate(model, task, ids):
    """Answers prompts; returns seconds by the wall and of the processor."""
    import tensorflow as tf

    answer, seeds = generator(model, task), tf.range(task.batch, dtype="int64")
    prompts = tf.constant(ids[: task.batch * task.prompt].reshape(task.batch, -1))
    for step in range(task.warmup + task.steps):
        if step == task.warmup:
            clocks = time.perf_counter(), time.process_time()
        answer(prompts, seeds + step).numpy()
    return time.perf_counter() - clocks[0], time.process_time() - clocks[1]


def measure(task, seed):
    """Measures ours in this process."""
    from apps.quiet import import_keras

    import_keras()
    import keras

    keras.utils.set_random_seed(seed)
    model = build(task)
    ids = np.random.default_rng(seed).integers(1, VOCABULARY, task.length, dtype="int32")
    wall, cpu = train(model, task, ids, seed) if task.task == "training" else generate(model, task, ids)
    tokens = task.steps * task.tokens
    return {
        "tokens_per_second": tokens / wall,
        "cpu_microseconds": 1e6 * cpu / tokens,
        "parameters": model.count_params(),
    }


def commands(name, options):
    """Returns what measures a task: `(command, environment)` of ours and of PyTorch; `None` for what cannot be run."""
    task, threads = TASKS[name], str(options.threads)
    ours = [sys.executable, "-m", "benchmarks.language", "--task", name, "--seed", str(options.seed)]
    environment = {"TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": threads, "KERAS_BACKEND": "tensorflow"}
    python = options.torch_python or (sys.executable if importlib.util.find_spec("torch") else None)
    torch = [python, "benchmarks/torch_language.py", task.network, task.task, "--seed", str(options.seed)]
    for field in ("batch", "block", "steps", "warmup", "length", "prompt", "count"):
        torch += [f"--{field}", str(getattr(task, field))]
    return [(ours, environment), ([*torch, "--threads", threads] if python else None, {})]


def run_rounds(names, options):
    """Measures all tasks, round by round; returns `{name: (our figures, PyTorch's)}`, lists of one a round."""
    results = {name: ([], []) for name in names}
    for count in range(1, options.rounds + 1):
        for name in names:
            for figures, (command, environment), who in zip(
                results[name], commands(name, options), ("dlkeras", "PyTorch"), strict=True
            ):
                if command is not None:
                    figures.append(measure_once(command, environment))
                    rate, cpu = figures[-1]["tokens_per_second"], figures[-1]["cpu_microseconds"]
                    place = f"round {count}/{options.rounds}  {name:16} {who:8}"
                    print(f"{place} {rate:8.0f} tokens/s  {cpu:8.1f} CPU us a token", flush=True)
    return results


def table(results):
    """Returns a Markdown table: tokens a second, medians over the rounds with the spread, and their ratio."""
    lines = [
        "| what | dlkeras | lowest to highest | PyTorch | lowest to highest | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for name, (ours, theirs) in results.items():
        cells = [*_rates(ours), *(_rates(theirs) if theirs else ("not installed", ""))]
        ratio = f"{_median(ours) / _median(theirs):.2f}" if theirs else ""
        lines.append(f"| {' | '.join([name, *cells, ratio])} |")
    return "\n".join(lines)


def _rates(rows):
    rates = sorted(row["tokens_per_second"] for row in rows)
    return f"{_median(rows):,.0f}", f"{rates[0]:,.0f} to {rates[-1]:,.0f}"


def _median(rows):
    return statistics.median(row["tokens_per_second"] for row in rows)


def conditions(results, options, busy):
    """Returns the sentences that stand under the table."""
    rows = [row for sides in results.values() for side in sides for row in side]
    versions = [f"{name} {version(name)}" for name in ("tensorflow", "keras")]
    versions += sorted({f"torch {row['version']}" for row in rows if "version" in row})
    return (
        f"Tokens a second. {os.cpu_count()} cores ({report.processor()}), {options.threads} threads each, "
        f"{', '.join(versions)}; seed {options.seed}, {options.rounds} rounds. "
        f"Before the first round other work used {busy:.2f} cores."
    )


def main():
    """Reads the options, measures, prints the table, and writes it where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each row (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of texts, weights and draws (%(default)s)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of either (%(default)s)")
    parser.add_argument("--torch-python", metavar="PATH", help="a Python that has torch, where this one has not")
    parser.add_argument("--only", metavar="TEXT", default="", help="rows whose name matches a regular expression")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        print(json.dumps(measure(TASKS[options.task], options.seed)))
        return
    names = [name for name in TASKS if re.search(options.only, name)]
    if options.rounds < 1 or not names:
        parser.error("--rounds must be at least 1, and --only match a row")
    busy = other_work()
    results = run_rounds(names, options)
    text = f"{table(results)}\n\n{conditions(results, options, busy)}"
    print(f"\n{text}")
    if options.write:
        report.write(text, BEGIN, END, README)


if __name__ == "__main__":
    main()
