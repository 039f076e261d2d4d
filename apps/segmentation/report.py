"""What a segmentation model's test looks like: figures, a table of classes, and pictures with their masks."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from apps.colours import colours
from dlkeras.files import write_atomically
from dlkeras.metrics import SegmentationScores

_PICTURES = 5


def predicted_classes(model, pictures, batch_size=16):
    """Predicts class numbers, `uint8` `(examples, height, width)`; a few pictures at a time, as logits are large."""
    parts = [
        model.predict(pictures[row : row + batch_size], verbose=0).argmax(-1).astype("uint8")
        for row in range(0, len(pictures), batch_size)
    ]
    return np.concatenate(parts)


def measure(predictions, masks, info):
    """Measures predicted masks.

    Args:
        predictions: Class numbers `(examples, height, width)`.
        masks: The true ones.
        info: Of the data.

    Returns:
        The figures of `dlkeras.metrics.SegmentationScores`; and `constant_accuracy` and `constant_iou`, the pixel
        accuracy and the mean IoU of a model that says the commonest class everywhere.
    """
    scores = _scores(predictions, masks, info)
    of_constant = scores.confusion.sum(axis=1).max() / scores.confusion.sum()
    occurring = np.isfinite(scores.per_class()["iou"]).sum()
    return {
        **scores.result(),
        "constant_accuracy": float(of_constant),
        "constant_iou": float(of_constant / occurring),
    }


def _scores(predictions, masks, info):
    scores = SegmentationScores(len(info["class_names"]), info["ignore_class"])
    scores.update(masks, predictions)
    return scores


def write_report(directory, predictions, examples, info):
    """Writes `classes.csv`, and `pictures.png`: picture, true mask and predicted mask in a row.

    Args:
        directory: Where they go; made if it is not there.
        predictions: Class numbers `(examples, height, width)`.
        examples: The test `Examples`.
        info: Of the data.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    table = _class_table(_scores(predictions, examples.y, info), info)
    write_atomically(directory / "classes.csv", lambda path: path.write_text(table))
    _plot(predictions, examples, info).savefig(directory / "pictures.png", dpi=100)


def _class_table(scores, info):
    figures, pixels = scores.per_class(), scores.confusion.sum(axis=1)
    rows = zip(info["class_names"], figures["iou"], figures["boundary_f1"], pixels / pixels.sum(), strict=True)
    lines = [f'"{name}",{iou:.4f},{boundary:.4f},{share:.4f}' for name, iou, boundary, share in rows]
    return "\n".join(["class,iou,boundary_f1,share", *lines]) + "\n"


def _plot(predictions, examples, info):
    colour_of = np.array([*colours(info["class_names"]).values()], "uint8")
    # One evenly taken from each part of the test split: neighbours are often of the same film.
    rows = np.unique(np.linspace(0, len(examples.x) - 1, _PICTURES).astype(int))
    figure = Figure(figsize=(12, 3 * len(rows) + 1), layout="constrained")
    axes = figure.subplots(len(rows), 3, squeeze=False)
    for row, line in zip(rows, axes, strict=True):
        truth = np.where(
            examples.y[row][..., None] == info["ignore_class"], 0, colour_of[examples.y[row] % len(colour_of)]
        )
        for ax, picture in zip(line, (examples.x[row], truth, colour_of[predictions[row]]), strict=True):
            ax.imshow(picture)
            ax.axis("off")
    for ax, title in zip(axes[0], ("picture", "true (black counts nowhere)", "predicted"), strict=True):
        ax.set_title(title)
    legend = [Patch(color=rgb / 255, label=name) for name, rgb in zip(info["class_names"], colour_of, strict=True)]
    figure.legend(handles=legend, loc="outside lower center", ncols=6)
    return figure
