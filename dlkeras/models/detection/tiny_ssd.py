"""TinySSD, the detector of a textbook (Zhang et al., "Dive into Deep Learning", section 14.7).

Pictures `(batch, height, width, channels)` in, offsets and logits at anchors `(batch, anchors, 4 + num_classes + 1)`
out. Five feature maps: an eighth, a 16th, a 32nd and a 64th of the picture, and a single pixel.
"""

import keras
from keras import layers

from dlkeras.checks import check_choice, check_least_size, check_num_classes
from dlkeras.layers import BatchNormalization
from dlkeras.models.detection.heads import HEADS, Detector, check_anchor_plan

_SIZES = ((0.2, 0.272), (0.37, 0.447), (0.54, 0.619), (0.71, 0.79), (0.88, 0.961))
_RATIOS = ((1.0, 2.0, 0.5),) * 5
_LEVELS = 5


def _downsampling_block(x, filters, name):
    """Two convolutions and a pooling: `(batch, h, w, c)` to `(batch, h / 2, w / 2, filters)`."""
    for index in (1, 2):
        x = layers.Conv2D(
            filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv{index}"
        )(x)
        x = BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn{index}")(x)
        x = layers.ReLU(name=f"{name}_relu{index}")(x)
    return layers.MaxPooling2D(2, name=f"{name}_pool")(x)


@keras.saving.register_keras_serializable(package="dlkeras")
class TinySSD(Detector):
    """Single-shot detector of plain convolutions: with the textbook's sizes, 5,444 anchors at 256 px.

    Args:
        num_classes: Number of classes, without the background, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`, at least 64 x 64; scaled floats.
        base_filters: Channels of the three blocks before the first feature map.
        filters: Channels of the three blocks after it.
        sizes: Of the anchors, a sequence for each of the five feature maps; see
            `dlkeras.layers.anchors.anchor_boxes`.
        ratios: Likewise.
        head: `"ssd"`, convolutions of 3 x 3, or `"ssdlite"`, depthwise ones and pointwise ones.

    Raises:
        ValueError: An argument is out of its range, or the picture is too small.
    """

    def __init__(
        self,
        *,
        num_classes=1,
        input_shape=(256, 256, 3),
        base_filters=(16, 32, 64),
        filters=128,
        sizes=_SIZES,
        ratios=_RATIOS,
        head="ssd",
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_least_size(input_shape, 64)
        check_choice("head", head, HEADS)
        check_anchor_plan(sizes, ratios, _LEVELS)
        inputs = x = keras.Input(input_shape)
        for index, count in enumerate(base_filters, start=1):
            x = _downsampling_block(x, count, f"base{index}")
        maps = [x]  # (batch, height / 8, width / 8, base_filters[-1])
        for index in (1, 2, 3):
            maps.append(_downsampling_block(maps[-1], filters, f"block{index}"))
        maps.append(layers.GlobalMaxPooling2D(keepdims=True, name="block4")(maps[-1]))  # (batch, 1, 1, filters)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "base_filters": tuple(base_filters),
            "filters": filters,
            "sizes": tuple(map(tuple, sizes)),
            "ratios": tuple(map(tuple, ratios)),
            "head": head,
        }
        super().__init__(inputs, maps, arguments=arguments, **kwargs)


VARIANTS = {"tiny_ssd": (TinySSD, {})}
