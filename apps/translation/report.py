"""What a test of a translator looks like: every sentence, and how BLEU falls with length."""

import csv
import itertools
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from dlkeras.files import write_atomically
from dlkeras.metrics import bleu

_BORDERS = (0, 8, 11, 14, 18, 1000)  # words of a sentence


def write_report(directory, sources, translations, references):
    """Writes `translations.csv`, the worst first, and `lengths.png`, BLEU by the length of sentences.

    Args:
        directory: Where they go; made if it is not there.
        sources: Sentences.
        translations: What the model said.
        references: What people said.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    scores = [bleu([said], [meant]).score for said, meant in zip(translations, references, strict=True)]
    rows = [[f"{scores[row]:.1f}", sources[row], translations[row], references[row]] for row in np.argsort(scores)]
    head = ["bleu", "sentence", "translation", "reference"]
    write_atomically(directory / "translations.csv", lambda path: _write(path, [head, *rows]))
    write_atomically(directory / "lengths.png", lambda path: _plot(path, sources, translations, references))


def _write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _plot(path, sources, translations, references):
    words = np.array([len(source.split()) for source in sources])
    names, heights = [], []
    for least, most in itertools.pairwise(_BORDERS):
        rows = np.flatnonzero((words > least) & (words <= most))
        if len(rows):
            names.append(f"{words[rows].min()} to {words[rows].max()}\n({len(rows)})")
            heights.append(bleu([translations[row] for row in rows], [references[row] for row in rows]).score)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.bar(names, heights)
    axes.set(xlabel="words of the sentence (number of sentences)", ylabel="BLEU")
    figure.savefig(path, dpi=120, format="png")
