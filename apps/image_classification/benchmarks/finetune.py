"""Ants and bees: a network that was pretrained on ImageNet, fine-tuned, beside the same network from scratch.

The 244 training pictures alone are used to train and to choose the epoch (a tenth of them is kept for that); the 153
pictures of the folder `val` are the test, read once a run.
"""

import dataclasses

import numpy as np

from apps.image_classification.app import ImageClassification
from apps.image_classification.benchmarks.seeds import table_of_seeds, train_and_test
from dlkeras.data.location import DataError, find
from dlkeras.data.splits import Examples, split_off

SEEDS = (0, 1, 2)
WAYS = {"finetuned": "fine-tuned from ImageNet", "scratch": "from scratch"}
ROWS = tuple(f"{way}-{seed}" for way in WAYS for seed in SEEDS)

# The first that was tried. The config `finetune` is the one of six that four-fold cross-validation on the training
# pictures found best, by little: 0.885 in its last epoch, where the others had 0.82 to 0.885.
_SCRATCH = {"finetune": "", "model": "mobilenet_v1_025", "image_size": 224, "epochs": 30, "learning_rate": 0.003}


def run(row, directory, results):
    """Makes one row: one seed, pretrained or not."""
    way, seed = row.split("-")
    folder = find("finetune/hymenoptera")
    if folder is None:
        raise DataError("finetune/hymenoptera (ants and bees) is not in DLKERAS_DATA.")
    app = ImageClassification()
    config = dataclasses.replace(app.configs["finetune"], data=str(folder), seed=int(seed))
    if way == "scratch":
        config = dataclasses.replace(config, **_SCRATCH)
    return train_and_test(app, config, _hold_out(app.load(config), config.seed), directory)


def _hold_out(splits, seed):
    """Makes the reader's validation pictures the test, and draws others for validation from the rest."""
    rest = Examples(*(np.concatenate(parts) for parts in zip(splits.train, splits.test, strict=True)))
    train, validation = split_off(rest, 0.1, seed)
    return dataclasses.replace(splits, train=train, validation=validation, test=splits.validation)


def table(results):
    """Returns the table: a line a way, its seeds and their mean."""
    return table_of_seeds("MobileNet 0.25, 224 px", WAYS, SEEDS, results)
