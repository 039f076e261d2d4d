"""What a detector's test looks like: figures, a table of classes, and pictures with boxes drawn into them."""

from pathlib import Path

import numpy as np
from keras import ops
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dlkeras.files import write_atomically
from dlkeras.layers.matching import match_anchors
from dlkeras.metrics import MeanAveragePrecision
from dlkeras.ops.boxes import encode

_PICTURES = 16
_SHOWN_SCORE = 0.5


def mean_average_precision(targets, detections, info):
    """Returns a `MeanAveragePrecision` of relative boxes; small, medium and large are of the model's own pixels."""
    shapes = np.tile(info["image_shape"][:2], (len(targets), 1))
    found = MeanAveragePrecision(len(info["class_names"]))
    found.update(targets, detections, image_shapes=shapes)
    return found


def measure(predictions, detections, targets, info, anchors):
    """Measures a detector.

    Args:
        predictions: What the model gives, `(examples, anchors, 4 + num_classes + 1)`.
        detections: The same as detections.
        targets: `(examples, max_boxes, 5)`.
        info: Of the data.
        anchors: `(anchors, 4)`.

    Returns:
        COCO's figures, as far as there are boxes that count for them; `class_error`, the share of anchors that are
        given the wrong class, and `box_mae`, the mean absolute error of the offsets over all anchors, where those of
        the background count as 0: the textbook's two.
    """
    figures = mean_average_precision(targets, detections, info).result()
    return {
        **{name: float(value) for name, value in figures.items() if np.isfinite(value)},
        **_textbook_figures(predictions, targets, anchors),
    }


def _textbook_figures(predictions, targets, anchors):
    wrong, errors = [], []
    for row in range(0, len(targets), 32):
        predicted, true = predictions[row : row + 32], targets[row : row + 32]
        matches = ops.convert_to_numpy(match_anchors(true, anchors))  # (batch, anchors)
        matched = np.take_along_axis(true, np.maximum(matches, 0)[..., None], axis=1)
        classes = np.where(matches < 0, 0, matched[..., 0] + 1)
        offsets = ops.convert_to_numpy(encode(matched[..., 1:], anchors))
        wrong.append((predicted[..., 4:].argmax(-1) != classes).mean())
        errors.append(np.where((matches < 0)[..., None], 0, np.abs(offsets - predicted[..., :4])).mean())
    sizes = [len(targets[row : row + 32]) for row in range(0, len(targets), 32)]
    return {
        "class_error": float(np.average(wrong, weights=sizes)),
        "box_mae": float(np.average(errors, weights=sizes)),
    }


def write_report(directory, detections, examples, info):
    """Writes `classes.csv`, and `pictures.png` with what was found (orange) and what is there (white).

    Args:
        directory: Where they go; made if it is not there.
        detections: Arrays, as `Detect.in_batches` gives them.
        examples: The test `Examples`.
        info: Of the data.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    table = _class_table(mean_average_precision(examples.y, detections, info).per_class(), examples.y, info)
    write_atomically(directory / "classes.csv", lambda path: path.write_text(table))
    _plot(detections, examples, info["class_names"]).savefig(directory / "pictures.png", dpi=100)


def _class_table(precisions, targets, info):
    rows = [
        f'"{name}",{precision:.4f},{int((targets[..., 0] == number).sum())}'
        for number, (name, precision) in enumerate(zip(info["class_names"], precisions, strict=True))
    ]
    return "\n".join(["class,ap50,boxes", *rows]) + "\n"


def _plot(detections, examples, class_names):
    figure = Figure(figsize=(12, 12), layout="constrained")
    for ax in (axes := figure.subplots(4, 4)).flat:
        ax.axis("off")
    for row, ax in zip(range(min(_PICTURES, len(examples.x))), axes.flat, strict=False):
        height, width = examples.x[row].shape[:2]
        scale = np.array([width, height, width, height])
        ax.imshow(examples.x[row])
        for target in examples.y[row]:
            if target[0] >= 0:
                _draw(ax, target[1:] * scale, "white")
        for box, label, score in zip(*(detections[key][row] for key in ("boxes", "classes", "scores")), strict=True):
            if score >= _SHOWN_SCORE:
                _draw(ax, box * scale, "tab:orange", f"{class_names[label]} {score:.0%}")
    return figure


def _draw(ax, box, color, text=""):
    left, top, right, bottom = box
    ax.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=color, linewidth=1.5))
    if text:
        ax.text(left, top - 3, text, color="black", fontsize=7, bbox={"facecolor": color, "pad": 1, "linewidth": 0})
