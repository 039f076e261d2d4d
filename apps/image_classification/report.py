"""What a test of pictures looks like: the tables of any classifier, and the worst mistakes."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from apps.classification import write_tables

WORST = 16


def write_report(directory, probabilities, examples, class_names):
    """Writes `classes.csv`, `confusion.png` and `mistakes.png`.

    Args:
        directory: Where they go; made if it is not there.
        probabilities: Array `(examples, classes)`.
        examples: The test `Examples`, pictures `uint8` `(examples, height, width, channels)`.
        class_names: One name a class.
    """
    directory = Path(directory)
    write_tables(directory, probabilities, examples.y, class_names)
    _plot_mistakes(probabilities, examples, class_names).savefig(directory / "mistakes.png", dpi=120)


def _plot_mistakes(probabilities, examples, class_names):
    """Draws the wrong answers that the model was surest of."""
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != examples.y)
    worst = wrong[np.argsort(-probabilities.max(axis=1)[wrong])][:WORST]
    figure = Figure(figsize=(8, 9), layout="constrained")
    for ax in (axes := figure.subplots(4, 4)).flat:
        ax.axis("off")
    for ax, row in zip(axes.flat, worst, strict=False):
        ax.imshow(examples.x[row].squeeze(), cmap="gray", vmin=0, vmax=255)
        share = probabilities[row, predicted[row]]
        ax.set_title(f"{class_names[predicted[row]]} {share:.0%}\nis {class_names[examples.y[row]]}", fontsize=8)
    return figure
