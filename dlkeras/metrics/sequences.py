"""Measures of sequences of ids, in which id 0 is padding and does not count."""

import keras
from keras import ops

from dlkeras.losses.sequences import token_losses


@keras.saving.register_keras_serializable(package="dlkeras")
class TokenLoss(keras.metrics.Mean):
    """Mean cross-entropy of the tokens, in nats: of all of them alike, whatever batches they are in."""

    def __init__(self, name="token_loss", **kwargs):
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes ids `(batch, length)` and logits `(batch, length, vocabulary)`."""
        super().update_state(*token_losses(y_true, y_pred))


@keras.saving.register_keras_serializable(package="dlkeras")
class Perplexity(TokenLoss):
    """e to the power of `TokenLoss`: how many tokens the model wavers between."""

    def __init__(self, name="perplexity", **kwargs):
        super().__init__(name=name, **kwargs)

    def result(self):
        return ops.exp(super().result())


@keras.saving.register_keras_serializable(package="dlkeras")
class TokenAccuracy(keras.metrics.Mean):
    """Share of the tokens that were the likeliest ones."""

    def __init__(self, name="token_accuracy", **kwargs):
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Takes ids `(batch, length)` and logits `(batch, length, vocabulary)`."""
        right = ops.equal(*(ops.cast(ids, "int32") for ids in (ops.argmax(y_pred, axis=-1), y_true)))
        super().update_state(ops.cast(right, "float32"), ops.cast(ops.not_equal(y_true, 0), "float32"))
