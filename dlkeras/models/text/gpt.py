"""Decoder-only transformer (Radford et al. 2019, "Language models are unsupervised multitask learners").

Ids `(batch, length)` in, logits of the next id `(batch, length, vocabulary_size)` out. The output layer is the
embedding.
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_choice, check_positive, check_rate
from dlkeras.layers.attention import hiding
from dlkeras.layers.transformer import TransformerLayer
from dlkeras.models.base import ConfiguredModel

_STDDEV = 0.02
_ACTIVATIONS = ("gelu", "relu", "relu_squared")
LEARNED, ROTARY = "learned", "rotary"


@keras.saving.register_keras_serializable(package="dlkeras")
def relu_squared(x):
    """Returns the square of what is above 0 (So et al. 2021, "Primer")."""
    return ops.square(ops.relu(x))


@keras.saving.register_keras_serializable(package="dlkeras")
class PlaceEmbedding(layers.Layer):
    """Adds a learned vector a place; tokens `(batch, length, width)` in, the same out.

    Args:
        places: Number of places there are; a longer text is an error.
    """

    def __init__(self, places, **kwargs):
        super().__init__(**kwargs)
        self.places = places

    def build(self, input_shape):
        initializer = keras.initializers.RandomNormal(stddev=_STDDEV)
        self.positions = self.add_weight((self.places, input_shape[-1]), initializer, name="positions")

    def call(self, inputs, places=None):
        """Takes tokens, and their places where they do not begin at 0: `(batch, length)`."""
        places = ops.arange(ops.shape(inputs)[1]) if places is None else places
        return inputs + ops.cast(ops.take(self.positions, places, axis=0), inputs.dtype)

    def compute_output_shape(self, input_shape, *args, **kwargs):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "places": self.places}


@keras.saving.register_keras_serializable(package="dlkeras")
class GPT(ConfiguredModel):
    """Predicts each next id of a text from those before it.

    Args:
        vocabulary_size: Number of ids; 0 is padding.
        block: Longest text, in ids.
        depth: Number of layers.
        heads: Of each attention.
        width: Of a token's vector.
        inner: Width inside of each feed-forward part; `None` for four times `width`.
        positions: `"learned"`, a vector a place, or `"rotary"`, by which texts may be longer than `block`.
        activation: `"gelu"`, `"relu"` or `"relu_squared"`.
        dropout: Rate after the embedding and in each layer, in [0, 1).
        use_bias: Whether dense layers and normalizations have biases.

    Raises:
        ValueError: A number is out of its range, or there is no such choice.
    """

    def __init__(
        self,
        *,
        vocabulary_size=66,
        block=64,
        depth=4,
        heads=4,
        width=128,
        inner=None,
        positions=LEARNED,
        activation="gelu",
        dropout=0.0,
        use_bias=False,
        **kwargs,
    ):
        for name, value in (("vocabulary_size", vocabulary_size), ("block", block), ("depth", depth), ("width", width)):
            check_positive(name, value)
        check_choice("positions", positions, (LEARNED, ROTARY))
        check_choice("activation", activation, _ACTIVATIONS)
        check_rate("dropout", dropout)

        inputs = keras.Input((None,), dtype="int32", name="ids")
        stddev = keras.initializers.RandomNormal(stddev=_STDDEV)
        embedding = layers.ReversibleEmbedding(
            vocabulary_size, width, tie_weights=True, embeddings_initializer=stddev, name="embedding"
        )
        x = embedding(inputs)  # (batch, length, width)
        x = PlaceEmbedding(block, name="places")(x) if positions == LEARNED else x
        x = layers.Dropout(dropout, name="dropout")(x)
        for number in range(1, depth + 1):
            x = TransformerLayer(
                heads,
                inner or 4 * width,
                causal=True,
                rotary=positions == ROTARY,
                activation=relu_squared if activation == "relu_squared" else activation,
                dropout=dropout,
                use_bias=use_bias,
                # Smaller, since so many are added up.
                output_initializer=keras.initializers.RandomNormal(stddev=_STDDEV * (2 * depth) ** -0.5),
                name=f"layer{number}",
            )(x)
        x = layers.LayerNormalization(center=use_bias, epsilon=1e-5, name="norm")(x)
        x = embedding(x, reverse=True)
        outputs = layers.Activation("linear", dtype="float32", name="logits")(x)  # (batch, length, vocabulary_size)
        arguments = {
            "vocabulary_size": vocabulary_size,
            "block": block,
            "depth": depth,
            "heads": heads,
            "width": width,
            "inner": inner,
            "positions": positions,
            "activation": activation,
            "dropout": dropout,
            "use_bias": use_bias,
        }
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)
        self.block, self._depth = block, depth

    def start(self, ids):
        """Reads a prompt.

        Args:
            ids: int32 `(batch, length)`, 0 for padding, which stands before a text.

        Returns:
            `(memory, state)` for `step`; there is no memory.
        """
        keep = ops.not_equal(ids, 0)
        x = self._embedded(ids, ops.maximum(ops.cumsum(ops.cast(keep, "int32"), axis=1) - 1, 0))
        caches = []
        for layer in self._layers_of():
            x, cache = layer.start(x, keep)
            caches.append(cache)
        return {}, {"caches": caches, "added": hiding(keep)[:, None]}

    def step(self, tokens, memory, state):
        """Reads a token more of each beam, int32 `(batch, beams)`.

        Returns:
            `(logits, state)`, float32 `(batch, beams, vocabulary_size)`.
        """
        place = ops.sum(ops.cast(ops.equal(state["added"], 0.0), "int32"), axis=-1)
        added = ops.pad(state["added"], [[0, 0], [0, 0], [0, 1]])
        x, caches = self._embedded(ops.reshape(tokens, (-1,)), ops.reshape(place, (-1,))), []  # (batch * beams, width)
        for layer, cache in zip(self._layers_of(), state["caches"], strict=True):
            x, cache = layer.step(x, cache, added)
            caches.append(cache)
        x = self.get_layer("embedding")(self.get_layer("norm")(x), reverse=True)
        x = ops.reshape(x, (-1, ops.shape(tokens)[1], x.shape[-1]))
        return ops.cast(x, "float32"), {"caches": caches, "added": added}

    def _layers_of(self):
        return [self.get_layer(f"layer{number}") for number in range(1, self._depth + 1)]

    def _embedded(self, ids, places):
        x = self.get_layer("embedding")(ids)
        return self.get_layer("places")(x, places) if self._arguments["positions"] == LEARNED else x


_MODERN = {"positions": ROTARY, "activation": "relu_squared"}

VARIANTS = {
    "gpt": (GPT, {}),
    "gpt_rotary": (GPT, _MODERN),
    "gpt_medium": (GPT, {**_MODERN, "depth": 5, "heads": 6, "width": 192}),
    "gpt_mini": (GPT, {**_MODERN, "depth": 1, "heads": 2, "width": 16}),
}
