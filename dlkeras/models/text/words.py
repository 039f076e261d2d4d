"""What the classifiers of texts begin with: ids of words become vectors, and padding becomes nothing."""

import keras
from keras import layers, ops

from dlkeras.checks import check_positive, check_rate
from dlkeras.models.text.members import members_of
from dlkeras.models.text.parts import PartEmbedding

PADDING, UNKNOWN = 0, 1
VECTORS = "word_vectors"
"""Name of the layer that gives a model's word vectors, padding left out."""


@keras.saving.register_keras_serializable(package="dlkeras")
class WordDropout(layers.Layer):
    """In training, puts the unknown word in the place of some words, so that a model learns to do without them.

    Ids `(batch, length)` in, the same shape out; padding stays. Nothing is scaled.

    Args:
        rate: Share of the words, in [0, 1).
        seed: Seed of the draws.

    Raises:
        ValueError: `rate` is out of its range.

    Source: Iyyer et al. 2015, "Deep unordered composition rivals syntactic methods for text classification".
    """

    def __init__(self, rate, seed=None, **kwargs):
        check_rate("rate", rate)
        # A float type, as mixed precision would have it, must not be what ids are cast to.
        super().__init__(**{**kwargs, "dtype": "int32"})
        self.rate = rate
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs, training=False):
        if not training or not self.rate:
            return inputs
        draws = keras.random.uniform(ops.shape(inputs), seed=self.seed_generator, dtype="float32")
        return ops.where((draws < self.rate) & (inputs != PADDING), UNKNOWN, inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def check_words(vocabulary_size, embedding_dim, *rates, words=()):
    """Refuses sizes below what is possible, `(name, rate)` pairs outside of [0, 1), and too few or too many words."""
    if vocabulary_size < 2:
        raise ValueError(
            "`vocabulary_size` must be at least 2, of padding and the unknown word. "
            f"Received: vocabulary_size={vocabulary_size}"
        )
    if words and len(words) != vocabulary_size:
        raise ValueError(
            f"`words` must be as many as `vocabulary_size`, here {vocabulary_size}, or none. "
            f"Received: {len(words)} words"
        )
    check_positive("embedding_dim", embedding_dim)
    for name, rate in rates:
        check_rate(name, rate)


def embed(ids, vocabulary_size, embedding_dim, word_dropout=0.0, dropout=0.0, words=()):
    """Looks words up: `(batch, length)` to `(batch, length, embedding_dim)`, exactly 0 where there is padding.

    With `words`, those of the ids, a word's vector is its own one and the mean of those of its parts.

    Returns:
        `(vectors, mask)`; the mask is bool `(batch, length)`, true where there is a word.
    """
    mask = ids != PADDING
    known = WordDropout(word_dropout, name="word_dropout")(ids) if word_dropout else ids
    # Kim's range; the model would otherwise spend its first epochs on making words differ at all.
    initializer = keras.initializers.RandomUniform(-0.25, 0.25)
    x = layers.Embedding(vocabulary_size, embedding_dim, embeddings_initializer=initializer, name="embedding")(known)
    x = x + PartEmbedding(words, embedding_dim, name="parts")(known) if words else x
    x = layers.Dropout(dropout, name="embedding_dropout")(x) if dropout else x
    return layers.Multiply(name=VECTORS)([x, ops.expand_dims(ops.cast(mask, x.dtype), -1)]), mask


def set_word_vectors(model, matrix, trainable=True):
    """Gives a model the vectors of its words, as `dlkeras.data.word_vectors` reads them; each member, if it has some.

    Args:
        model: A built model of `dlkeras.models.text`.
        matrix: Array `(vocabulary_size, embedding_dim)`.
        trainable: Whether training changes them (Kim's "non-static") or not ("static").

    Raises:
        ValueError: The matrix is of another shape.
    """
    for member in members_of(model):
        layer = member.get_layer("embedding")
        expected = (layer.input_dim, layer.output_dim)
        if tuple(matrix.shape) != expected:
            raise ValueError(
                f"`matrix` must be (vocabulary_size, embedding_dim), here {expected}. "
                f"Received: shape {tuple(matrix.shape)}"
            )
        layer.embeddings.assign(matrix)
        layer.trainable = trainable
        for parts in (layer for layer in member.layers if isinstance(layer, PartEmbedding)):
            parts.vectors.assign(ops.zeros(parts.vectors.shape))  # a word begins as what the matrix says
