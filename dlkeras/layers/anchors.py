"""Anchor boxes: the boxes that a detector starts from."""

import keras
import numpy as np
from keras import ops

from dlkeras.checks import check_positive


def anchor_boxes(height, width, sizes, ratios, aspect=1.0):
    """Makes the anchor boxes of a feature map.

    Around the middle of every pixel of the map there are boxes of every size with the first ratio, and boxes of the
    first size with every other ratio.

    Args:
        height: Of the feature map.
        width: Of the feature map.
        sizes: Square roots of the boxes' areas, relative to the picture's.
        ratios: Widths of the boxes divided by their heights, as they look in the picture.
        aspect: The picture's width divided by its height.

    Returns:
        Float32 array `(height * width * anchors_per_pixel, 4)` of relative `xyxy` boxes, by rows, columns, and the
        boxes of a pixel. They may reach beyond the picture.

    Source: Zhang et al., "Dive into Deep Learning", section 14.4.
    """
    shapes = [(size, ratios[0]) for size in sizes] + [(sizes[0], ratio) for ratio in ratios[1:]]
    sides = np.array([(size * (ratio / aspect) ** 0.5, size / (ratio / aspect) ** 0.5) for size, ratio in shapes])
    y, x = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    centers = np.stack([x, y], axis=-1).reshape(-1, 1, 2)  # (pixels, 1, 2)
    return np.concatenate([centers - sides / 2, centers + sides / 2], axis=-1).reshape(-1, 4).astype("float32")


def anchors_per_pixel(sizes, ratios):
    """Gives the number of boxes that `anchor_boxes` makes around a pixel."""
    return len(sizes) + len(ratios) - 1


@keras.saving.register_keras_serializable(package="dlkeras")
class AnchorBoxes(keras.layers.Layer):
    """Gives the anchor boxes of a feature map `(batch, height, width, channels)`, whose size must be known.

    They come as `(height * width * anchors_per_pixel, 4)`, without a batch axis and in float32 whatever the policy:
    relative `xyxy` boxes in the order of a convolution's output `(batch, height, width, anchors_per_pixel * numbers)`
    that was reshaped to `(batch, -1, numbers)`.

    Args:
        sizes: Square roots of the boxes' areas, relative to the picture's.
        ratios: Widths of the boxes divided by their heights, as they look in the picture.
        aspect: The picture's width divided by its height.

    Raises:
        ValueError: A number is not above 0, there is none, or the size of the feature map is not known.
    """

    def __init__(self, sizes, ratios, aspect=1.0, **kwargs):
        for name, values in (("sizes", sizes), ("ratios", ratios)):
            if not len(values) or not all(value > 0 for value in values):
                raise ValueError(f"`{name}` must be numbers above 0, at least one. Received: {name}={list(values)}")
        check_positive("aspect", aspect)
        super().__init__(**kwargs)
        self.sizes = [float(size) for size in sizes]
        self.ratios = [float(ratio) for ratio in ratios]
        self.aspect = aspect

    @property
    def anchors_per_pixel(self):
        return anchors_per_pixel(self.sizes, self.ratios)

    def build(self, input_shape):
        if None in input_shape[1:3]:
            raise ValueError(
                f"The height and width of the feature map must be known. Received: input_shape={tuple(input_shape)}"
            )

    def call(self, inputs):
        return ops.convert_to_tensor(anchor_boxes(*inputs.shape[1:3], self.sizes, self.ratios, self.aspect))

    def get_config(self):
        return {**super().get_config(), "sizes": self.sizes, "ratios": self.ratios, "aspect": self.aspect}
