"""Pictures to try: scenes made by the rule that the preset `scenes` was trained on, from other seeds."""

import functools

from PIL import Image

from apps.bananas import BANANAS
from apps.examples import write_examples
from dlkeras.data.scenes import make_scenes

# No photograph of a data set ships, so presets of photographs have no examples.
_SEEDS = {"scenes": (9001, 9002, 9003, 9004)}
_SIZE = 256


def draw(seed):
    """Draws one example: a `PIL.Image` with one banana, and its box (left, top, right, bottom) in pixels."""
    scene = make_scenes(1, _SIZE, seed, **BANANAS)
    return Image.fromarray(scene.pictures[0]), tuple(scene.targets[0, 0, 1:] * _SIZE)


@functools.cache
def example_files():
    """Draws the examples into files; returns a list of `(path, preset)`."""
    return write_examples((preset, seed, draw(seed)[0]) for preset, seeds in _SEEDS.items() for seed in seeds)
