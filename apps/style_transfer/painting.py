"""Paints by optimization in a process of its own: `python -m apps.style_transfer.painting CONTENT STYLE FOLDER`.

The folder gets `picture.png`, the picture as it develops, and `progress.json` after it.
"""

import argparse
import io
import sys
import time
from pathlib import Path

from apps.quiet import import_keras
from apps.style_transfer.progress import PICTURE_FILE, write_progress
from dlkeras.files import write_atomically

_SECONDS_BETWEEN = 0.5


def paint(
    content, style, folder, *, features="cifar10", weights="", levels="", steps=200, size=256, content_weight=0.05
):
    """Paints a content in a style, and tells how far it is.

    Args:
        content: Path of a picture file.
        style: Path of another one.
        folder: Where the picture goes.
        features: Pretrained network; see `apps.backbones.open_backbone`.
        weights: Weights file for it, where it needs one.
        levels: Names of its layers, with commas between them; by default those that made good pictures.
        steps: How many steps to take.
        size: Longer side of the picture in pixels.
        content_weight: Of the content, beside 1 of the style.
    """
    from apps.style_transfer.features import open_features
    from dlkeras.losses import StyleTransferLoss
    from dlkeras.style import paint_by_steps

    loss = StyleTransferLoss(open_features(features, weights, levels), content_weight=content_weight)
    pictures = _read(content, size), _read(style, size)
    shown = 0.0
    for painted in paint_by_steps(loss, *pictures, steps=steps):
        now = time.monotonic()
        if painted.step == steps or now - shown > _SECONDS_BETWEEN:
            shown = now
            _show(Path(folder), painted, steps, features)


def _read(path, size):
    """Reads a picture at a longer side: `float32` `(height, width, 3)`."""
    import numpy as np
    from PIL import Image

    from apps.picture_files import read_picture

    with Image.open(io.BytesIO(read_picture(path))) as picture:
        scale = size / max(picture.size)
        sides = [max(16, round(side * scale)) for side in picture.size]
        return np.asarray(picture.convert("RGB").resize(sides, Image.Resampling.LANCZOS), "float32")


def _show(folder, painted, steps, features):
    from dlkeras.data.encode import encode_png

    data = encode_png(painted.picture.round().astype("uint8"))
    write_atomically(folder / PICTURE_FILE, lambda path: path.write_bytes(data))
    write_progress(folder, painted.step, steps, painted.loss, features)


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m apps.style_transfer.painting", description=__doc__)
    parser.add_argument("content", help="picture to paint")
    parser.add_argument("style", help="picture that is painted as it is to be")
    parser.add_argument("folder", type=Path, help="where picture.png goes")
    parser.add_argument("--features", default="cifar10", metavar="NETWORK", help="pretrained network (%(default)s)")
    parser.add_argument("--weights", default="", metavar="FILE", help="weights file for it, where it needs one")
    parser.add_argument("--levels", default="", metavar="NAMES", help="its layers; the last one tells the content")
    parser.add_argument("--steps", type=int, default=200, metavar="N", help="(%(default)s)")
    parser.add_argument("--size", type=int, default=256, metavar="PIXELS", help="longer side (%(default)s)")
    parser.add_argument("--content-weight", type=float, default=0.05, metavar="X", help="(%(default)s)")
    arguments = vars(parser.parse_args())
    arguments["folder"].mkdir(parents=True, exist_ok=True)
    import_keras()
    try:
        paint(**arguments)
    except (ValueError, OSError) as error:
        sys.exit(f"dlkeras: {error}")


if __name__ == "__main__":
    main()
