"""Endpoints of translators: sentences in, their translations out. Functions for `dlkeras.export.Endpoint`."""

import tensorflow as tf

from dlkeras.data.refusing import refuse_unless, rows_where
from dlkeras.text.decoding import Rules, beam_search, is_possible
from dlkeras.text.endpoints import refuse_empty
from dlkeras.text.token_texts import joined, token_texts

MOST_PIECES = 400
"""Pieces of a sentence at most; two hundred words of any language have fewer."""
BEAMS, ALPHA = 5, 1.8
"""Of the search. Of the penalties tried on validation sentences, English to German, this one gave the highest BLEU."""
_SPACES = r"[\s\p{Z}]+"


class Translator:
    """Translates inside the graph, by a search over beams.

    Args:
        model: A translator, see `dlkeras.models.list("translation")`.
        pieces: Its `dlkeras.text.parallel_ids.ParallelIds`.
        beams: Number of translations that are looked at together, and answered.
        alpha: Of `dlkeras.text.decoding.length_penalty`.
    """

    def __init__(self, model, pieces, beams=BEAMS, alpha=ALPHA):
        self._model, self._pieces, self._beams, self._alpha = model, pieces, beams, alpha
        self._tokens = pieces.tokenizer.graph()
        self._texts = token_texts(pieces.tokenizer)
        # A piece may be a part of a character.
        self._shown = [text.decode("utf-8", "replace") for text in self._texts]
        vocabulary = pieces.tokenizer.vocabulary
        self._rules = Rules((pieces.end,), (vocabulary.padding, vocabulary.unknown, pieces.begin))

    def search(self, ids):
        """Searches for the translations of source ids, int32 `(batch, length)` with the end; gives `Decoded`."""
        lengths = tf.math.count_nonzero(ids, axis=1, dtype="int32")
        memory, state = self._model.start(ids)
        first = tf.fill([tf.shape(ids)[0]], self._pieces.begin)
        limits = 2 * lengths + 10
        return beam_search(self._model.step, first, memory, state, limits, self._beams, self._alpha, self._rules)

    def translate(self, text):
        """Translates sentences, a string tensor `(batch,)`.

        Returns:
            `translation`, the best one, string `(batch,)`; `score`, its log-probability divided by its length's
            penalty; `tokens`, its pieces, string `(batch, length)`, empty behind the last; `translations` and `scores`,
            all that were found, the best first, `(batch, beams)`, empty and 0 where there is none.
        """
        return self._answer(self.search(self._ids(text)))

    def attend(self, text):
        """Translates, and tells where each piece of the translation looked.

        Returns:
            What `translate` does; `source_tokens`, the pieces of the sentence, string `(batch, source)`; and
            `attention`, float32 `(batch, length, source)`, rows that sum to 1, 0 behind the last piece.
        """
        ids = self._ids(text)
        found = self.search(ids)
        said = found.tokens[:, 0, : tf.reduce_max(found.lengths[:, 0])]  # (batch, length)
        begin = tf.fill([tf.shape(ids)[0], 1], self._pieces.begin)
        before = tf.concat([begin, said], axis=1)[:, :-1]
        weights = self._model.attention_weights(_stacked(ids, before))
        weights = weights[:, : tf.shape(said)[1], : tf.shape(ids)[1]]
        # The end of the sentence is none of its pieces, yet may be looked at.
        inside = (ids != 0) & (ids != self._pieces.end)
        weights = tf.where(inside[:, None] & (said != 0)[:, :, None], weights, 0.0)
        weights = tf.math.divide_no_nan(weights, tf.reduce_sum(weights, axis=-1, keepdims=True))
        source_tokens = tf.gather(self._shown, tf.where(inside, ids, 0))
        return {**self._answer(found), "source_tokens": source_tokens[:, :-1], "attention": weights[:, :, :-1]}

    def _answer(self, found):
        texts = tf.strings.strip(joined(self._texts, found.tokens))
        there = is_possible(found.scores)
        longest = tf.reduce_max(found.lengths[:, 0])
        return {
            "translation": texts[:, 0],
            "score": found.scores[:, 0],
            "tokens": tf.gather(self._shown, found.tokens[:, 0, :longest]),
            "translations": tf.where(there, texts, ""),
            "scores": tf.where(there, found.scores, 0.0),
        }

    def _ids(self, texts):
        """Returns the ids of sentences with the end; refuses those without a word, and those that are too long."""
        texts = tf.strings.strip(tf.strings.regex_replace(texts, _SPACES, " "))
        texts = tf.strings.lower(texts, "utf-8") if self._pieces.lowercase else texts
        empty = texts == ""
        ragged = self._tokens.ragged(tf.strings.join([" ", texts]))
        lengths = tf.where(empty, tf.zeros_like(ragged.row_lengths()), ragged.row_lengths())
        some = refuse_unless(tf.size(texts) > 0, "A request must hold at least one text")
        long = lengths > MOST_PIECES
        short_enough = refuse_unless(
            ~tf.reduce_any(long),
            f"A text must have {MOST_PIECES} pieces at most. Received: ",
            *(tf.reduce_max(tf.concat([lengths, [0]], 0)), " in row ", rows_where(long)),
        )
        with tf.control_dependencies([some, refuse_empty(lengths, "text"), short_enough]):
            ends = tf.fill([ragged.nrows(), 1], self._pieces.end)
            return tf.concat([ragged, ends], axis=1).to_tensor(0)


def _stacked(source, target):
    """Returns both as one array `(batch, 2, length)`, padded to the longer one."""
    width = tf.maximum(tf.shape(source)[1], tf.shape(target)[1])
    return tf.stack([tf.pad(ids, [[0, 0], [0, width - tf.shape(ids)[1]]]) for ids in (source, target)], axis=1)
