"""Masked language modelling and next-sentence prediction (Devlin et al. 2018, "BERT")."""

import keras
from keras import layers, ops
from keras_hub.layers import MaskedLMHead

from dlkeras.models.bert.packed import OnBackbone, read
from dlkeras.text.masking import MOST_PREDICTED


@keras.saving.register_keras_serializable(package="dlkeras")
class FirstPlaces(layers.Layer):
    """Cuts rows `(batch, length)` to the part that can hold chosen pieces: `(batch, length // MOST_PREDICTED + 1)`."""

    def call(self, inputs):
        return inputs[:, : ops.shape(inputs)[1] // MOST_PREDICTED + 1]

    def compute_output_shape(self, input_shape):
        length = input_shape[1]
        return (input_shape[0], length and length // MOST_PREDICTED + 1)


@keras.saving.register_keras_serializable(package="dlkeras")
class BertPretrainer(OnBackbone):
    """Both tasks of BERT on one backbone.

    Takes int32 `(batch, 4, length)` as `dlkeras.text.masking.WholeWordMasking` makes them, and labels of
    `dlkeras.text.sentence_pairs`. Gives `tokens`, logits `(batch, places, vocabulary)`, and `next`, logits `(batch, 2)`
    of whether the second text follows. Its loss is the mean of the cross-entropy of all chosen pieces of the batch, and
    that of all texts with a second part; `perplexity` is e to the power of `token_loss`.

    Args:
        backbone: `keras_hub.models.BertBackbone`.
    """

    def __init__(self, backbone, **kwargs):
        inputs = keras.Input((4, None), dtype="int32", name="masked")
        sequence, pooled = read(backbone, inputs)
        places = FirstPlaces(name="places")(inputs[:, 2])
        head = MaskedLMHead(
            vocabulary_size=backbone.vocabulary_size,
            token_embedding=backbone.token_embedding,
            intermediate_activation="gelu",
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            dtype="float32",
            name="token_head",
        )
        outputs = {
            "tokens": head(sequence, mask_positions=places),
            "next": layers.Dense(2, dtype="float32", name="next_head")(pooled),
        }
        super().__init__(backbone, inputs, outputs, arguments={}, **kwargs)
        self._token_loss = keras.metrics.Mean("token_loss")
        self._token_accuracy = keras.metrics.Mean("token_accuracy")
        self._next_accuracy = keras.metrics.Mean("next_accuracy")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        tokens, next_ = _parts(x, y, y_pred)
        return _mean(*tokens[::2]) + _mean(*next_[::2])

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        (token_loss, token_right, chosen), (_, next_right, paired) = _parts(x, y, y_pred)
        self._token_loss.update_state(token_loss, chosen)
        self._token_accuracy.update_state(token_right, chosen)
        self._next_accuracy.update_state(next_right, paired)
        return self.get_metrics_result()


def _parts(x, y, outputs):
    """Returns cross-entropies, whether the likeliest is right, and what counts, for pieces and for next sentences."""
    targets = FirstPlaces()(x[:, 3])
    return _judged(targets, outputs["tokens"], targets > 0), _judged(ops.maximum(y, 0), outputs["next"], y >= 0)


def _judged(labels, logits, counts):
    losses = ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    right = ops.cast(ops.argmax(logits, axis=-1), "int32") == ops.cast(labels, "int32")
    return losses, ops.cast(right, "float32"), ops.cast(counts, "float32")


def _mean(values, weights):
    return ops.sum(values * weights) / ops.maximum(ops.sum(weights), 1.0)
