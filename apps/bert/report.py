"""What a test of pretraining looks like: hidden words, and what was found for them."""

import csv
from pathlib import Path

import numpy as np
from keras import ops

from dlkeras.files import write_atomically

_ROWS = 40


def write_report(directory, model, examples, tokenizer):
    """Writes `found.csv`: texts of the test part with blanks, the true pieces, and those that were the likeliest.

    Args:
        directory: Where it goes; made if it is not there.
        model: `dlkeras.models.bert.pretrainer.BertPretrainer`.
        examples: The test `Examples`, with words hidden.
        tokenizer: The `WordPieceTokenizer`.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    x = examples.x[:: max(1, len(examples.x) // _ROWS)][:_ROWS]
    best = ops.convert_to_numpy(ops.argmax(model(x, training=False)["tokens"], axis=-1))
    write_atomically(directory / "found.csv", lambda path: _write(path, x, best, tokenizer.vocabulary.tokens))


def _write(path, x, best, tokens):
    names = np.array(tokens, dtype=object)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "true", "found"])
        for (ids, _, _, targets), found in zip(x, best, strict=True):
            count = np.count_nonzero(targets[: len(found)])
            pieces = (ids[ids > 0], targets[:count], found[:count])
            writer.writerow(" ".join(names[part]) for part in pieces)
