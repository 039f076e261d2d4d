"""Pictures to try: scenes made by the rule that the preset `scenes` was trained on, from other seeds."""

import functools

from PIL import Image

from apps.bananas import BANANAS
from apps.examples import write_examples
from dlkeras.data.scenes import make_scenes

CLASSES = ["banana"]
SCENE = {**BANANAS, "max_objects": 3}
"""What is in a scene of the preset, for `make_scenes`."""

# No photograph of a data set ships, so presets of photographs have no examples.
_SEEDS = {"scenes": (9101, 9102, 9103, 9104)}
_SIZE = 256


def draw(seed):
    """Draws one example: a `PIL.Image`, and its mask, `uint8` `(256, 256)`."""
    scene = make_scenes(1, _SIZE, seed, **SCENE)
    return Image.fromarray(scene.pictures[0]), scene.masks[0]


@functools.cache
def example_files():
    """Draws the examples into files; returns a list of `(path, preset)`."""
    return write_examples((preset, seed, draw(seed)[0]) for preset, seeds in _SEEDS.items() for seed in seeds)
