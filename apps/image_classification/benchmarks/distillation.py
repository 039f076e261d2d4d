"""A LeNet on Fashion-MNIST, alone and taught by the ResNet-20 that ships, at the same number of epochs.

Chosen on validation pictures with another seed, 7: 30 epochs, since a student of 10 has not yet learned what the class
numbers tell (0.912 against 0.913 alone), and of the temperatures and weights (4, 0.9), (8, 1) and (4, 0.5) the last
(0.923, 0.923 and 0.925 against 0.917 alone).
"""

import dataclasses
import functools

from apps.base import steps_of
from apps.image_classification.app import Config, ImageClassification
from apps.image_classification.benchmarks.seeds import table_of_seeds, train_and_test
from apps.presets import model_folder
from apps.trained import open_trained
from dlkeras.training.distillation import distill

SEEDS = (0, 1, 2)
WAYS = {"alone": "LeNet alone", "distilled": "LeNet taught by ResNet-20 (preset fashion_mnist)"}
ROWS = tuple(f"{way}-{seed}" for way in WAYS for seed in SEEDS)
_CONFIG = Config(data="fashion_mnist", model="lenet", flip=True, epochs=30, batch_size=64, learning_rate=0.003)
_TEACHER = {"temperature": 4.0, "alpha": 0.5}


def run(row, directory):
    """Makes one row: one seed, alone or taught."""
    way, seed = row.split("-")
    app = ImageClassification()
    config = dataclasses.replace(_CONFIG, seed=int(seed))
    fit = functools.partial(_distill, app) if way == "distilled" else None
    return train_and_test(app, config, app.load(config), directory, fit)


def _distill(app, model, splits, config, directory):
    teacher = open_trained(app, model_folder(app.name, "fashion_mnist")).model
    app.compile(model, config, steps_of(splits, config, config.epochs))
    fitting = {**app.fitting(config, splits.info), **_TEACHER}
    return distill(teacher, model, splits.train, splits.validation, directory, **fitting)


def table(results):
    """Returns the table: a line a way, its seeds and their mean."""
    return table_of_seeds(f"Fashion-MNIST, {_CONFIG.epochs} epochs", WAYS, SEEDS, results)
