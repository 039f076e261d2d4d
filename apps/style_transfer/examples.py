"""Contents and styles to try: drawn by rule, from other seeds than those that were trained on."""

import functools

import numpy as np
from PIL import Image

from apps.examples import write_examples
from apps.style_transfer.drawn import example

_SEEDS = (9001, 9002, 9003, 9004)
_SIZE = 256


@functools.cache
def example_files():
    """Draws the examples into files; returns a list of paths `(content, style, both side by side)`."""
    drawn = []
    for number, seed in enumerate(_SEEDS):
        content, style = example(seed, _SIZE)
        for kind, pixels in (("content", content), ("style", style), ("both", np.hstack([content, style]))):
            drawn.append((kind, number, Image.fromarray(pixels)))
    paths = [path for path, _ in write_examples(drawn)]
    return list(zip(paths[::3], paths[1::3], paths[2::3], strict=True))
