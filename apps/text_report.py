"""What a test of a classifier of texts looks like: the tables of any classifier, and the worst mistakes."""

import csv
from pathlib import Path

import numpy as np

from apps.classification import write_tables
from dlkeras.files import write_atomically

WORST = 50


def write_report(directory, probabilities, examples, texts, class_names, columns=("text",)):
    """Writes `classes.csv`, `confusion.png`, and `mistakes.csv`: the wrong answers that the model was surest of.

    Args:
        directory: Where they go; made if it is not there.
        probabilities: Array `(examples, classes)`.
        examples: The test `Examples`.
        texts: Function of a row of `examples.x` that gives its texts, one a column.
        class_names: One name a class.
        columns: What the texts of a row are called.
    """
    directory = Path(directory)
    write_tables(directory, probabilities, examples.y, class_names)
    mistakes = _mistakes(probabilities, examples, texts, class_names)
    rows = [["score", "predicted", "true", *columns], *mistakes]
    write_atomically(directory / "mistakes.csv", lambda path: _write(path, rows))


def _mistakes(probabilities, examples, texts, class_names):
    """Yields the rows of wrong answers, the surest first."""
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != examples.y)
    for row in wrong[np.argsort(-probabilities.max(axis=1)[wrong])][:WORST]:
        score = f"{probabilities[row, predicted[row]]:.4f}"
        yield [score, class_names[predicted[row]], class_names[examples.y[row]], *texts(examples.x[row])]


def _write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
