"""Figures and tables of a classifier, against numbers worked by hand."""

import numpy as np
import pytest

from apps.classification import class_table, measure
from apps.image_classification.report import write_report
from dlkeras.data import Examples

# Four pictures of three classes: right, wrong (1 taken for 0), right, right.
PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8], [0.2, 0.5, 0.3]])
LABELS = np.array([0, 1, 2, 1])


def test_measure():
    figures = measure(PROBABILITIES, LABELS)
    assert figures["accuracy"] == 0.75
    assert figures["top_2_accuracy"] == 1.0
    assert figures["loss"] == pytest.approx(-np.log([0.7, 0.3, 0.8, 0.5]).mean())
    # F1: class 0 has precision 1/2 and recall 1; class 1 precision 1 and recall 1/2; class 2 is perfect.
    assert figures["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    # Each confidence falls into a bin of its own: |0.7-1|, |0.6-0|, |0.8-1|, |0.5-1|.
    assert figures["expected_calibration_error"] == pytest.approx((0.3 + 0.6 + 0.2 + 0.5) / 4)


def test_class_table():
    assert class_table(PROBABILITIES, LABELS, ["cat", "dog", "a,b"]).splitlines() == [
        "class,precision,recall,f1,examples",
        '"cat",0.5000,1.0000,0.6667,1',
        '"dog",1.0000,0.5000,0.6667,2',
        '"a,b",1.0000,1.0000,1.0000,1',
    ]


def test_a_class_that_never_occurs_does_no_harm():
    figures = measure(np.array([[0.9, 0.05, 0.05], [0.2, 0.7, 0.1]]), np.array([0, 1]))
    assert figures["accuracy"] == 1.0


@pytest.mark.parametrize("channels", [1, 3])
def test_report_is_written_also_without_mistakes(tmp_path, channels):
    pictures = np.zeros((4, 8, 8, channels), "uint8")
    for labels in (LABELS, PROBABILITIES.argmax(axis=1)):
        write_report(tmp_path, PROBABILITIES, Examples(pictures, labels), ["cat", "dog", "cow"])
        for name in ("confusion.png", "mistakes.png"):
            assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
