"""How surely a language model says each token of a text that was held out."""

import keras

from dlkeras.losses.sequences import token_losses
from dlkeras.models.text.recurrent_language import RecurrentLanguageModel
from dlkeras.text.streams import evaluate_stream, join_blocks

_TOKENS_AT_ONCE = 8192
_LANES = 16  # pieces that a recurrent network reads side by side, each from its beginning to its end


def mean_loss(model, examples):
    """Returns the mean cross-entropy of the tokens, in nats.

    A transformer sees those before a token in its block, a recurrent network all those of its piece of the text.

    Args:
        model: A model of `dlkeras.models.list("language")`.
        examples: Of `dlkeras.text.streams.cut_blocks`.
    """
    if isinstance(model, RecurrentLanguageModel):
        return float(evaluate_stream(model, join_blocks(examples), lanes=_LANES))
    rows = max(1, _TOKENS_AT_ONCE // examples.x.shape[1])
    total = count = 0.0
    for begin in range(0, len(examples.x), rows):
        logits = model.predict_on_batch(examples.x[begin : begin + rows])
        losses, counts = token_losses(examples.y[begin : begin + rows], logits)
        total += float(keras.ops.sum(losses * counts))
        count += float(keras.ops.sum(counts))
    return total / count
