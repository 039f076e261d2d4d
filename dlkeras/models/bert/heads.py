"""Heads for tasks on a BERT backbone (Devlin et al. 2018): a text or a pair, each token, and a span.

All take int32 `(batch, 2, length)` as `dlkeras.text.sentence_pairs.pack` gives it: ids and segments.
"""

import keras
from keras import layers, ops
from keras_hub.models import BertTextClassifier

from dlkeras.checks import check_num_classes, check_positive, check_rate
from dlkeras.models.bert.packed import OnBackbone, inputs_of, sequence_of

_NOWHERE = -1e4  # a logit of where no answer can be; half precision holds it
_INITIALIZER = {"class_name": "TruncatedNormal", "config": {"stddev": 0.02}}


@keras.saving.register_keras_serializable(package="dlkeras")
class BertClassifier(OnBackbone):
    """Says what a text or a pair of texts is: logits `(batch, num_classes)`, by KerasHub's `BertTextClassifier`.

    Args:
        backbone: `keras_hub.models.BertBackbone`.
        num_classes: Number of classes, at least 1.
        dropout: Rate before the logits, in [0, 1).

    Raises:
        ValueError: A number is out of its range.
    """

    def __init__(self, backbone, num_classes, dropout=0.1, **kwargs):
        check_num_classes(num_classes)
        check_rate("dropout", dropout)
        packed = keras.Input((2, None), dtype="int32", name="packed")
        task = BertTextClassifier(backbone, num_classes, dropout=dropout, name="classifier")
        arguments = {"num_classes": num_classes, "dropout": dropout}
        super().__init__(backbone, packed, task(inputs_of(packed)), arguments=arguments, **kwargs)


@keras.saving.register_keras_serializable(package="dlkeras")
class BertTagger(OnBackbone):
    """Says what each token is, such as part of a name: logits `(batch, length, num_tags)`.

    Args:
        backbone: `keras_hub.models.BertBackbone`.
        num_tags: Number of tags, at least 1.
        dropout: Rate before the logits, in [0, 1).

    Raises:
        ValueError: A number is out of its range.
    """

    def __init__(self, backbone, num_tags, dropout=0.1, **kwargs):
        check_positive("num_tags", num_tags)
        check_rate("dropout", dropout)
        packed = keras.Input((2, None), dtype="int32", name="packed")
        sequence = sequence_of(backbone, packed)
        x = layers.Dropout(dropout, name="dropout")(sequence)
        logits = layers.Dense(num_tags, kernel_initializer=_INITIALIZER, dtype="float32", name="logits")(x)
        super().__init__(backbone, packed, logits, arguments={"num_tags": num_tags, "dropout": dropout}, **kwargs)


@keras.saving.register_keras_serializable(package="dlkeras")
class BertSpanFinder(OnBackbone):
    """Finds where in a second text the answer to a first one, a question, begins and ends.

    Gives logits `(batch, 2, length)`, of the first and of the last token; they are far below 0 outside of the second
    text and at its separator. The best span is that of the highest sum with the end not before the beginning.

    Args:
        backbone: `keras_hub.models.BertBackbone`.
        dropout: Rate before the logits, in [0, 1).

    Raises:
        ValueError: `dropout` is out of its range.
    """

    def __init__(self, backbone, dropout=0.1, **kwargs):
        check_rate("dropout", dropout)
        packed = keras.Input((2, None), dtype="int32", name="packed")
        sequence = sequence_of(backbone, packed)
        x = layers.Dropout(dropout, name="dropout")(sequence)
        x = layers.Dense(2, kernel_initializer=_INITIALIZER, dtype="float32", name="logits")(x)
        segments = packed[:, 1]
        # The separator is the last token of its text: none of the same follows it.
        next_ = ops.pad(segments[:, 1:], [[0, 0], [0, 1]])
        possible = ops.equal(ops.expand_dims(segments * next_, 1), 1)
        logits = ops.where(possible, ops.transpose(x, (0, 2, 1)), _NOWHERE)
        super().__init__(backbone, packed, logits, arguments={"dropout": dropout}, **kwargs)


def best_spans(logits, longest=30):
    """Returns the likeliest spans.

    Args:
        logits: Of a `BertSpanFinder`, `(batch, 2, length)`.
        longest: Tokens of a span at most.

    Returns:
        Integers `(batch, 2)`: places of the first and of the last token.
    """
    first, last = logits[:, 0, :, None], logits[:, 1, None, :]
    length = ops.shape(logits)[2]
    places = ops.arange(length)
    gap = places[None, :] - places[:, None]
    sums = ops.where((gap >= 0) & (gap < longest), first + last, 3 * _NOWHERE)
    best = ops.argmax(ops.reshape(sums, (-1, length * length)), axis=1)
    return ops.stack([best // length, best % length], axis=1)
