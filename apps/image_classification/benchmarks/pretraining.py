"""CIFAR-10 in halves: a network that was pretrained on five classes learns the other five from 20 pictures each.

The network is trained on all training pictures of the first five classes, and fine-tuned on 20 of each of the others,
beside the same network from scratch on the same 100 pictures. Both are tested on the 5,000 test pictures of those five.
"""

import dataclasses

import numpy as np

from apps.image_classification.app import Config, ImageClassification
from apps.image_classification.benchmarks.seeds import table_of_seeds, train_and_test
from dlkeras.data.splits import Examples

SEEDS = (0, 1, 2)
WAYS = {"pretrained": "pretrained on the other five classes", "scratch": "from scratch"}
ROWS = ("backbone", *(f"{way}-{seed}" for way in WAYS for seed in SEEDS))
_PICTURES = 20
_VALIDATION = 40

_BACKBONE = Config(
    data="cifar10", model="resnet20", flip=True, shift=0.125, epochs=8, batch_size=128, optimizer="sgd",
    learning_rate=0.2, weight_decay=0.003, validation_fraction=0.05,
)  # fmt: skip
_SMALL = Config(data="cifar10", model="resnet20", flip=True, shift=0.125, epochs=60, batch_size=20, learning_rate=0.003)
_FINETUNE = {"head_epochs": 40, "epochs": 20, "head_learning_rate": 0.01, "learning_rate": 0.0003, "unfreeze": 0.4}


def run(row, directory):
    """Makes one row: the backbone, or one seed of what is trained with or without it."""
    app = ImageClassification()
    if row == "backbone":
        splits = _half(app.load(_BACKBONE), first=True)
        return train_and_test(app, _BACKBONE, splits, directory)
    way, seed = row.split("-")
    backbone = str(directory.parent / "backbone" / "run")
    config = dataclasses.replace(_SMALL, seed=int(seed))
    if way == "pretrained":
        config = dataclasses.replace(config, finetune=backbone, **_FINETUNE)
    return train_and_test(app, config, _few(_half(app.load(config), first=False), config.seed), directory)


def _half(splits, first):
    """Keeps the first five classes, or the last."""
    names = splits.info["class_names"]
    begin, end = (0, 5) if first else (5, 10)

    def keep(examples):
        rows = (examples.y >= begin) & (examples.y < end)
        return Examples(examples.x[rows], examples.y[rows] - begin)

    parts = {name: keep(getattr(splits, name)) for name in ("train", "validation", "test")}
    return dataclasses.replace(splits, **parts, info={**splits.info, "class_names": names[begin:end]})


def _few(splits, seed):
    """Keeps a few pictures a class, other ones for every seed."""
    random = np.random.default_rng(seed)

    def draw(examples, count):
        rows = [random.choice(np.flatnonzero(examples.y == label), count, replace=False) for label in range(5)]
        rows = np.concatenate(rows)
        return Examples(examples.x[rows], examples.y[rows])

    return dataclasses.replace(
        splits, train=draw(splits.train, _PICTURES), validation=draw(splits.validation, _VALIDATION)
    )


def table(results):
    """Returns the table: a line a way, its seeds and their mean."""
    return table_of_seeds("ResNet-20, 20 pictures a class", WAYS, SEEDS, results)
