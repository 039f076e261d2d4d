"""Residual networks (He et al., 2015, "Deep residual learning for image recognition").

Pictures `(batch, height, width, channels)` in, logits `(batch, num_classes)` out.
Two forms: the paper's CIFAR networks (stem `"small"`: one 3 x 3 convolution, depth 20, 32, 56) and its ImageNet
networks (stem `"large"`: a 7 x 7 convolution and a pooling, depth 18, 34, 50). Shortcuts are the identity where shapes
agree and a 1 x 1 projection where they do not (the paper's option B; its CIFAR networks pad with zeros instead, which
is 2,752 parameters less for depth 20); in bottlenecks the 3 x 3 convolution carries the stride.
"""

import keras
from keras import layers

from dlkeras.checks import check_choice, check_num_classes
from dlkeras.layers import BatchNormalization
from dlkeras.models.base import ConfiguredModel


def _convolution(x, filters, kernel_size, strides, name):
    # Padded on both sides alike whatever the stride, as in the paper; Keras's "same" pads strided ones on one side.
    padding = kernel_size // 2
    if strides > 1 and padding:
        x = layers.ZeroPadding2D(padding, name=f"{name}_pad")(x)
    return layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="valid" if strides > 1 else "same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)


def _normalization(x, name, gamma="ones"):
    return BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=gamma, name=name)(x)


def _convolution_unit(x, filters, kernel_size, strides, name):
    x = _convolution(x, filters, kernel_size, strides, name)
    x = _normalization(x, f"{name}_bn")
    return layers.ReLU(name=f"{name}_relu")(x)


def _basic_branch(x, filters, strides, name):
    x = _convolution_unit(x, filters, 3, strides, f"{name}_conv1")
    return _convolution(x, filters, 3, 1, f"{name}_conv2")


def _bottleneck_branch(x, filters, strides, name):
    x = _convolution_unit(x, filters // 4, 1, 1, f"{name}_conv1")
    x = _convolution_unit(x, filters // 4, 3, strides, f"{name}_conv2")
    return _convolution(x, filters, 1, 1, f"{name}_conv3")


_BRANCHES = {"basic": _basic_branch, "bottleneck": _bottleneck_branch}


def _residual_block(x, filters, strides, block, name):
    """Adds a branch to its shortcut: `(batch, h, w, c)` to `(batch, h / strides, w / strides, filters)`."""
    y = _BRANCHES[block](x, filters, strides, name)
    # The branch starts at zero, so that every block starts as the identity (Goyal et al., 2017).
    y = _normalization(y, f"{name}_bn", gamma="zeros")
    if strides > 1 or x.shape[-1] != filters:
        x = _convolution(x, filters, 1, strides, f"{name}_shortcut")
        x = _normalization(x, f"{name}_shortcut_bn")
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.ReLU(name=name)(x)


def _small_stem(x, filters):
    return _convolution_unit(x, filters, 3, 1, "stem")  # (batch, height, width, filters)


def _large_stem(x, filters):
    x = _convolution_unit(x, filters, 7, 2, "stem")  # (batch, height / 2, width / 2, filters)
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)  # (batch, height / 4, width / 4, filters)


_STEMS = {"small": _small_stem, "large": _large_stem}


@keras.saving.register_keras_serializable(package="dlkeras")
class ResNet(ConfiguredModel):
    """Residual network of any depth and width.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; scaled floats.
        stage_blocks: Number of blocks in each stage; every stage after the first halves height and width.
        stage_filters: Channels that each stage gives out.
        block: `"basic"` (two 3 x 3) or `"bottleneck"` (1 x 1, 3 x 3, 1 x 1).
        stem: `"small"` for pictures of about 32 px, `"large"` for about 224 px.
        stem_filters: Channels that the stem gives out.

    Raises:
        ValueError: `num_classes` is below 1, `block` or `stem` is unknown, or stages do not match.
    """

    def __init__(
        self,
        *,
        num_classes=10,
        input_shape=(32, 32, 3),
        stage_blocks=(3, 3, 3),
        stage_filters=(16, 32, 64),
        block="basic",
        stem="small",
        stem_filters=16,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_choice("block", block, _BRANCHES)
        check_choice("stem", stem, _STEMS)
        if len(stage_blocks) != len(stage_filters) or not stage_blocks:
            raise ValueError(
                "`stage_blocks` and `stage_filters` must have one entry a stage. "
                f"Received: stage_blocks={tuple(stage_blocks)}, stage_filters={tuple(stage_filters)}"
            )

        inputs = keras.Input(input_shape)
        x = _STEMS[stem](inputs, stem_filters)
        for stage, (blocks, filters) in enumerate(zip(stage_blocks, stage_filters, strict=True), start=1):
            for index in range(blocks):
                strides = 2 if stage > 1 and index == 0 else 1
                x = _residual_block(x, filters, strides, block, f"stage{stage}_block{index + 1}")
        x = layers.GlobalAveragePooling2D(name="pool")(x)  # (batch, filters)
        outputs = layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "stage_blocks": tuple(stage_blocks),
            "stage_filters": tuple(stage_filters),
            "block": block,
            "stem": stem,
            "stem_filters": stem_filters,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)


_BASIC = {"stage_filters": (64, 128, 256, 512), "stem": "large", "stem_filters": 64, "input_shape": (224, 224, 3)}
_BOTTLENECK = {**_BASIC, "stage_filters": (256, 512, 1024, 2048), "block": "bottleneck"}

_MINI = {"stage_filters": (16, 32, 64, 128)}

VARIANTS = {
    "resnet18_mini": (ResNet, {**_MINI, "stage_blocks": (2, 2, 2, 2)}),
    "resnet8": (ResNet, {"stage_blocks": (1, 1, 1)}),
    "resnet20": (ResNet, {"stage_blocks": (3, 3, 3)}),
    "resnet32": (ResNet, {"stage_blocks": (5, 5, 5)}),
    "resnet56": (ResNet, {"stage_blocks": (9, 9, 9)}),
    "resnet18": (ResNet, {**_BASIC, "stage_blocks": (2, 2, 2, 2)}),
    "resnet34": (ResNet, {**_BASIC, "stage_blocks": (3, 4, 6, 3)}),
    "resnet50": (ResNet, {**_BOTTLENECK, "stage_blocks": (3, 4, 6, 3)}),
}
