"""What a classifier's test looks like: figures, a table of classes, a confusion matrix, the worst mistakes."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support, top_k_accuracy_score

from dlkeras.files import write_atomically
from dlkeras.metrics import expected_calibration_error

WORST = 16


def measure(probabilities, labels):
    """Measures a classifier.

    Args:
        probabilities: Array `(examples, classes)`, rows that sum to 1.
        labels: True classes, integers `(examples,)`.

    Returns:
        `accuracy`, `top_2_accuracy` (where there are more than two classes), `loss` (cross-entropy, nats),
        `macro_f1` and `expected_calibration_error`.
    """
    classes = np.arange(probabilities.shape[1])
    predicted = probabilities.argmax(axis=1)
    _, _, f1, _ = precision_recall_fscore_support(labels, predicted, labels=classes, zero_division=0)
    figures = {
        "accuracy": np.mean(predicted == labels),
        "loss": log_loss(labels, probabilities, labels=classes),
        "macro_f1": f1.mean(),
        "expected_calibration_error": expected_calibration_error(probabilities, labels),
    }
    if len(classes) > 2:
        figures["top_2_accuracy"] = top_k_accuracy_score(labels, probabilities, k=2, labels=classes)
    return {name: float(value) for name, value in figures.items()}


def write_report(directory, probabilities, examples, class_names):
    """Writes `classes.csv`, `confusion.png` and `mistakes.png`.

    Args:
        directory: Where they go; made if it is not there.
        probabilities: Array `(examples, classes)`.
        examples: The test `Examples`, pictures `uint8` `(examples, height, width, channels)`.
        class_names: One name a class.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    table = class_table(probabilities, examples.y, class_names)
    write_atomically(directory / "classes.csv", lambda path: path.write_text(table))
    _plot_confusion(probabilities, examples.y, class_names).savefig(directory / "confusion.png", dpi=120)
    _plot_mistakes(probabilities, examples, class_names).savefig(directory / "mistakes.png", dpi=120)


def class_table(probabilities, labels, class_names):
    """Returns precision, recall, F1 and the number of test pictures of each class, as CSV."""
    classes = np.arange(len(class_names))
    columns = precision_recall_fscore_support(labels, probabilities.argmax(axis=1), labels=classes, zero_division=0)
    rows = [
        f'"{name}",{precision:.4f},{recall:.4f},{f1:.4f},{count}'
        for name, precision, recall, f1, count in zip(class_names, *columns, strict=True)
    ]
    return "\n".join(["class,precision,recall,f1,pictures", *rows]) + "\n"


def _plot_confusion(probabilities, labels, class_names):
    classes = np.arange(len(class_names))
    counts = confusion_matrix(labels, probabilities.argmax(axis=1), labels=classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = max(4.0, 0.6 * len(classes) + 1.5)
    figure = Figure(figsize=(side, side), layout="constrained")
    ax = figure.subplots()
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ax.set(xticks=classes, yticks=classes, yticklabels=class_names, xlabel="predicted", ylabel="true")
    ax.set_xticks(classes, class_names, rotation=45, ha="right")
    if len(classes) <= 20:
        for row, column in np.argwhere(counts):
            color = "white" if shares[row, column] > 0.5 else "black"
            ax.text(column, row, counts[row, column], ha="center", va="center", fontsize=8, color=color)
    return figure


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
