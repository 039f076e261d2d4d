"""What the test of any classifier looks like: figures, a table of classes, a confusion matrix."""

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support, top_k_accuracy_score

from dlkeras.files import write_atomically
from dlkeras.metrics import expected_calibration_error


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


def write_tables(directory, probabilities, labels, class_names):
    """Writes `classes.csv` and `confusion.png`.

    Args:
        directory: `Path` of where they go; made if it is not there.
        probabilities: Array `(examples, classes)`.
        labels: True classes, integers `(examples,)`.
        class_names: One name a class.
    """
    directory.mkdir(parents=True, exist_ok=True)
    table = class_table(probabilities, labels, class_names)
    write_atomically(directory / "classes.csv", lambda path: path.write_text(table))
    _plot_confusion(probabilities, labels, class_names).savefig(directory / "confusion.png", dpi=120)


def class_table(probabilities, labels, class_names):
    """Returns precision, recall, F1 and the number of test examples of each class, as CSV."""
    classes = np.arange(len(class_names))
    columns = precision_recall_fscore_support(labels, probabilities.argmax(axis=1), labels=classes, zero_division=0)
    rows = [
        f'"{name}",{precision:.4f},{recall:.4f},{f1:.4f},{count}'
        for name, precision, recall, f1, count in zip(class_names, *columns, strict=True)
    ]
    return "\n".join(["class,precision,recall,f1,examples", *rows]) + "\n"


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
