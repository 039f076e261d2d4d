"""FCN on any backbone (Long et al., 2015, "Fully convolutional networks for semantic segmentation").

Pictures `(batch, height, width, channels)` in, logits `(batch, height, width, num_classes)` out. Each feature map is
classified by a 1 x 1 convolution. From the coarsest on, these scores are enlarged and added to those of the next finer
map, then enlarged to the picture: one map at a 32nd of the picture gives FCN-32s, a 16th more FCN-16s, an eighth more
FCN-8s. Two things differ from the paper: the picture is not padded by 100 pixels, as maps here are padded, and the last
enlargement is learned like the others.
"""

import keras
import numpy as np
from keras import layers

from dlkeras.checks import check_num_classes, check_rate
from dlkeras.models.base import ConfiguredModel
from dlkeras.models.detection.ssd import feature_levels, levels_at
from dlkeras.models.vision.resnet import ResNet
from dlkeras.models.vision.vgg import VGG


@keras.saving.register_keras_serializable(package="dlkeras")
class BilinearInitializer(keras.initializers.Initializer):
    """Makes a transposed convolution enlarge each channel bilinearly, as it starts.

    The kernel of strides n, an even number, has 2n x 2n pixels, and its padding is `"same"`. Then all but the border,
    beyond which lie zeros, is what `keras.ops.image.resize` gives.

    Source: Long et al. 2015, "Fully convolutional networks for semantic segmentation", section 3.3.
    """

    def __call__(self, shape, dtype=None):
        """Gives a kernel `(height, width, channels out, channels in)`."""
        height, width, filters, channels = shape
        window = np.outer(_triangle(height), _triangle(width))
        kernel = window[:, :, None, None] * np.eye(filters, channels)
        return keras.ops.convert_to_tensor(kernel, dtype=dtype or keras.config.floatx())

    def get_config(self):
        return {}


def _triangle(size):
    distance = np.abs(np.arange(size) - (size - 1) / 2)
    return 1 - distance / ((size + 1) // 2)


def _enlarge(x, shape, name):
    """Enlarges scores bilinearly, as it starts, to `(batch, *shape, num_classes)`."""
    sides = tuple(x.shape[1:3])
    factor = 1
    while any(side * factor < wanted for side, wanted in zip(sides, shape, strict=True)):
        factor *= 2
    if sides != tuple(-(-wanted // factor) for wanted in shape):
        raise ValueError(
            "Each feature map must have the sides of the next finer one, or of the picture, divided by a power of two "
            f"and rounded up. Received: {sides[0]} x {sides[1]} after {shape[0]} x {shape[1]}"
        )
    if factor > 1:
        x = layers.Conv2DTranspose(
            x.shape[-1],
            2 * factor,
            strides=factor,
            padding="same",
            use_bias=False,
            kernel_initializer=BilinearInitializer(),
            name=name,
        )(x)
    # Maps start at the picture's top left corner, so what a rounded one has too much is at its other sides.
    surplus = [(0, side - wanted) for side, wanted in zip(x.shape[1:3], shape, strict=True)]
    return layers.Cropping2D(surplus, name=f"{name}_crop")(x) if surplus != [(0, 0), (0, 0)] else x


def _head(x, head_filters, dropout):
    """The dense layers of a classifier as convolutions: one of 7 x 7, then of 1 x 1."""
    for index, filters in enumerate(head_filters, start=6):
        x = layers.Conv2D(
            filters,
            7 if index == 6 else 1,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            name=f"fc{index}",
        )(x)
        x = layers.Dropout(dropout, name=f"fc{index}_dropout")(x) if dropout else x
    return x


@keras.saving.register_keras_serializable(package="dlkeras")
class FCN(ConfiguredModel):
    """Fully convolutional network on the feature maps of a backbone.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`; what the backbone takes.
        backbone: A functional `keras.Model` that takes pictures of `input_shape`.
        levels: Names of its feature maps, the finest first; see `dlkeras.models.detection.ssd.feature_levels`. Their
            sides are those of the picture over powers of two, rounded up.
        head_filters: Channels of the convolutions between the coarsest map and its scores; `(4096, 4096)` in the paper.
        dropout: Rate after each of these, in [0, 1).

    Raises:
        ValueError: An argument is out of its range, or the backbone has no such feature maps.
    """

    def __init__(self, *, num_classes, input_shape, backbone, levels, head_filters=(), dropout=0.0, **kwargs):
        check_num_classes(num_classes)
        check_rate("dropout", dropout)
        inputs = keras.Input(input_shape)
        maps = feature_levels(backbone, levels)(inputs)
        *finer, x = maps if isinstance(maps, (list, tuple)) else [maps]
        x = _head(x, head_filters, dropout)
        x = layers.Conv2D(num_classes, 1, name="logits")(x)
        for index in reversed(range(len(finer))):
            # From zeros, so that the network starts as the coarser one: section 4.2 of the paper.
            scores = layers.Conv2D(num_classes, 1, kernel_initializer="zeros", name=f"logits_{index}")(finer[index])
            x = layers.Add(name=f"merge_{index}")([_enlarge(x, scores.shape[1:3], f"up_{index}"), scores])
        x = _enlarge(x, tuple(input_shape[:2]), "up")  # (batch, height, width, num_classes)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            # As plain values: a model would bring its own head's weights along.
            "backbone": keras.saving.serialize_keras_object(backbone),
            "levels": list(levels),
            "head_filters": tuple(head_filters),
            "dropout": dropout,
        }
        super().__init__(inputs, x, arguments=arguments, **kwargs)

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "backbone": keras.saving.deserialize_keras_object(config["backbone"])})


_STRIDES = {"32s": (32,), "16s": (16, 32), "8s": (8, 16, 32)}
_VGG_LEVELS = {"32s": ["block5_pool"], "16s": ["block4_pool", "block5_pool"]}
_VGG_LEVELS["8s"] = ["block3_pool", *_VGG_LEVELS["16s"]]


def _on_vgg16(*, form, input_shape=(224, 224, 3), num_classes=21, **kwargs):
    # The dense layers are not used, and would take a gigabyte while it is built.
    backbone = VGG(num_classes=1, input_shape=input_shape, stage_convolutions=(2, 2, 3, 3, 3), dense_units=1)
    paper = {"levels": _VGG_LEVELS[form], "head_filters": (4096, 4096), "dropout": 0.5}
    return FCN(**{"num_classes": num_classes, "input_shape": input_shape, "backbone": backbone, **paper, **kwargs})


def _on_resnet18(*, form, input_shape=(224, 224, 3), filters=(64, 128, 256, 512), num_classes=21, **kwargs):
    backbone = ResNet(
        num_classes=1,
        input_shape=input_shape,
        stage_blocks=(2, 2, 2, 2),
        stage_filters=filters,
        stem="large",
        stem_filters=filters[0],
    )
    levels = levels_at(backbone, _STRIDES[form])
    return FCN(
        **{"num_classes": num_classes, "input_shape": input_shape, "backbone": backbone, "levels": levels, **kwargs}
    )


_MINI = {"filters": (16, 32, 64, 128)}

VARIANTS = {
    **{f"fcn{form}_vgg16": (_on_vgg16, {"form": form}) for form in _STRIDES},
    **{f"fcn{form}_resnet18": (_on_resnet18, {"form": form}) for form in _STRIDES},
    **{f"fcn{form}_mini": (_on_resnet18, {"form": form, **_MINI}) for form in _STRIDES},
}
