"""What a test of style transfer looks like: the parts of the loss, the optimizer beside it, and pictures."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from keras import ops
from matplotlib.figure import Figure
from PIL import Image

from apps.style_transfer.painter import paint
from dlkeras.data.location import find
from dlkeras.files import write_atomically
from dlkeras.style import paint_by_steps

MOST_STEPS = 100
_STRENGTHS = (0.0, 0.5, 1.0)
_COLUMNS = ["content", "style", f"optimized, {MOST_STEPS} steps", *(f"strength {one}" for one in _STRENGTHS)]
_SHEET_SIDE = 256


class Row(NamedTuple):
    """A pair as it is painted both ways.

    Attributes:
        content: `uint8` `(height, width, 3)`.
        style: Likewise, of its own size.
        optimized: What the optimizer has made of the content at the end.
        losses: Its total loss before the first step, and after each.
        noise_losses: The same of the optimizer that begins with noise, as the paper has it.
    """

    content: np.ndarray
    style: np.ndarray
    optimized: np.ndarray
    losses: list
    noise_losses: list


def optimize(loss, pairs):
    """Paints pairs by optimization, from the content on and from noise on.

    Args:
        loss: `dlkeras.losses.StyleTransferLoss`.
        pairs: Iterable of contents and styles, `uint8` `(height, width, 3)`.

    Returns:
        A list of `Row`.
    """
    rows = []
    for content, style in pairs:
        noise = np.random.default_rng(0).uniform(0, 255, content.shape)
        picture, losses = _follow(paint_by_steps(loss, content, style, steps=MOST_STEPS))
        _, noise_losses = _follow(paint_by_steps(loss, content, style, steps=MOST_STEPS, start=noise))
        rows.append(Row(content, style, picture, losses, noise_losses))
    return rows


def _follow(steps):
    """Returns the last picture, and all losses."""
    losses = []
    for painted in steps:
        losses.append(painted.loss)
    return painted.picture, losses


def known_pairs():
    """Yields the photograph and the painting of `DLKERAS_DATA/style`, where they are there."""
    paths = [find("style/rainier.jpg"), find("style/autumn-oak.jpg")]
    if all(paths):
        yield tuple(_read(path) for path in paths)


def _read(path):
    with Image.open(path) as picture:
        picture = picture.convert("RGB")
        picture.thumbnail((_SHEET_SIDE, _SHEET_SIDE), Image.Resampling.LANCZOS)
        return np.asarray(picture)


def measure(model, loss, pairs, optimized):
    """Measures a model on pairs `uint8` `(count, 2, height, width, 3)`.

    Args:
        model: What `App.build` gave.
        loss: `dlkeras.losses.StyleTransferLoss`.
        pairs: Contents and styles.
        optimized: A `Row` of each of the first pairs.

    Returns:
        Means over the pairs: `content_loss`, `style_loss` and `total_loss` of what the model paints, `unpainted_loss`
        of the contents as they are, `optimizer_steps` and `optimizer_steps_from_noise` that the optimizer needs on the
        first pairs to come to the model's total loss (`MOST_STEPS`: so many or more), and `identity_mae`, how far
        contents of strength 0 are from the contents, in levels of 255.
    """
    painted = [_measure_one(loss, *pair, _paint(model, *pair, 1.0)) for pair in pairs]
    unpainted = [_measure_one(loss, *pair, pair[0])["total"] for pair in pairs]
    totals = [parts["total"] for parts in painted[: len(optimized)]]
    steps = [steps_to(row.losses, total) for row, total in zip(optimized, totals, strict=True)]
    noise_steps = [steps_to(row.noise_losses, total) for row, total in zip(optimized, totals, strict=True)]
    errors = [np.abs(_paint(model, *pair, 0.0) - pair[0]).mean() for pair in pairs]
    return {
        **{
            f"{name}_loss": float(np.mean([parts[name] for parts in painted])) for name in ("content", "style", "total")
        },
        "unpainted_loss": float(np.mean(unpainted)),
        "optimizer_steps": float(np.mean(steps)),
        "optimizer_steps_from_noise": float(np.mean(noise_steps)),
        "identity_mae": float(np.mean(errors)),
    }


def _paint(model, content, style, strength):
    """Returns a picture `float32` `(height, width, 3)` in [0, 255]."""
    content, style = content[None].astype("float32"), style[None].astype("float32")
    return np.clip(ops.convert_to_numpy(paint(model, content, style, np.float32([strength])))[0], 0, 255)


def _measure_one(loss, content, style, picture):
    content, style, picture = (ops.convert_to_tensor(one[None], "float32") for one in (content, style, picture))
    parts = loss.parts(picture, loss.targets(content, style))
    return {name: float(part[0]) for name, part in {**parts, "total": loss.total(parts)}.items()}


def steps_to(losses, wanted):
    """Returns after how many steps a loss is as low as is wanted; all of them where it never is."""
    return next((step for step, loss in enumerate(losses) if loss <= wanted), len(losses) - 1)


def write_report(directory, model, loss, rows, features):
    """Writes `sheet.png`, the pictures, and `pairs.csv`, the losses of both ways.

    Args:
        directory: Where they go; made if it is not there.
        model: What `App.build` gave.
        loss: `dlkeras.losses.StyleTransferLoss`.
        rows: List of `Row`.
        features: Name of the features, for the title.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    table = ["pair,unpainted,content_loss,style_loss,total_loss,optimizer_steps,from_noise,optimized"]
    pictures = []
    for number, row in enumerate(rows):
        painted = [_paint(model, row.content, row.style, strength) for strength in _STRENGTHS]
        parts = _measure_one(loss, row.content, row.style, painted[-1])
        figures = [row.losses[0], *(parts[name] for name in ("content", "style", "total"))]
        steps = [str(steps_to(losses, parts["total"])) for losses in (row.losses, row.noise_losses)]
        table.append(",".join([str(number), *(f"{one:.4f}" for one in figures), *steps, f"{row.losses[-1]:.4f}"]))
        pictures.append([row.content, row.style, row.optimized, *painted])
    figure = _plot(pictures, features)
    write_atomically(directory / "pairs.csv", lambda path: path.write_text("\n".join(table) + "\n"))
    write_atomically(directory / "sheet.png", lambda path: figure.savefig(path, dpi=100, format="png"))


def _plot(rows, features):
    figure = Figure(figsize=(3 * len(_COLUMNS), 2.6 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(_COLUMNS), squeeze=False)
    for row, pictures in enumerate(rows):
        for ax, picture, title in zip(axes[row], pictures, _COLUMNS, strict=True):
            ax.imshow(np.clip(picture, 0, 255).astype("uint8"))
            ax.axis("off")
            if row == 0:
                ax.set_title(title)
    figure.suptitle(f"Features: {features}")
    return figure
