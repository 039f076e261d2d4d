"""AnyNet and RegNets (Radosavovic et al., 2020, "Designing network design spaces").

Pictures `(batch, height, width, channels)` in, logits `(batch, num_classes)` out.
AnyNet is the space: stages of residual bottlenecks with grouped convolutions, each stage with a depth, a width and a
group width of its own. A RegNet is a point of it whose widths follow a line, quantised: `quantized_stages`. RegNetY has
squeeze and excitation, RegNetX has not.

The named sizes are torchvision's to the last parameter, and take pictures normalised by ImageNet's mean and deviation
there. The authors' own code rounds the last width of `regnet_x_400mf` to 384 instead of 400. `regnet_x_32` is the
textbook's (Dive into Deep Learning, section 8.8), without the biases that batch normalization takes away again.
"""

import math
from collections import Counter

import keras
from keras import layers

from dlkeras.checks import check_choice, check_num_classes, check_positive
from dlkeras.layers import BatchNormalization, GroupedConv2D, SqueezeExcitation
from dlkeras.models.base import ConfiguredModel

# Of the stem and of the first stage; every later stage halves height and width.
_FIRST_STRIDES = {"small": 1, "large": 2}


def _convolution(x, filters, kernel_size, strides, name, groups=1):
    # Padded on both sides alike whatever the stride; Keras's "same" pads strided ones on one side.
    padding = kernel_size // 2
    if strides > 1 and padding:
        x = layers.ZeroPadding2D(padding, name=f"{name}_pad")(x)
    return GroupedConv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="valid" if strides > 1 else "same",
        groups=groups,
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)


def _normalization(x, name, gamma="ones"):
    return BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=gamma, name=name)(x)


def _convolution_unit(x, filters, kernel_size, strides, name, groups=1):
    x = _convolution(x, filters, kernel_size, strides, name, groups)
    x = _normalization(x, f"{name}_bn")
    return layers.ReLU(name=f"{name}_relu")(x)


def _block(x, filters, inner_filters, group_width, squeeze_ratio, strides, name):
    """Residual bottleneck: `(batch, h, w, c)` to `(batch, h / strides, w / strides, filters)`."""
    y = _convolution_unit(x, inner_filters, 1, 1, f"{name}_conv1")
    y = _convolution_unit(y, inner_filters, 3, strides, f"{name}_conv2", inner_filters // group_width)
    if squeeze_ratio:
        # A share of the block's input, not of what is squeezed, as in the authors' code.
        y = SqueezeExcitation(max(1, round(squeeze_ratio * x.shape[-1])), name=f"{name}_se")(y)
    y = _convolution(y, filters, 1, 1, f"{name}_conv3")
    # The branch starts at zero, so that every block starts as its shortcut (Goyal et al., 2017).
    y = _normalization(y, f"{name}_bn", gamma="zeros")
    if strides > 1 or x.shape[-1] != filters:
        x = _convolution(x, filters, 1, strides, f"{name}_shortcut")
        x = _normalization(x, f"{name}_shortcut_bn")
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.ReLU(name=name)(x)


def _check_stages(stage_depths, stage_widths, group_widths, bottleneck_ratio):
    if not 0 < len(stage_depths) == len(stage_widths) == len(group_widths):
        raise ValueError(
            "`stage_depths`, `stage_widths` and `group_widths` must have one entry a stage. Received: "
            f"stage_depths={tuple(stage_depths)}, stage_widths={tuple(stage_widths)}, "
            f"group_widths={tuple(group_widths)}"
        )
    check_positive("bottleneck_ratio", bottleneck_ratio)
    for width, group_width in zip(stage_widths, group_widths, strict=True):
        if round(width / bottleneck_ratio) % group_width:
            raise ValueError(
                "`stage_widths` divided by `bottleneck_ratio` must be multiples of `group_widths`. Received: "
                f"stage_widths={tuple(stage_widths)}, bottleneck_ratio={bottleneck_ratio}, "
                f"group_widths={tuple(group_widths)}"
            )


@keras.saving.register_keras_serializable(package="dlkeras")
class AnyNet(ConfiguredModel):
    """Stages of residual bottlenecks with grouped convolutions, of any depths and widths.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; scaled floats.
        stage_depths: Number of blocks in each stage.
        stage_widths: Channels that each stage gives out.
        group_widths: Channels of a group in each stage's 3 x 3 convolutions.
        bottleneck_ratio: What a width is divided by for the channels inside of its blocks, above 0.
        squeeze_ratio: Width of squeeze and excitation as a share of a block's input channels; 0 for none.
        stem: `"large"` for pictures of about 224 px (the stem and every stage halve height and width), `"small"` for
            about 32 px (the stem and the first stage do not).
        stem_filters: Channels that the stem gives out.

    Raises:
        ValueError: `num_classes` is below 1, `stem` is unknown, `bottleneck_ratio` is not above 0, `squeeze_ratio` is
            below 0, or the stages do not match or are not made of whole groups.
    """

    def __init__(
        self,
        *,
        num_classes=10,
        input_shape=(32, 32, 3),
        stage_depths=(1, 1, 2, 1),
        stage_widths=(16, 32, 64, 128),
        group_widths=(16, 16, 16, 16),
        bottleneck_ratio=1.0,
        squeeze_ratio=0.0,
        stem="small",
        stem_filters=16,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_choice("stem", stem, _FIRST_STRIDES)
        _check_stages(stage_depths, stage_widths, group_widths, bottleneck_ratio)
        if squeeze_ratio < 0:
            raise ValueError(f"`squeeze_ratio` must be at least 0. Received: squeeze_ratio={squeeze_ratio}")

        inputs = keras.Input(input_shape)
        x = _convolution_unit(inputs, stem_filters, 3, _FIRST_STRIDES[stem], "stem")
        stages = zip(stage_depths, stage_widths, group_widths, strict=True)
        for stage, (depth, width, group_width) in enumerate(stages, start=1):
            inner = round(width / bottleneck_ratio)
            for index in range(1, depth + 1):
                strides = (_FIRST_STRIDES[stem] if stage == 1 else 2) if index == 1 else 1
                x = _block(x, width, inner, group_width, squeeze_ratio, strides, f"stage{stage}_block{index}")
        x = layers.GlobalAveragePooling2D(name="pool")(x)  # (batch, width)
        outputs = layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "stage_depths": tuple(stage_depths),
            "stage_widths": tuple(stage_widths),
            "group_widths": tuple(group_widths),
            "bottleneck_ratio": bottleneck_ratio,
            "squeeze_ratio": squeeze_ratio,
            "stem": stem,
            "stem_filters": stem_filters,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)


def quantized_stages(depth, initial_width, slope, multiplier, group_width):
    """Finds the stages of a RegNet: blocks whose widths lie on a line, rounded to few widths (the paper's section 3.3).

    Args:
        depth: Number of blocks in all.
        initial_width: w_0, the width of the first block.
        slope: w_a, what every further block is wider.
        multiplier: w_m, the ratio between the widths of one stage and the next, above 1.
        group_width: Channels of a group; a stage that is narrower is one group.

    Returns:
        The arguments `stage_depths`, `stage_widths` and `group_widths` of `AnyNet`, as a dict of tuples.
    """
    stages = Counter()
    for block in range(depth):
        power = round(math.log((initial_width + slope * block) / initial_width, multiplier))
        stages[8 * round(initial_width * multiplier**power / 8)] += 1
    group_widths = [min(group_width, width) for width in stages]
    # To whole groups, halves up as torchvision does; Python would round them to even.
    widths = [group * int(width / group + 0.5) for width, group in zip(stages, group_widths, strict=True)]
    return {
        "stage_depths": tuple(stages.values()),
        "stage_widths": tuple(widths),
        "group_widths": tuple(group_widths),
    }


_LARGE = {"stem": "large", "stem_filters": 32, "input_shape": (224, 224, 3)}
_Y = {**_LARGE, "squeeze_ratio": 0.25}
_X_32 = {"stage_depths": (4, 6), "stage_widths": (32, 80), "group_widths": (16, 16)}

# The line of each size is the authors': w_0, w_a, w_m and the group width after the depth.
VARIANTS = {
    "regnet_mini": (AnyNet, {}),
    "regnet_x_32": (
        AnyNet,
        {**_LARGE, "input_shape": (96, 96, 1), **_X_32},
    ),
    "regnet_x_400mf": (AnyNet, {**_LARGE, **quantized_stages(22, 24, 24.48, 2.54, 16)}),
    "regnet_x_800mf": (AnyNet, {**_LARGE, **quantized_stages(16, 56, 35.73, 2.28, 16)}),
    "regnet_x_1_6gf": (AnyNet, {**_LARGE, **quantized_stages(18, 80, 34.01, 2.25, 24)}),
    "regnet_y_400mf": (AnyNet, {**_Y, **quantized_stages(16, 48, 27.89, 2.09, 8)}),
    "regnet_y_800mf": (AnyNet, {**_Y, **quantized_stages(14, 56, 38.84, 2.4, 16)}),
    "regnet_y_1_6gf": (AnyNet, {**_Y, **quantized_stages(27, 48, 20.71, 2.65, 24)}),
}
