"""The report of classifiers of texts."""

import csv

import numpy as np

from apps.text_report import write_report
from dlkeras.data.splits import Examples


def test_mistakes_are_listed_the_surest_first(tmp_path):
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    examples = Examples(np.array([[1], [2], [3]]), np.array([1, 1, 0]))
    texts, columns = (lambda row: (f"p, {row[0]}", "h")), ("premise", "hypothesis")
    write_report(tmp_path, probabilities, examples, texts, ["no", "yes"], columns)
    rows = [*csv.reader((tmp_path / "mistakes.csv").read_text(encoding="utf-8").splitlines())]
    assert rows[0] == ["score", "predicted", "true", "premise", "hypothesis"]
    assert rows[1:] == [["0.9000", "no", "yes", "p, 1", "h"], ["0.7000", "yes", "no", "p, 3", "h"]]
    assert (tmp_path / "confusion.png").stat().st_size > 1000
