"""All classifiers on Fashion-MNIST, 10 epochs each.

Batch size and learning rate are those of the best of a few short trials on validation pictures. Then the model is
trained on all training pictures, its best epoch is chosen on the validation pictures, and the test split is read once.
"""

import dataclasses
import json
import tempfile

import keras
import numpy as np

from apps.image_classification.app import Config, ImageClassification
from apps.results import markdown
from apps.trained import write_json
from dlkeras.data.splits import Examples

# The row's model -> the textbook's accuracy (Dive into Deep Learning, 10 epochs), which names the architecture alike.
TEXTBOOK = {
    "mlp": "",
    "lenet": "0.73 to 0.78",
    "alexnet_mini": "0.83 to 0.88",
    "vgg11_mini": "0.90 to 0.92",
    "nin_mini": "0.79 to 0.87",
    "googlenet_mini": "0.80 to 0.89",
    "resnet18_mini": "0.89 to 0.90",
    "densenet_mini": "0.89",
    "regnet_mini": "",
    "mobilenet_v1_mini": "",
    "mobilenet_v2_mini": "",
    "efficientnet_mini": "",
    "vit_mini": "",
}
ROWS = tuple(TEXTBOOK)

_BASE = Config(data="fashion_mnist", flip=True, epochs=10, weight_decay=0.01, validation_fraction=0.05)
_TRIALS = [(128, 0.001), (128, 0.003), (128, 0.01), (256, 0.003), (256, 0.01)]
_TRIAL_PICTURES = 12_800


def run(row, directory):
    """Makes one row: trials, training, and one look at the test split."""
    app = ImageClassification()
    splits = app.load(_BASE)
    trials = _run_trials(app, row, splits, directory / "trials.json")
    best = max(trials, key=lambda trial: trial["val_accuracy"])
    config = dataclasses.replace(_BASE, model=row, batch_size=best["batch_size"], learning_rate=best["learning_rate"])
    keras.utils.set_random_seed(config.seed)
    model = app.build(config, splits.info)
    state = app.fit(model, splits, config, directory / "run")
    return {
        "parameters": model.count_params(),
        "val_accuracy": state["best"],
        "accuracy": app.evaluate(model, splits)["accuracy"],
        "best_epoch": state["best_epoch"],
        "seconds": state["seconds"],
        "cpu_seconds": state["cpu_seconds"],
        **{name: best[name] for name in ("batch_size", "learning_rate")},
        "epochs": config.epochs,
        "seed": config.seed,
    }


def _run_trials(app, row, splits, path):
    trials = json.loads(path.read_text()) if path.exists() else []
    chosen = np.random.default_rng(_BASE.seed).permutation(len(splits.train.y))[:_TRIAL_PICTURES]
    part = dataclasses.replace(splits, train=Examples(splits.train.x[chosen], splits.train.y[chosen]))
    for batch_size, learning_rate in _TRIALS[len(trials) :]:
        config = dataclasses.replace(_BASE, model=row, batch_size=batch_size, learning_rate=learning_rate, epochs=1)
        keras.utils.set_random_seed(config.seed)
        with tempfile.TemporaryDirectory() as folder:
            state = app.fit(app.build(config, splits.info), part, config, folder)
        trials.append({"batch_size": batch_size, "learning_rate": learning_rate, "val_accuracy": state["best"]})
        write_json(path, trials)
    return trials


def table(results):
    """Returns the table of the rows that are there."""
    head = ["model", "parameters", "test accuracy", "textbook", "validation accuracy", "best epoch"]
    head += ["batch", "learning rate", "minutes (CPU)", "seed"]
    lines = [head, ["---"] * len(head)]
    for row, result in results.items():
        lines.append(
            [
                row,
                f"{result['parameters']:,}",
                f"{result['accuracy']:.4f}",
                TEXTBOOK[row],
                f"{result['val_accuracy']:.4f}",
                f"{result['best_epoch']} of {result['epochs']}",
                str(result["batch_size"]),
                f"{result['learning_rate']:g}",
                f"{result['seconds'] / 60:.1f} ({result['cpu_seconds'] / 60:.1f})",
                str(result["seed"]),
            ]
        )
    return markdown(lines)
