"""How language models go on with texts inside the graph, some tokens now and more later, from a state handed back.

A state is float32 `(batch, size)`, the same for however long a text: the ids of its last tokens for a transformer,
which reads them anew, and what the layers hold for a recurrent network. Whether a text is made at once or in parts
changes nothing of it.
"""

import tensorflow as tf

from dlkeras.text.decoding import Rules, sample
from dlkeras.text.token_texts import left_padded

_RULES = Rules(never=(0, 1))  # padding, the unknown token
_MOST_DRAWN = 1 << 24  # tokens of a text: above that a float32 does not hold every whole number


def continuer(model):
    """Returns the way in which a model of `dlkeras.models.list("language")` goes on with texts."""
    return WindowContinuer(model) if hasattr(model, "block") else RecurrentContinuer(model)


class WindowContinuer:
    """For transformers, which see `model.block` tokens at most.

    A text is made in stretches: at the begin of each one the model reads the last half of what it can see, then it says
    the other half with a cache.
    """

    def __init__(self, model):
        self._model, self._half = model, model.block // 2
        self._room = model.block - self._half
        self.size = model.block + 2

    def begin(self, ids):
        """Returns the state after prompts, ragged int32 `(batch, None)`, each of one id or more."""
        ids = left_padded(ids, self._model.block)
        nothing = tf.zeros([tf.shape(ids)[0], 2], "int32")
        return tf.cast(tf.concat([self._seen_from(ids, self._half), nothing], axis=1), "float32")

    def go_on(self, state, counts, sampling):
        """Makes tokens.

        Args:
            state: As `begin` or this function has given it.
            counts: Number of tokens of each row, int32 `(batch,)`.
            sampling: `dlkeras.text.sampling.Sampling`, whose `first` is not looked at.

        Returns:
            `(tokens, logprobs, state)`: int32 and float32 `(batch, most tokens)`, 0 behind the last one.
        """
        state = tf.cast(tf.round(state), "int32")
        ids, (made, drawn) = state[:, :-2], tf.unstack(state[:, -2:], axis=1)
        # Nothing at first, and it grows.
        rows, most = tf.shape(ids)[0], tf.reduce_max(tf.concat([counts, [0]], 0))
        said = tf.zeros([rows, most], "int32"), tf.zeros([rows, most])
        done = tf.zeros_like(counts)

        def body(ids, made, done, said):
            now = tf.minimum(counts - done, self._room - made)
            seen = ids[:, tf.reduce_min(tf.argmax(ids > 0, axis=1)) :]
            found = sample(
                self._model.step,
                seen[:, -1],
                *self._model.start(seen[:, :-1]),
                now,
                sampling._replace(first=drawn + done),
                _RULES,
            )
            tokens, logprobs = found.tokens[:, 0], found.logprobs[:, 0]
            said = _written(said[0], tokens, done, now), _written(said[1], logprobs, done, now)
            both = tf.concat([_ragged(ids), tf.RaggedTensor.from_tensor(tokens, lengths=now)], axis=1)
            ids, made = left_padded(both, self._model.block), made + now
            full = made >= self._room
            ids = tf.where(full[:, None], self._seen_from(ids, self._half), ids)
            return ids, tf.where(full, 0, made), done + now, said

        ids, made, done, said = tf.while_loop(
            lambda ids, made, done, said: tf.reduce_any(done < counts), body, (ids, made, done, said)
        )
        state = tf.concat([ids, tf.stack([made, drawn + done], axis=1)], axis=1)
        return *said, tf.cast(state, "float32")

    def is_state(self, state, vocabulary_size):
        """Tells which rows may be states, bool `(batch,)`."""
        ids, made, drawn = state[:, :-2], state[:, -2], state[:, -1]
        known = tf.reduce_all((ids >= 0) & (ids <= vocabulary_size - 1), axis=1)
        return known & (ids[:, -1] >= 1) & (made >= 0) & (made < self._room) & (drawn >= 0) & (drawn < _MOST_DRAWN)

    def _seen_from(self, ids, count):
        """Returns ids of which the last `count` are left, 0 before them."""
        return tf.where(tf.range(self._model.block) >= self._model.block - count, ids, 0)


class RecurrentContinuer:
    """For recurrent networks, whose layers hold all that they know of a text."""

    def __init__(self, model):
        self._model = model
        self._shapes = [[state.shape[-1] for state in layer] for layer in model.zero_state(1)]
        self.size = sum(map(sum, self._shapes)) + 2

    def begin(self, ids):
        """Returns the state after prompts, ragged int32 `(batch, None)`, each of one id or more."""
        ids = left_padded(ids)
        _, state = self._model.start(ids[:, :-1])
        return self._packed(state, ids[:, -1], tf.zeros_like(ids[:, -1]))

    def go_on(self, state, counts, sampling):
        """Makes tokens; see `WindowContinuer.go_on`."""
        state, last, drawn = self._unpacked(state)
        found, state = sample(
            self._model.step, last, {}, state, counts, sampling._replace(first=drawn), _RULES, keep_state=True
        )
        tokens = found.tokens[:, 0]
        last = tf.gather(tf.concat([last[:, None], tokens], axis=1), counts, batch_dims=1)
        return tokens, found.logprobs[:, 0], self._packed(state, last, drawn + counts)

    def is_state(self, state, vocabulary_size):
        """Tells which rows may be states, bool `(batch,)`."""
        last, drawn = state[:, -2], state[:, -1]
        finite = tf.reduce_all(tf.math.is_finite(state), axis=1)
        return finite & (last >= 1) & (last <= vocabulary_size - 1) & (drawn >= 0) & (drawn < _MOST_DRAWN)

    def _packed(self, state, last, drawn):
        parts = [part[:, 0] for layer in state["layers"] for part in layer]
        return tf.concat([tf.cast(part, "float32") for part in (*parts, last[:, None], drawn[:, None])], axis=1)

    def _unpacked(self, state):
        sizes = [size for layer in self._shapes for size in layer]
        *parts, last, drawn = tf.split(state, [*sizes, 1, 1], axis=1)
        parts = iter(tf.cast(part, self._model.compute_dtype)[:, None] for part in parts)
        layers = [[next(parts) for _ in layer] for layer in self._shapes]
        return {"layers": layers}, *(tf.cast(tf.round(part[:, 0]), "int32") for part in (last, drawn))


def _ragged(ids):
    """Returns ids with padding before them as ragged ones without."""
    return tf.ragged.boolean_mask(ids, ids > 0)


def _written(whole, part, first, counts):
    """Writes the first `counts` of each row of a part into the whole, from place `first` on."""
    inside = tf.sequence_mask(counts, tf.shape(part)[1])
    places = tf.cast(tf.where(inside), "int32")
    places += tf.stack([tf.zeros_like(places[:, 0]), tf.gather(first, places[:, 0])], axis=1)
    return tf.tensor_scatter_nd_update(whole, places, tf.boolean_mask(part, inside))
