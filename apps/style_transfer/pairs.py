"""Pairs of a content and a style picture: photographs or scenes, and what is painted from them by rule."""

import numpy as np
from PIL import Image

from apps.style_transfer.drawn import draw_style, texture
from dlkeras.data.location import DataError, find_folder
from dlkeras.data.scenes import make_scenes

SCENES = "scenes"
# Of the sources that styles are painted from, these many are textures that show nothing.
_TEXTURES = 0.3
_SUFFIXES = {".jpg", ".jpeg", ".png"}


def photographs(data, fraction, seed):
    """Finds the photographs of one or more folders.

    Args:
        data: Folders with a comma between them, as a person names them; what is below them counts too.
        fraction: Share of the photographs that the second part gets.
        seed: Seed of the draw.

    Returns:
        Two lists of paths.

    Raises:
        DataError: A folder is not there, or there are too few pictures for two parts.
    """
    folders = [find_folder(name) for name in data.split(",")]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix.lower() in _SUFFIXES]
    count = round(fraction * len(files))
    if not 1 <= count < len(files):
        raise DataError(f"`data` must hold at least {round(1 / fraction)} JPEG or PNG files. Received: {len(files)}")
    order = [files[row] for row in np.random.default_rng(seed).permutation(len(files))]
    return order[count:], order[:count]


def read_square(path, size):
    """Reads the largest centred square of a photograph: `uint8` `(size, size, 3)`."""
    with Image.open(path) as picture:
        picture.draft("RGB", (size, size))
        picture = picture.convert("RGB")
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        box = (left, top, left + side, top + side)
        return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS, box=box))


def make_pairs(count, size, seed, files=()):
    """Makes pairs; each depends on the seed and its number alone.

    Args:
        count: How many.
        size: Side of the pictures.
        seed: Seed of all draws.
        files: Photographs to take contents from, and to paint styles from; scenes by rule where there are none.

    Returns:
        `uint8` `(count, 2, size, size, 3)`.
    """
    pairs = np.empty((count, 2, size, size, 3), "uint8")
    if count and not files:
        pairs[:, 0] = make_scenes(count, size, seed).pictures
    for row in range(count):
        random = np.random.default_rng((seed, 1, row))
        if files:
            pairs[row, 0] = read_square(files[row % len(files)], size)
        source = texture(size, random) if random.random() < _TEXTURES else _source(pairs, row, size, files, random)
        pairs[row, 1] = draw_style(source, random)
    return pairs


def _source(pairs, row, size, files, random):
    """Returns what a style is painted from: a photograph, or the scene of another pair."""
    if files:
        return read_square(files[random.integers(len(files))], size)
    return pairs[(row + 1) % len(pairs), 0]


class Shuffle:
    """Makes other pairs of a batch's pictures, and parts of them: a transform for `dlkeras.training.fit`.

    Styles change places, and are cut at another scale, mirrored, and given other colours; contents are cut and
    mirrored. Some contents become their own style: of these the picture itself is wanted.

    Args:
        size: Side of the parts.
        identity: Share of the contents that become their own style.
    """

    def __init__(self, size, identity):
        self._size = size
        self._identity = identity

    def __call__(self, x, y, random):
        pairs = np.empty((len(x), 2, self._size, self._size, 3), "uint8")
        order = random.permutation(len(x))
        for row, other in zip(order, np.roll(order, 1), strict=True):
            pairs[row, 0] = self._part(x[row, 0], random)
            own = random.random() < self._identity
            pairs[row, 1] = pairs[row, 0] if own else _other_colours(self._part(x[other, 1], random), random)
        return pairs, pairs

    def _part(self, picture, random):
        most = picture.shape[0]
        side = random.integers(min(self._size, most), most + 1)
        top, left = random.integers(0, most - side + 1, 2)
        part = Image.fromarray(picture[top : top + side, left : left + side])
        if side != self._size:
            part = part.resize((self._size, self._size), Image.Resampling.BILINEAR)
        part = np.asarray(part)
        return part[:, ::-1] if random.random() < 0.5 else part


def _other_colours(picture, random):
    """Exchanges red, green and blue in half of the pictures, and turns a fifth into their negatives."""
    if random.random() < 0.5:
        picture = picture[..., random.permutation(3)]
    return 255 - picture if random.random() < 0.2 else picture
