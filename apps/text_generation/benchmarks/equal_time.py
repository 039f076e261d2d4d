"""Networks that go on with Shakespeare, after the same time of learning.

Each reads the text's characters for so many whole epochs as come nearest to `MINUTES` of CPU time, which a few steps
before tell. The best epoch is chosen on the last tenth, which the figures are of.
"""

import dataclasses

import keras

from apps.epochs import epochs_in
from apps.results import markdown
from apps.text_generation.app import Config, TextGeneration
from dlkeras.text.streams import WindowBatches

MINUTES = 4
_BASE = Config(data="shakespeare/input.txt", steps=0, block=64)
_RECURRENT = {"batch_size": 32, "learning_rate": 0.004, "weight_decay": 0.0}
_SETTINGS = {
    "rnn_language": {**_RECURRENT, "learning_rate": 0.001},
    "gru_language": _RECURRENT,
    "lstm_language": _RECURRENT,
    "gpt": {"learning_rate": 0.001},
    "gpt_rotary": {"learning_rate": 0.003},
}
ROWS = tuple(_SETTINGS)


def run(row, directory):
    """Makes one row: a few steps to tell the time, training, and measuring."""
    app = TextGeneration()
    config = dataclasses.replace(_BASE, model=row, **_SETTINGS[row])
    splits = app.load(config)
    batches = WindowBatches(splits.train, config.batch_size, config.seed)
    config = dataclasses.replace(config, epochs=epochs_in(MINUTES, app, config, splits, batches))
    keras.utils.set_random_seed(config.seed)
    model = app.build(config, splits.info)
    state = app.fit(model, splits, config, directory / "run")
    # Of a text that was read nothing is called test.
    figures = app.evaluate(model, dataclasses.replace(splits, test=splits.validation), directory / "report")
    tokens = len(batches) * config.batch_size * config.block * config.epochs
    return {
        **figures,
        "cpu_seconds": state["cpu_seconds"],
        "parameters": model.count_params(),
        "epochs": config.epochs,
        "tokens": tokens,
        "seed": config.seed,
    }


def table(results):
    """Returns the table of the rows that are there."""
    head = [
        "model",
        "parameters",
        "validation loss",
        "bits a character",
        "characters read",
        "epochs",
        "minutes (CPU)",
        "seed",
    ]
    lines = [head, ["---"] * len(head)]
    for row, result in results.items():
        lines.append(
            [
                row,
                f"{result['parameters']:,}",
                f"{result['loss']:.3f}",
                f"{result['bits_per_character']:.3f}",
                f"{result['tokens'] / 1e6:.1f} million",
                str(result["epochs"]),
                f"{result['cpu_seconds'] / 60:.1f}",
                str(result["seed"]),
            ]
        )
    return markdown(lines)
