"""Augmentation that moves masks with their pictures, on the host, by NumPy and Pillow."""

import numpy as np
from PIL import Image

from dlkeras.checks import check_fraction
from dlkeras.data.mask_files import IGNORED
from dlkeras.data.photometric import photometric


class MaskAugmentation:
    """Changes the pictures and masks of a batch, each picture in its own way; a `transform` for `fit`.

    Zoom and rotation are one resampling, by two lines of pixels for the picture and by the nearest pixel for the mask.
    Beyond the picture lies its mean colour, and in the mask the ignored label. Sizes stay as they are.

    Args:
        flip: Share of the pictures that is mirrored, left to right, in [0, 1].
        photometric: Share whose colours change, see `dlkeras.data.photometric.photometric`.
        crop: Share that is zoomed, about a random place, and rotated.
        zoom: Least and largest factor, above 0; below 1 all of the picture is seen, smaller, somewhere.
        rotation: Largest angle either way, in degrees, in [0, 180].
        ignore_class: The label of mask pixels from outside of the picture.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(self, flip=0.5, photometric=0.5, crop=1.0, zoom=(0.75, 2.0), rotation=0.0, ignore_class=IGNORED):
        for name, share in {"flip": flip, "photometric": photometric, "crop": crop}.items():
            check_fraction(name, share)
        if not 0 < zoom[0] <= zoom[1]:
            raise ValueError(f"`zoom` must be (least, largest), above 0. Received: zoom={tuple(zoom)}")
        if not 0 <= rotation <= 180:
            raise ValueError(f"`rotation` must be in [0, 180]. Received: rotation={rotation}")
        self._flip, self._photometric, self._crop = flip, photometric, crop
        self._zoom = np.log(zoom)
        self._rotation = rotation
        self._ignore_class = ignore_class

    def __call__(self, x, y, random):
        """Changes a batch.

        Args:
            x: Pictures, `uint8` `(batch, height, width, 3)`.
            y: Masks, `uint8` `(batch, height, width)`.
            random: `numpy.random.Generator`; the same state gives the same batch.

        Returns:
            Pictures and masks of the same shapes.

        Raises:
            ValueError: `x` or `y` is not of that dtype and shape.
        """
        if x.dtype != "uint8" or x.ndim != 4 or x.shape[-1] != 3:
            raise ValueError(f"`x` must be uint8 (batch, height, width, 3). Received: {x.dtype} of shape {x.shape}")
        if y.dtype != "uint8" or y.shape != x.shape[:3]:
            raise ValueError(f"`y` must be uint8 {x.shape[:3]}. Received: {y.dtype} of shape {y.shape}")
        pictures, masks = x.copy(), y.copy()
        for row in range(len(x)):
            pictures[row], masks[row] = self._change(x[row], y[row], random)
        return pictures, masks

    def _change(self, picture, mask, random):
        flipped, coloured, moved = random.random(3) < [self._flip, self._photometric, self._crop]
        if moved:
            picture, mask = self._move(picture, mask, random)
        if coloured:
            picture = photometric(picture, random)
        return (picture[:, ::-1], mask[:, ::-1]) if flipped else (picture, mask)

    def _move(self, picture, mask, random):
        picture, mask = Image.fromarray(picture), Image.fromarray(mask)
        size = np.array(picture.size)
        zoom = np.exp(random.uniform(*self._zoom))
        # The centre of what is seen: as far from the picture's as lets no more of its outside in than there must be.
        centre = size / 2 + random.uniform(-0.5, 0.5, 2) * size * abs(1 - 1 / zoom)
        angle = np.radians(random.uniform(-self._rotation, self._rotation))
        matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
        affine = np.column_stack([matrix, centre - matrix @ (size / 2)]).ravel().tolist()
        mean = picture.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))

        def show(image, resample, fill):
            return np.asarray(image.transform(image.size, Image.Transform.AFFINE, affine, resample, fillcolor=fill))

        return show(picture, Image.Resampling.BILINEAR, mean), show(mask, Image.Resampling.NEAREST, self._ignore_class)
