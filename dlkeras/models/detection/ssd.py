"""SSD on any backbone (Liu et al., 2016, "SSD: Single shot multibox detector").

Pictures `(batch, height, width, channels)` in, offsets and logits at anchors `(batch, anchors, 4 + num_classes + 1)`
out. Feature maps come from named layers of a network, then from extra blocks on the last of these. What is not in the
paper, and off unless asked for: separable heads and blocks (SSDLite), and a pyramid that hands what coarse maps know
down to the fine ones (Lin et al., 2017, "Feature pyramid networks for object detection"), which small objects need.
"""

import itertools

import keras
from keras import layers

from dlkeras.checks import check_choice, check_num_classes
from dlkeras.layers import BatchNormalization
from dlkeras.models.detection.heads import HEADS, Detector, check_anchor_plan
from dlkeras.models.vision.mobilenet import MobileNetV1
from dlkeras.models.vision.vgg import VGG

_RATIOS = (1.0, 2.0, 0.5)
_WIDE_RATIOS = (1.0, 2.0, 0.5, 3.0, 1 / 3)


def feature_levels(network, levels):
    """Returns feature maps of a network by name.

    Args:
        network: A functional `keras.Model`.
        levels: Names of layers, or of the levels of a KerasHub backbone (`"P3"`, `"P4"`, ...), the finest first.

    Returns:
        A `keras.Model` from the network's input to a list of tensors `(batch, height, width, channels)`.

    Raises:
        ValueError: There is no such layer, or its output is no feature map.
    """
    pyramid = getattr(network, "pyramid_outputs", {})
    named = {layer.name: layer.output for layer in network.layers if _is_map(layer)}
    known = {**named, **pyramid}
    unknown = [level for level in levels if level not in known]
    if unknown or not levels:
        accepted = ", ".join([*pyramid, *list(named)[-12:]])
        raise ValueError(
            f"`levels` must be names of feature maps of {network.name}, such as {accepted}. Received: {list(levels)}"
        )
    return keras.Model(network.inputs, [known[level] for level in levels], name="backbone")


def _is_map(layer):
    output = getattr(layer, "output", None)
    return hasattr(output, "shape") and len(output.shape) == 4


def _unit(x, filters, kernel_size, name, strides=1, padding="same", separable=False):
    """A convolution, normalized; a separable one is a depthwise one of the window and a pointwise one."""
    if separable and kernel_size > 1:
        x = layers.DepthwiseConv2D(kernel_size, strides=strides, padding=padding, use_bias=False, name=f"{name}_dw")(x)
        x = BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"{name}_dw_bn")(x)
        x = layers.ReLU(6.0, name=f"{name}_dw_relu")(x)
        kernel_size, strides, padding = 1, 1, "same"
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    x = BatchNormalization(momentum=0.9, epsilon=1e-3, name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _extra_block(x, filters, strides, separable, name):
    """Halves a feature map, or with strides of 1 takes two pixels off its sides, as SSD300 ends."""
    x = _unit(x, filters // 2, 1, f"{name}_reduce")
    padding = "same" if strides > 1 else "valid"
    return _unit(x, filters, 3, name, strides, padding, separable)


def _pyramid(maps, filters, separable):
    """Adds to each map what the coarser ones know: `filters` channels in all."""
    maps = [_unit(x, filters, 1, f"lateral_{level}") for level, x in enumerate(maps)]
    for level in reversed(range(len(maps) - 1)):
        fine, coarse = maps[level], maps[level + 1]
        # Maps of odd sizes are not halves of each other: resized, not repeated.
        coarse = layers.Resizing(*fine.shape[1:3], interpolation="nearest", name=f"up_{level}")(coarse)
        maps[level] = layers.Add(name=f"merge_{level}")([fine, coarse])
    return [_unit(x, filters, 3, f"pyramid_{level}", separable=separable) for level, x in enumerate(maps)]


@keras.saving.register_keras_serializable(package="dlkeras")
class SSD(Detector):
    """Single-shot detector on the feature maps of a backbone.

    Args:
        num_classes: Number of classes, without the background, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; what the backbone takes.
        backbone: A functional `keras.Model` that takes pictures of `input_shape`.
        levels: Names of its feature maps, the finest first; see `feature_levels`.
        extras: `(filters, strides)` of each further block; with strides of 1 it is not padded.
        sizes: Of the anchors, a sequence for each feature map, those of `extras` included; see
            `dlkeras.layers.anchors.anchor_boxes`.
        ratios: Likewise.
        head: `"ssd"`, convolutions of 3 x 3, or `"ssdlite"`, depthwise ones and pointwise ones, in `extras` too.
        pyramid_filters: Channels of a feature pyramid on top of all maps; 0 for none.

    Raises:
        ValueError: An argument is out of its range, or the backbone has no such feature maps.
    """

    def __init__(
        self,
        *,
        num_classes,
        input_shape,
        backbone,
        levels,
        extras,
        sizes,
        ratios,
        head="ssdlite",
        pyramid_filters=0,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_choice("head", head, HEADS)
        check_anchor_plan(sizes, ratios, len(levels) + len(extras))
        if pyramid_filters < 0:
            raise ValueError(f"`pyramid_filters` must be at least 0. Received: pyramid_filters={pyramid_filters}")
        separable = head == "ssdlite"
        inputs = keras.Input(input_shape)
        maps = list(_as_list(feature_levels(backbone, levels)(inputs)))
        for index, (filters, strides) in enumerate(extras):
            maps.append(_extra_block(maps[-1], filters, strides, separable, f"extra_{index}"))
        if pyramid_filters:
            maps = _pyramid(maps, pyramid_filters, separable)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            # As plain values: a model would bring its own head's weights along.
            "backbone": keras.saving.serialize_keras_object(backbone),
            "levels": list(levels),
            "extras": tuple(map(tuple, extras)),
            "sizes": tuple(map(tuple, sizes)),
            "ratios": tuple(map(tuple, ratios)),
            "head": head,
            "pyramid_filters": pyramid_filters,
        }
        super().__init__(inputs, maps, arguments=arguments, **kwargs)

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "backbone": keras.saving.deserialize_keras_object(config["backbone"])})


def _as_list(value):
    return value if isinstance(value, (list, tuple)) else [value]


def anchor_sizes(levels, smallest=0.2, largest=0.9):
    """Returns SSD's sizes of anchors: two a level, evenly spaced from the smallest to the largest.

    Args:
        levels: Number of feature maps, at least 2.
        smallest: Size on the finest one, relative to the picture.
        largest: Size on the coarsest one.

    Returns:
        `((size, size between this and the next), ...)`.

    Source: Liu et al. 2016, "SSD", section 2.2.
    """
    step = (largest - smallest) / (levels - 1)
    steps = [smallest + step * level for level in range(levels + 1)]
    return tuple((one, (one * after) ** 0.5) for one, after in itertools.pairwise(steps))


def geometric_anchor_sizes(levels, smallest, largest=0.9):
    """Returns sizes of anchors that grow by the same factor from level to level: two a level.

    The paper's even steps leave a wide gap above anchors that are much smaller than its own.

    Args:
        levels: Number of feature maps, at least 2.
        smallest: Size on the finest one, relative to the picture.
        largest: Size on the coarsest one.

    Returns:
        `((size, size halfway to the next), ...)`.
    """
    factor = (largest / smallest) ** (1 / (levels - 1))
    return tuple((smallest * factor**level, smallest * factor ** (level + 0.5)) for level in range(levels))


def levels_at(network, strides=(8, 16, 32)):
    """Finds the feature maps of a network that are so many times smaller than its pictures.

    Args:
        network: A functional `keras.Model` with a known input shape.
        strides: How many times smaller, ascending.

    Returns:
        The name of the last such layer for each stride, for `SSD`.

    Raises:
        ValueError: There is no feature map of one of the sizes.
    """
    size = network.input_shape[1:3]
    names = []
    for stride in strides:
        wanted = tuple(-(-side // stride) for side in size)
        found = [layer.name for layer in network.layers if _is_map(layer) and tuple(layer.output.shape[1:3]) == wanted]
        if not found:
            raise ValueError(f"{network.name} has no feature map of {wanted}, a {stride}th of its pictures {size}.")
        names.append(found[-1])
    return names


def _on_mobilenet(*, input_shape=(320, 320, 3), width=1.0, num_classes=1, **kwargs):
    backbone = MobileNetV1(num_classes=1, input_shape=input_shape, width=width, stem="large")
    return SSD(
        **{
            "num_classes": num_classes,
            "input_shape": input_shape,
            "backbone": backbone,
            "levels": levels_at(backbone),
            "extras": ((256, 2), (128, 2)),
            "sizes": anchor_sizes(5, 0.1, 0.9),
            "ratios": (_RATIOS, *[_WIDE_RATIOS] * 4),
            **kwargs,
        }
    )


def _ssd300(*, input_shape=(300, 300, 3), num_classes=20, **kwargs):
    # Of its dense layers nothing is used, and in full they would be ten times as many weights as the rest.
    backbone = VGG(num_classes=1, input_shape=input_shape, stage_convolutions=(2, 2, 3, 3, 3), dense_units=1)
    return SSD(
        **{
            "num_classes": num_classes,
            "input_shape": input_shape,
            "backbone": backbone,
            "levels": ["block4_conv3_relu", "block5_conv3_relu"],
            "extras": ((512, 2), (256, 2), (256, 1), (256, 1)),
            "sizes": ((0.1, 0.1414), *anchor_sizes(5, 0.2, 0.9)),
            "ratios": (_RATIOS, _WIDE_RATIOS, _WIDE_RATIOS, _WIDE_RATIOS, _RATIOS, _RATIOS),
            "head": "ssd",
            **kwargs,
        }
    )


VARIANTS = {
    "ssd300_vgg16": (_ssd300, {}),
    "ssdlite_mobilenet_v1": (_on_mobilenet, {}),
    "ssdlite_mobilenet_v1_025": (_on_mobilenet, {"width": 0.25}),
}
