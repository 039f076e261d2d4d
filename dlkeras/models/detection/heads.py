"""What the detectors share: heads on feature maps of several sizes, and the anchors that belong to them.

Feature maps `(batch, height, width, channels)` in, one tensor `(batch, anchors, 4 + num_classes + 1)` out: of each
anchor the offsets of a box, then logits, of the background first.
"""

import numpy as np
from keras import layers

from dlkeras.layers import BatchNormalization
from dlkeras.layers.anchors import anchor_boxes, anchors_per_pixel
from dlkeras.models.base import ConfiguredModel


def _plain_head(x, filters, name):
    return layers.Conv2D(filters, 3, padding="same", kernel_initializer="glorot_uniform", name=name)(x)


def _separable_head(x, filters, name):
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_dw")(x)
    x = BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"{name}_dw_bn")(x)
    x = layers.ReLU(6.0, name=f"{name}_dw_relu")(x)
    return layers.Conv2D(filters, 1, name=name)(x)


# SSD's own, and SSDLite's (Sandler et al., 2018, "MobileNetV2", section 6.2).
HEADS = {"ssd": _plain_head, "ssdlite": _separable_head}


def predictions(maps, num_classes, sizes, ratios, head):
    """Puts a head for offsets and one for classes on each feature map.

    Args:
        maps: Tensors `(batch, height, width, channels)`, the finest first.
        num_classes: Number of classes, without the background.
        sizes: Of the anchors, a sequence for each map; see `dlkeras.layers.anchors.anchor_boxes`.
        ratios: Likewise.
        head: A key of `HEADS`.

    Returns:
        Tensor `(batch, anchors, 4 + num_classes + 1)`.
    """
    parts = []
    for level, (x, *shapes) in enumerate(zip(maps, sizes, ratios, strict=True)):
        count = anchors_per_pixel(*shapes)
        offsets = HEADS[head](x, count * 4, f"offsets_{level}")
        logits = HEADS[head](x, count * (num_classes + 1), f"logits_{level}")
        offsets = layers.Reshape((-1, 4), name=f"offsets_{level}_flat")(offsets)
        logits = layers.Reshape((-1, num_classes + 1), name=f"logits_{level}_flat")(logits)
        parts.append(layers.Concatenate(name=f"prediction_{level}")([offsets, logits]))
    return layers.Concatenate(axis=1, name="predictions")(parts)


def check_anchor_plan(sizes, ratios, levels):
    """Refuses sizes and ratios that are not one sequence a feature map."""
    for name, plan in (("sizes", sizes), ("ratios", ratios)):
        if len(plan) != levels or not all(len(part) and min(part) > 0 for part in plan):
            raise ValueError(
                f"`{name}` must hold numbers above 0 for each of the {levels} feature maps. Received: {name}={plan}"
            )


class Detector(ConfiguredModel):
    """A `ConfiguredModel` that looks for objects at anchor boxes.

    Attributes:
        anchors: Relative `xyxy` boxes, float32 array `(anchors, 4)`, in the order of the output.
        num_classes: Number of classes, without the background.

    Args:
        inputs: A `keras.Input`.
        maps: The feature maps, the finest first.
        arguments: As of `ConfiguredModel`; `num_classes`, `input_shape`, `sizes`, `ratios` and `head` are read here.
        **kwargs: Of `keras.Model`.
    """

    def __init__(self, inputs, maps, *, arguments, **kwargs):
        num_classes, sizes, ratios = (arguments[name] for name in ("num_classes", "sizes", "ratios"))
        super().__init__(
            inputs, predictions(maps, num_classes, sizes, ratios, arguments["head"]), arguments=arguments, **kwargs
        )
        self.num_classes = num_classes
        height, width = arguments["input_shape"][:2]
        levels = zip(maps, sizes, ratios, strict=True)
        self.anchors = np.concatenate([anchor_boxes(*x.shape[1:3], *plan, width / height) for x, *plan in levels])
