"""Ten folds: each text is tested on once, and never by a network that has seen it."""

import dataclasses

import numpy as np

from apps.sentiment.app import Sentiment
from apps.sentiment.benchmarks.cross_validation import FOLDS, fold_of, table
from apps.sentiment.reading import read


def test_each_text_is_tested_on_once(tmp_path):
    for label in ("pos", "neg"):
        (tmp_path / f"mr.{label}").write_text("".join(f"{label} number {n}\n" for n in range(53)))
    config = dataclasses.replace(Sentiment.configs["mr"], data=str(tmp_path / "mr"))
    splits, tested = read(config), []
    for fold in range(FOLDS):
        parted = fold_of(splits, fold, config)
        parts = [parted.train, parted.validation, parted.test]
        assert len({text for part in parts for text in part.x}) == sum(len(part.x) for part in parts) == 106
        assert all(np.ptp(np.bincount(part.y, minlength=2)) == 0 for part in parts)
        assert len(parted.validation.y) == 10
        tested += parted.test.x.tolist()
    assert len(tested) == len({*tested}) == 106
    assert parted.info["class_names"] == ["negative", "positive"]


def test_the_table_has_the_mean_of_the_folds():
    results = {f"fold-{fold}": {"accuracy": 0.7 + fold / 10, "cpu_seconds": 60 * fold} for fold in (0, 1)}
    cells = "2 | 0.7500 | 0.0500 | 0.7000 | 0.8000 | 0.761 (Kim 2014, CNN-rand) | 0.5"
    assert table(results).splitlines()[2] == f"| {cells} |"
