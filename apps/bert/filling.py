"""What is served: the likeliest pieces for blanks, and whether a sentence follows."""

import keras
import tensorflow as tf

from apps.bert.examples import MASK
from dlkeras.data.refusing import refuse_unless, rows_where
from dlkeras.models.bert.packed import read
from dlkeras.text.endpoints import refuse_empty
from dlkeras.text.graph_pairs import ids_with_blanks, pack_ragged
from dlkeras.text.pair_ids import checked_pairs

BEST = 5
_PARTS = "first text", "second text"
_SEVERAL = "first texts", "second texts"


def filler(model, tokenizer):
    """Makes the function that fills in blanks.

    Args:
        model: `dlkeras.models.bert.pretrainer.BertPretrainer`.
        tokenizer: Its `WordPieceTokenizer`.

    Returns:
        A function of string `(batch,)` that gives `tokens`, string `(batch, blanks, BEST)`, and `probabilities`; empty
        and 0 behind the last blank of a text.
    """
    vocabulary, tokens = tokenizer.vocabulary, tokenizer.graph()
    names = tf.constant(vocabulary.tokens)
    mask = vocabulary.ids[vocabulary.reserved["mask"]]
    length = model.backbone.max_sequence_length

    def fill(text):
        pieces = ids_with_blanks(tokens, vocabulary, text, MASK)
        packed = pack_ragged(vocabulary, pieces, pieces[:, :0], length)
        ids = packed[:, 0]
        counts = tf.reduce_sum(tf.cast(ids == mask, "int32"), axis=1)
        with tf.control_dependencies([_refuse_without_blank(text, counts, length)]):
            packed = tf.identity(packed)
        places = tf.ragged.boolean_mask(tf.ragged.range(tf.fill([tf.shape(ids)[0]], tf.shape(ids)[1])), ids == mask)
        places = places.to_tensor(0)
        sequence, _ = read(model.backbone, packed)
        logits = model.get_layer("token_head")(sequence, mask_positions=places)
        probabilities, best = tf.math.top_k(keras.ops.softmax(logits), BEST)
        there = (places > 0)[..., None]
        return {
            "tokens": tf.where(there, tf.gather(names, best), ""),
            "probabilities": tf.where(there, probabilities, 0.0),
        }

    return fill


def _refuse_without_blank(text, counts, length):
    there = refuse_unless(tf.size(text) > 0, "A request must hold at least one text. Received: 0")
    blanks = refuse_unless(
        tf.reduce_all(counts > 0),
        f"A text must have a {MASK} among its first {length - 2} pieces of words. Received none in row ",
        rows_where(counts == 0),
    )
    return tf.group(there, blanks)


def follower(model, tokenizer):
    """Makes the function that says whether a second text follows a first; arguments as of `filler`.

    Returns:
        A function of two string tensors `(batch,)` that gives `probability`, `(batch,)`.
    """
    vocabulary, tokens = tokenizer.vocabulary, tokenizer.graph()
    length = model.backbone.max_sequence_length

    def follow(first, second):
        pieces = [tokens.ragged(texts) for texts in checked_pairs(first, second, _PARTS, _SEVERAL)]
        checks = [refuse_empty(part.row_lengths(), name) for part, name in zip(pieces, _PARTS, strict=True)]
        with tf.control_dependencies(checks):
            packed = tf.identity(pack_ragged(vocabulary, *pieces, length))
        _, pooled = read(model.backbone, packed)
        logits = model.get_layer("next_head")(pooled)
        return {"probability": keras.ops.softmax(logits)[:, 1]}

    return follow
