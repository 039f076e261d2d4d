"""Endpoints for the heads of BERT: plain texts in, named answers out. Functions for `dlkeras.export.Endpoint`.

The models are those of `dlkeras.models.bert.heads`; texts are string tensors `(batch,)`. Of a text the backbone's
`max_sequence_length` pieces count, with the tokens that stand between texts; of a pair the longer text loses its end.
"""

import tensorflow as tf

from dlkeras.data.labels import labels_of, named_answer
from dlkeras.text.endpoints import refuse_empty
from dlkeras.text.graph_pairs import pack_ragged
from dlkeras.text.pair_ids import checked_pairs


def classify_texts(model, tokenizer, class_names):
    """Makes an endpoint of a `BertClassifier` of single texts.

    Args:
        model: The model.
        tokenizer: Its `WordPieceTokenizer`.
        class_names: One name a class.

    Returns:
        A function of `text` that gives `label`, `score`, `probabilities` and `classes`. It refuses empty texts.
    """
    tokens = tokenizer.graph()

    def classify(text):
        pieces = _pieces(tokens, text, "text")
        packed = pack_ragged(tokenizer.vocabulary, pieces, pieces[:, :0], model.backbone.max_sequence_length)
        return named_answer(tf.nn.softmax(model(packed, training=False)), class_names)

    return classify


def tag_words(model, tokenizer, tag_names):
    """Makes an endpoint of a `BertTagger`: a word has the tag of its first piece.

    Args:
        model: The model.
        tokenizer: Its `WordPieceTokenizer`.
        tag_names: One name a tag.

    Returns:
        A function of `text` that gives, a word a column, `tags` (string, empty behind the last word), `scores`, and
        `starts` and `ends`, where the word is in the text, in code points. It refuses empty texts.
    """
    tokens = tokenizer.graph()

    def tag(text):
        pieces = _pieces(tokens, text, "text")
        packed = pack_ragged(tokenizer.vocabulary, pieces, pieces[:, :0], model.backbone.max_sequence_length)
        # Without [CLS] at the begin and [SEP] at the end.
        probabilities = tf.nn.softmax(model(packed, training=False))[:, 1:-1]
        room = tf.shape(probabilities)[1]
        starts, ends = (part[:, :room] for part in tokens.spans(text))
        before = tf.concat([tf.fill([starts.nrows(), 1], -1), starts], axis=1)[:, :-1]
        is_first = starts.with_values(starts.values != before.values)
        scores, best = (
            tf.RaggedTensor.from_tensor(part, starts.row_lengths())
            for part in (tf.reduce_max(probabilities, axis=-1), tf.argmax(probabilities, axis=-1))
        )
        starts, ends, scores, best = (tf.ragged.boolean_mask(part, is_first) for part in (starts, ends, scores, best))
        return {
            "tags": best.with_values(labels_of(best.values, tag_names)).to_tensor(""),
            "scores": scores.to_tensor(0.0),
            "starts": starts.to_tensor(0),
            "ends": ends.to_tensor(0),
        }

    return tag


def answer_questions(model, tokenizer, best_spans):
    """Makes an endpoint of a `BertSpanFinder`.

    Args:
        model: The model.
        tokenizer: Its `WordPieceTokenizer`.
        best_spans: `dlkeras.models.bert.heads.best_spans`, or another such function of logits.

    Returns:
        A function of `question` and `context` that gives `answer`, the words of the context from the first piece to the
        last, as they stand there; `start` and `end`, where, in code points; and `score`, the probability of both
        places. It refuses empty texts.
    """
    tokens = tokenizer.graph()

    def answer(question, context):
        checked = checked_pairs(question, context, ("question", "context"), ("questions", "contexts"))
        asked, told = (_pieces(tokens, part, name) for part, name in zip(checked, ("question", "context"), strict=True))
        packed = pack_ragged(tokenizer.vocabulary, asked, told, model.backbone.max_sequence_length)
        logits = model(packed, training=False)
        spans = tf.cast(best_spans(logits), "int32")
        first_of_context = tf.argmax(packed[:, 1], axis=1, output_type=tf.int32)
        rows = tf.range(tf.shape(spans)[0])
        starts, ends = (part.to_tensor(0) for part in tokens.spans(context))
        start, end = (
            tf.gather_nd(part, tf.stack([rows, spans[:, side] - first_of_context], axis=1))
            for side, part in enumerate((starts, ends))
        )
        shares = tf.gather(tf.nn.softmax(logits), spans, axis=2, batch_dims=2)
        text = tf.strings.unicode_transcode(context, "UTF-8", "UTF-8")
        return {
            "answer": tf.strings.substr(text, start, end - start, unit="UTF8_CHAR"),
            "start": start,
            "end": end,
            "score": tf.reduce_prod(shares, axis=1),
        }

    return answer


def _pieces(tokens, texts, what):
    pieces = tokens.ragged(texts)
    with tf.control_dependencies([refuse_empty(pieces.row_lengths(), what)]):
        return pieces.with_flat_values(tf.identity(pieces.flat_values))
