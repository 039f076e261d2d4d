"""What attention is worth: networks that translate without it, with it, and by nothing else, in the same time.

Each learns English to German from Multi30k for so many whole epochs as come nearest to `MINUTES` of CPU time, which a
few steps before tell. The best epoch is chosen on validation sentences, and the test sentences are translated once.
"""

import dataclasses

import keras

from apps.epochs import epochs_in
from apps.results import markdown
from apps.translation.app import Translation
from dlkeras.text.batches import LengthBatches

MINUTES = 6
_RECURRENT = {"learning_rate": 0.002, "batch_size": 64}
_SETTINGS = {
    "seq2seq": _RECURRENT,
    "seq2seq_bahdanau": _RECURRENT,
    "transformer": {"learning_rate": 0.003, "batch_size": 64},
}
ROWS = tuple(_SETTINGS)


def run(row, directory):
    """Makes one row: a few steps to tell the time, training, and one look at the test split."""
    app = Translation()
    config = dataclasses.replace(app.configs["multi30k_de"], model=row, average=0.0, **_SETTINGS[row])
    splits = app.load(config)
    batches = LengthBatches(splits.train, config.batch_size, config.seed)
    config = dataclasses.replace(config, epochs=epochs_in(MINUTES, app, config, splits, batches))
    keras.utils.set_random_seed(config.seed)
    model = app.build(config, splits.info)
    state = app.fit(model, splits, config, directory / "run")
    figures = app.evaluate(model, splits, directory / "report")
    best = {"val_loss": state["best"], "cpu_seconds": state["cpu_seconds"]}
    return {**figures, **best, "parameters": model.count_params(), "epochs": config.epochs, "seed": config.seed}


def table(results):
    """Returns the table of the rows that are there."""
    head = ["model", "parameters", "test BLEU", "lower-cased, tokenized", "perplexity"]
    head += ["validation loss", "epochs", "minutes (CPU)", "seed"]
    lines = [head, ["---"] * len(head)]
    for row, result in results.items():
        lines.append(
            [
                row,
                f"{result['parameters']:,}",
                f"{result['bleu']:.1f}",
                f"{result['tokenized_bleu']:.1f}",
                f"{result['perplexity']:.1f}",
                f"{result['val_loss']:.3f}",
                str(result["epochs"]),
                f"{result['cpu_seconds'] / 60:.1f}",
                str(result["seed"]),
            ]
        )
    return markdown(lines)
