"""Endpoints of language models: a prompt in, how the text goes on out. Functions for `dlkeras.export.Endpoint`."""

import tensorflow as tf

from dlkeras.data.refusing import refuse_unless, rows_where
from dlkeras.text.generating import continuer
from dlkeras.text.graph import decode
from dlkeras.text.sampling import Sampling
from dlkeras.text.token_texts import joined, token_texts
from dlkeras.text.words import CharacterTokenizer

MOST_TOKENS = 1000
"""Tokens of an answer at most."""
CHOICES = {
    "max_tokens": ((None,), "int32"),
    "temperature": ((None,), "float32"),
    "top_k": ((None,), "int32"),
    "top_p": ((None,), "float32"),
    "seed": ((None,), "int64"),
}
"""Inputs that both endpoints have, a value a row; see `dlkeras.text.sampling.Sampling`."""


class Writer:
    """Goes on with texts inside the graph.

    Args:
        model: A model of `dlkeras.models.list("language")`.
        tokenizer: Its `CharacterTokenizer` or `BytePairTokenizer`.
    """

    def __init__(self, model, tokenizer):
        self._way, self._vocabulary = continuer(model), tokenizer.vocabulary
        self._tokens, self._texts = tokenizer.graph(), token_texts(tokenizer)
        # A token may be a part of a character.
        self._shown = [text.decode("utf-8", "replace") for text in self._texts]
        self._by_character = isinstance(tokenizer, CharacterTokenizer)
        newline = [number for number, text in enumerate(self._texts) if text == b"\n"]
        # What stands before a text that has not begun: a line's end, or the commonest token.
        self._opening = newline[0] if newline else len(self._vocabulary.reserved)

    @property
    def state_size(self):
        return self._way.size

    def example_state(self):
        """Returns the state of before any text, `(1, state_size)`."""
        return self._way.begin(tf.RaggedTensor.from_row_lengths([self._opening], [1])).numpy()

    def write(self, prompt, max_tokens, temperature, top_k, top_p, seed):
        """Goes on with prompts, a string tensor `(batch,)`; of the others see `CHOICES`.

        Returns:
            `text`, what comes after the prompt, string `(batch,)`; `tokens`, string `(batch, length)`, and `logprobs`,
            float32 `(batch, length)`, of each how likely the model held it, before temperature and the like, both empty
            behind the last; `state`, float32 `(batch, state_size)`, for `go_on`.
        """
        return self._written(self._way.begin(self._ids(prompt)), max_tokens, temperature, top_k, top_p, seed)

    def go_on(self, state, max_tokens, temperature, top_k, top_p, seed):
        """Goes on with texts that an answer has left off, from its `state`; gives what `write` does.

        The text is the one that would have been made at once.
        """
        return self._written(self._checked_state(state), max_tokens, temperature, top_k, top_p, seed)

    def _written(self, state, max_tokens, temperature, top_k, top_p, seed):
        checks = _checks(tf.shape(state)[0], max_tokens, temperature, top_k, top_p, seed)
        with tf.control_dependencies(checks):
            counts = tf.identity(max_tokens)
        tokens, logprobs, state = self._way.go_on(state, counts, Sampling(seed, temperature, top_k, top_p))
        return {
            "text": joined(self._texts, tokens),
            "tokens": tf.gather(self._shown, tokens),
            "logprobs": logprobs,
            "state": state,
        }

    def _ids(self, prompts):
        """Returns the ids of prompts, ragged; refuses characters that the model does not know."""
        ragged = self._tokens.ragged(prompts)
        checks = [refuse_unless(tf.size(prompts) > 0, "A request must hold at least one prompt")]
        if self._by_character:
            unknown = tf.boolean_mask(decode(prompts).values, ragged.values == self._vocabulary.unknown)
            shown = tf.strings.unicode_encode(unknown[:5][:, None], "UTF-8")
            checks.append(
                refuse_unless(
                    tf.size(unknown) == 0,
                    f"A prompt must be of the {len(self._vocabulary) - 2} characters that the model has read: ",
                    *(self._known(), ". Received others: ", tf.strings.reduce_join(shown, separator=" ")),
                )
            )
        with tf.control_dependencies(checks):
            empty = tf.cast(ragged.row_lengths() == 0, "int64")
        opening = tf.RaggedTensor.from_row_lengths(tf.fill([tf.reduce_sum(empty)], self._opening), empty)
        return tf.concat([opening, ragged], axis=1)

    def _known(self):
        known = [text.decode() for text in self._texts[2:]]
        return "".join(sorted(character for character in known if character.isprintable()))

    def _checked_state(self, state):
        size = self.state_size
        what = f"state must be what an answer of this model has given, {size} numbers a row. Received: "
        columns = refuse_unless(tf.shape(state)[1] == size, what, tf.shape(state)[1])
        with tf.control_dependencies([columns]):
            wrong = ~self._way.is_state(state, len(self._vocabulary))
        refusal = refuse_unless(~tf.reduce_any(wrong), what, "other numbers in row ", rows_where(wrong))
        some = refuse_unless(tf.shape(state)[0] > 0, "A request must hold at least one state")
        with tf.control_dependencies([refusal, some]):
            return tf.ensure_shape(tf.identity(state), [None, size])


def _checks(rows, max_tokens, temperature, top_k, top_p, seed):
    """Returns operations that refuse values out of their range, and such that are not one a row."""
    named = {"max_tokens": max_tokens, "temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    ranges = {
        "max_tokens": ((max_tokens >= 1) & (max_tokens <= MOST_TOKENS), f"from 1 to {MOST_TOKENS}"),
        "temperature": ((temperature >= 0) & (temperature < float("inf")), "0 or more"),
        "top_k": (top_k >= 0, "0, for all, or more"),
        "top_p": ((top_p > 0) & (top_p <= 1), "above 0 and at most 1"),
    }
    checks = [
        refuse_unless(tf.size(x) == rows, f"{name} must have one number a row. Received: ", tf.size(x), " for ", rows)
        for name, x in named.items()
    ]
    for name, (good, accepted) in ranges.items():
        received = tf.strings.as_string(tf.boolean_mask(named[name], ~good)[:5], **_shortest(named[name]))
        listed = tf.strings.reduce_join(received, separator=", ")
        checks.append(refuse_unless(tf.reduce_all(good), f"{name} must be {accepted}. Received: ", listed))
    return checks


def _shortest(x):
    return {"shortest": True} if x.dtype.is_floating else {}
