"""The transformer that translates (Vaswani et al. 2017, "Attention is all you need").

One int32 array `(batch, 2, length)` in: the source's ids, and those of the translation that come before each one to
say. Logits `(batch, length, vocabulary_size)` out. Id 0 is padding. One vocabulary, one embedding, which is the output
layer too.
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_positive, check_rate
from dlkeras.layers.attention import hiding
from dlkeras.layers.positional import SinusoidalPositions
from dlkeras.layers.transformer import TransformerLayer
from dlkeras.models.base import ConfiguredModel


@keras.saving.register_keras_serializable(package="dlkeras")
class Transformer(ConfiguredModel):
    """Encoder and decoder of attention, with sines of places.

    Args:
        vocabulary_size: Number of ids; 0 is padding.
        encoder_depth: Layers of the encoder.
        decoder_depth: Layers of the decoder.
        heads: Of each attention.
        width: Of a token's vector.
        inner: Width inside of each feed-forward part.
        dropout: Rate on embeddings and in each layer, in [0, 1).

    Raises:
        ValueError: A number is out of its range.
    """

    def __init__(
        self,
        *,
        vocabulary_size=8000,
        encoder_depth=4,
        decoder_depth=4,
        heads=4,
        width=128,
        inner=256,
        dropout=0.0,
        **kwargs,
    ):
        arguments = {
            "vocabulary_size": vocabulary_size,
            "encoder_depth": encoder_depth,
            "decoder_depth": decoder_depth,
            "heads": heads,
            "width": width,
            "inner": inner,
        }
        for name, value in arguments.items():
            check_positive(name, value)
        check_rate("dropout", dropout)

        inputs = keras.Input((2, None), dtype="int32", name="ids")
        source, target = inputs[:, 0], inputs[:, 1]
        keep = ops.not_equal(source, 0)
        embedding = layers.ReversibleEmbedding(
            vocabulary_size,
            width,
            tie_weights=True,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=width**-0.5),
            name="embedding",
        )
        places = SinusoidalPositions(name="places")
        dropped = layers.Dropout(dropout, name="dropout")

        def piled(x, kind, depth, **seen):
            for number in range(1, depth + 1):
                name = f"{kind}{number}"
                decodes = {"causal": True, "cross": True} if kind == _DECODER else {}
                x = TransformerLayer(heads, inner, dropout=dropout, name=name, **decodes)(x, **seen)
            return layers.LayerNormalization(epsilon=1e-5, name=f"{kind}_norm")(x)

        def embedded(ids):
            return dropped(places(embedding(ids) * width**0.5))  # (batch, length, width)

        memory = piled(embedded(source), _ENCODER, encoder_depth, keep=keep)
        x = piled(embedded(target), _DECODER, decoder_depth, memory=memory, memory_keep=keep)
        x = embedding(x, reverse=True)
        outputs = layers.Activation("linear", dtype="float32", name="logits")(x)
        super().__init__(inputs, outputs, arguments={**arguments, "dropout": dropout}, **kwargs)

    def start(self, source):
        """Reads source ids, int32 `(batch, length)`; returns `(memory, state)` for `step`."""
        keep = ops.not_equal(source, 0)
        x = self._embedded(source)
        for layer in self._pile(_ENCODER):
            x = layer(x, keep=keep, training=False)
        x = self.get_layer(f"{_ENCODER}_norm")(x)
        decoder = self._pile(_DECODER)
        memory = {"read": [layer.cross_attention.read(x) for layer in decoder], "added": hiding(keep)}
        return memory, {"caches": [layer.attention.empty(ops.shape(source)[0]) for layer in decoder]}

    def step(self, tokens, memory, state):
        """Reads a token more of each beam, int32 `(batch, beams)`.

        Returns:
            `(logits, state)`, float32 `(batch, beams, vocabulary_size)`.
        """
        x, caches = self._embedded(ops.reshape(tokens, (-1,)), state["caches"][0]), []  # (batch * beams, width)
        for layer, cache, read in zip(self._pile(_DECODER), state["caches"], memory["read"], strict=True):
            x, cache = layer.step(x, cache, None, read, memory["added"])
            caches.append(cache)
        x = self.get_layer("embedding")(self.get_layer(f"{_DECODER}_norm")(x), reverse=True)
        x = ops.reshape(x, (-1, ops.shape(tokens)[1], x.shape[-1]))
        return ops.cast(x, "float32"), {"caches": caches}

    def attention_weights(self, inputs):
        """Tells where each token of the translation looked, as the mean of the heads of the last layer.

        Args:
            inputs: As of the model.

        Returns:
            float32 `(batch, target length, source length)`; rows sum to 1.
        """
        memory, _ = self.start(inputs[:, 0])
        return ops.cast(ops.mean(self._decoded(inputs[:, 1], memory)[1], axis=1), "float32")

    def step_anew(self, target, memory):
        """Reads whole translations, int32 `(batch, length)`: what `step` does without a cache.

        Returns:
            Logits of the token after each, float32 `(batch, vocabulary_size)`.
        """
        x = self._decoded(target, memory)[0][:, -1]
        x = self.get_layer("embedding")(self.get_layer(f"{_DECODER}_norm")(x), reverse=True)
        return ops.cast(x, "float32")

    def _decoded(self, target, memory):
        """Returns what tokens become, and the weights of the last layer, `(batch, heads, length, source)`."""
        x = self._embedded(target)
        for layer, read in zip(self._pile(_DECODER), memory["read"], strict=True):
            x, weights = layer.look(x, read, memory["added"])
        return x, weights

    def _embedded(self, ids, cache=None):
        """Returns vectors of ids: of a text, or where there is a cache, of the token after it, one a beam."""
        place = None if cache is None else ops.shape(cache["keys"])[3]
        return self.get_layer("places")(self.get_layer("embedding")(ids) * self._arguments["width"] ** 0.5, place=place)

    def _pile(self, kind):
        return [self.get_layer(f"{kind}{number}") for number in range(1, self._arguments[f"{kind}_depth"] + 1)]


_ENCODER, _DECODER = "encoder", "decoder"

VARIANTS = {
    "transformer": (Transformer, {}),
    "transformer_small": (
        Transformer,
        {"encoder_depth": 2, "decoder_depth": 2, "width": 64, "inner": 128},
    ),
    "transformer_mini": (
        Transformer,
        {"encoder_depth": 1, "decoder_depth": 1, "heads": 2, "width": 16, "inner": 32},
    ),
}
