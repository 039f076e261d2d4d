"""Movie reviews (MR) by ten-fold cross-validation, as Kim (2014) and most after him measured on them.

Each tenth is tested on once, by a network that was trained on nine tenths of the others; the last tenth of those
chooses the epoch.
"""

import dataclasses
import statistics

import numpy as np

from apps.image_classification.benchmarks.seeds import train_and_test
from apps.results import markdown
from apps.sentiment.app import Sentiment
from apps.sentiment.reading import encode, read
from dlkeras.data.splits import Examples, split_off

FOLDS = 10
ROWS = tuple(f"fold-{fold}" for fold in range(FOLDS))
_PUBLISHED = "0.761 (Kim 2014, CNN-rand)"


def run(row, directory):
    """Makes one row: one fold, trained on the others and tested on once."""
    app = Sentiment()
    config = app.configs["mr"]
    splits = fold_of(read(config), int(row.removeprefix("fold-")), config)
    return train_and_test(app, config, encode(splits, config), directory)


def fold_of(splits, fold, config):
    """Parts the texts of all splits anew, each class in the same share.

    Args:
        splits: `Splits` of texts.
        fold: Which of the `FOLDS` is tested on.
        config: With `seed`, of the draw, and `validation_fraction`.

    Returns:
        `Splits` of the same texts.
    """
    parts = (splits.train, splits.validation, splits.test)
    texts = Examples(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    random = np.random.default_rng(config.seed)
    tested = np.zeros(len(texts.y), bool)
    for label in np.unique(texts.y):
        rows = random.permutation(np.flatnonzero(texts.y == label))
        tested[np.array_split(rows, FOLDS)[fold]] = True
    train, validation = split_off(Examples(texts.x[~tested], texts.y[~tested]), config.validation_fraction, config.seed)
    test = Examples(texts.x[tested], texts.y[tested])
    return dataclasses.replace(splits, train=train, validation=validation, test=test)


def table(results):
    """Returns the table: the folds there are, their mean, and what they cost."""
    accuracies = [result["accuracy"] for result in results.values()]
    minutes = statistics.mean(result["cpu_seconds"] for result in results.values()) / 60
    head = ["folds", "mean test accuracy", "standard deviation", "lowest", "highest", "published", "CPU minutes a fold"]
    figures = (statistics.mean(accuracies), statistics.pstdev(accuracies), min(accuracies), max(accuracies))
    line = [str(len(accuracies)), *(f"{figure:.4f}" for figure in figures), _PUBLISHED, f"{minutes:.1f}"]
    return markdown([head, ["---"] * len(head), line])
