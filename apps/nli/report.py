"""What a test of pairs looks like: the tables of any classifier, and the worst mistakes."""

import csv
from pathlib import Path

import numpy as np

from apps.classification import write_tables
from dlkeras.files import write_atomically

WORST = 50


def write_report(directory, probabilities, examples, texts, class_names):
    """Writes `classes.csv`, `confusion.png`, and `mistakes.csv`: the wrong answers that the model was surest of.

    Args:
        directory: Where they go; made if it is not there.
        probabilities: Array `(pairs, classes)`.
        examples: The test `Examples`.
        texts: Function of a row of `examples.x` that gives its premise and hypothesis.
        class_names: One name a class.
    """
    directory = Path(directory)
    write_tables(directory, probabilities, examples.y, class_names)
    write_atomically(directory / "mistakes.csv", lambda path: _write(path, probabilities, examples, texts, class_names))


def _write(path, probabilities, examples, texts, class_names):
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != examples.y)
    worst = wrong[np.argsort(-probabilities.max(axis=1)[wrong])][:WORST]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["score", "predicted", "true", "premise", "hypothesis"])
        for row in worst:
            score = f"{probabilities[row, predicted[row]]:.4f}"
            names = class_names[predicted[row]], class_names[examples.y[row]]
            writer.writerow([score, *names, *texts(examples.x[row])])
