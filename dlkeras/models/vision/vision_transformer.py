"""Vision transformers (Dosovitskiy et al., 2020, "An image is worth 16x16 words").

Pictures `(batch, height, width, channels)` in, logits `(batch, num_classes)` out.
A picture is cut into patches, each of which is a token of a transformer encoder with the normalization before attention
and before the dense layers. The paper's networks take pictures scaled to [-1, 1]; S and Ti are the narrower ones of
Touvron et al., 2021 ("Training data-efficient image transformers").
"""

import keras
from keras import layers

from dlkeras.checks import check_choice, check_num_classes, check_rate
from dlkeras.layers import ClassToken, PositionEmbedding
from dlkeras.models.base import ConfiguredModel


def _normalization(x, name):
    return layers.LayerNormalization(epsilon=1e-6, name=name)(x)


def _dropout(x, rate, name):
    return layers.Dropout(rate, name=name)(x) if rate else x


def _patches(x, patch_size, width):
    """Cuts into patches and embeds them: `(batch, height, width, channels)` to `(batch, patches, width)`."""
    x = layers.Conv2D(width, patch_size, strides=patch_size, name="patches")(x)
    return layers.Reshape((-1, width), name="tokens")(x)


def _attention(x, heads, name):
    width = x.shape[-1]
    # Keras would take the heads for the extent of a filter and begin too small; this is Glorot's of a square matrix.
    initializer = keras.initializers.RandomNormal(stddev=width**-0.5)
    return layers.MultiHeadAttention(heads, width // heads, kernel_initializer=initializer, name=name)(x, x)


def _encoder_block(x, heads, hidden_width, dropout, name):
    """Attention between tokens, then two dense layers on each, both added to what they read: same shape out."""
    y = _normalization(x, f"{name}_attention_norm")
    y = _attention(y, heads, f"{name}_attention")
    y = _dropout(y, dropout, f"{name}_attention_dropout")
    x = layers.Add(name=f"{name}_attention_add")([x, y])
    y = _normalization(x, f"{name}_norm")
    y = layers.Dense(hidden_width, activation="gelu", name=f"{name}_dense1")(y)  # (batch, tokens, hidden_width)
    y = _dropout(y, dropout, f"{name}_dropout1")
    y = layers.Dense(x.shape[-1], name=f"{name}_dense2")(y)
    y = _dropout(y, dropout, f"{name}_dropout2")
    return layers.Add(name=name)([x, y])


_POOLING = {
    "token": lambda x: x[:, 0],
    "average": lambda x: layers.GlobalAveragePooling1D(name="pool")(x),
}


def _check(input_shape, patch_size, width, heads):
    if any(length % patch_size for length in input_shape[:2]):
        raise ValueError(
            "Height and width of `input_shape` must be multiples of `patch_size`. "
            f"Received: input_shape={tuple(input_shape)}, patch_size={patch_size}"
        )
    if width % heads:
        raise ValueError(f"`width` must be a multiple of `heads`. Received: width={width}, heads={heads}")


@keras.saving.register_keras_serializable(package="dlkeras")
class VisionTransformer(ConfiguredModel):
    """Transformer encoder over the patches of a picture.

    Args:
        num_classes: Number of classes, at least 1.
        input_shape: Shape of one picture, `(height, width, channels)`, a multiple of patches; scaled floats.
        patch_size: Height and width of a patch.
        width: Length of a token, a multiple of `heads`.
        depth: Number of encoder blocks.
        heads: Number of attention heads.
        hidden_width: Width of the layer inside of each block.
        pooling: What is classified: `"token"` (a learned token that is put before the patches) or `"average"` (the
            mean of the patches).
        dropout: Rate after the embedding and after every dense layer of a block, in [0, 1).

    Raises:
        ValueError: `num_classes`, `pooling` or `dropout` is out of its range, or a size does not divide another.
    """

    def __init__(
        self,
        *,
        num_classes=10,
        input_shape=(32, 32, 3),
        patch_size=4,
        width=64,
        depth=4,
        heads=4,
        hidden_width=256,
        pooling="token",
        dropout=0.0,
        **kwargs,
    ):
        check_num_classes(num_classes)
        check_choice("pooling", pooling, _POOLING)
        check_rate("dropout", dropout)
        _check(input_shape, patch_size, width, heads)

        inputs = keras.Input(input_shape)
        x = _patches(inputs, patch_size, width)  # (batch, patches, width)
        x = ClassToken(name="class_token")(x) if pooling == "token" else x
        x = PositionEmbedding(name="positions")(x)
        x = _dropout(x, dropout, "dropout")
        for index in range(1, depth + 1):
            x = _encoder_block(x, heads, hidden_width, dropout, f"block{index}")
        x = _normalization(x, "norm")  # (batch, tokens, width)
        x = _POOLING[pooling](x)  # (batch, width)
        outputs = layers.Dense(num_classes, name="logits")(x)  # (batch, num_classes)
        arguments = {
            "num_classes": num_classes,
            "input_shape": tuple(input_shape),
            "patch_size": patch_size,
            "width": width,
            "depth": depth,
            "heads": heads,
            "hidden_width": hidden_width,
            "pooling": pooling,
            "dropout": dropout,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)


def _sixteen(width, heads):
    return {
        "patch_size": 16,
        "width": width,
        "depth": 12,
        "heads": heads,
        "hidden_width": 4 * width,
        "input_shape": (224, 224, 3),
    }


VARIANTS = {
    "vit_mini": (VisionTransformer, {}),
    "vit_ti16": (VisionTransformer, _sixteen(192, 3)),
    "vit_s16": (VisionTransformer, _sixteen(384, 6)),
    "vit_b16": (VisionTransformer, _sixteen(768, 12)),
}
