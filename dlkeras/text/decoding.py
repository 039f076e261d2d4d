"""Models to sequences of tokens, inside the graph: the likeliest, drawn ones, or those that a search over beams finds.

A model is asked by `step(tokens, memory, state)`: int32 `(batch, beams)` in, logits `(batch, beams, vocabulary)` and
the next state out. `memory` and `state` are nested structures of tensors `(batch, ...)` and `(batch, beams, ...)`; a
state may grow, as a cache of keys and values does. Rows that have ended are taken out and cost nothing more.

KerasHub's samplers keep such rows to the end, have caches of a fixed length, and draw by variables, which a served
model cannot seed anew for each request; so these are written here.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from dlkeras.checks import check_positive
from dlkeras.text.decoding_loop import is_any, kept_shapes, put, ruled, run, seen_before, seen_too, without
from dlkeras.text.sampling import NOTHING, choose


class Decoded(NamedTuple):
    """Sequences, the best of each row first.

    Attributes:
        tokens: int32 `(batch, beams, length)`, 0 after the end; the token that ended a sequence is not among them.
        lengths: int32 `(batch, beams)`.
        scores: float32 `(batch, beams)`: log-probability, of a search over beams divided by `length_penalty`; below
            `NOTHING / 2` where there is no such sequence.
        logprobs: float32 `(batch, beams, length)`: log-probability of each token, 0 after the end.
    """

    tokens: Any
    lengths: Any
    scores: Any
    logprobs: Any


class Rules(NamedTuple):
    """What holds whatever the way of decoding.

    Attributes:
        stop: Ids that end a sequence.
        never: Ids that are not said, such as padding.
        repetition_penalty: What the logit of a token that is there already is divided by, or multiplied where it is
            below 0 (Keskar et al. 2019, "CTRL"); 1 for no penalty.
    """

    stop: tuple = ()
    never: tuple = (0,)
    repetition_penalty: float = 1.0


PLAIN = Rules()
"""Anything but padding may be said, and nothing ends a sequence but its length."""


def length_penalty(length, alpha):
    """Returns what a log-probability is divided by (Wu et al. 2016, "Google's neural machine translation system").

    Args:
        length: Number of tokens, the one that ended the sequence included.
        alpha: 0 for none, which favours short sequences.
    """
    return ((5.0 + tf.cast(length, "float32")) / 6.0) ** alpha


def greedy(step, first, memory, state, max_length, rules=PLAIN):
    """Takes the likeliest token each time; see `sample`."""
    return sample(step, first, memory, state, max_length, None, rules)


def sample(step, first, memory, state, max_length, sampling=None, rules=PLAIN, before=None, keep_state=False):
    """Draws one sequence a row.

    Args:
        step: The model; its state has one beam.
        first: Token that each row goes on from, int32 `(batch,)`.
        memory: Of the model.
        state: Of the model.
        max_length: Tokens at most, int32 `(batch,)`, 0 or more, or one number for all.
        sampling: A `dlkeras.text.sampling.Sampling`; `None` for the likeliest token.
        rules: `Rules`.
        before: int32 `(batch, length)`: tokens that count as there already for the penalty; 0 is padding.
        keep_state: Whether the state is wanted in which each row has ended: before its last token was read. Only of a
            state that does not grow.

    Returns:
        `Decoded` of one beam; with `keep_state` a pair of that and the state.
    """
    first = tf.cast(first, "int32")
    batch = tf.shape(first)[0]
    limits = tf.broadcast_to(tf.cast(max_length, "int32"), [batch])
    widest = tf.reduce_max(tf.concat([limits, [0]], 0))
    nothing = {"tokens": tf.zeros([batch, 0], "int32"), "logprobs": tf.zeros([batch, 0])}
    active = {
        "rows": tf.range(batch),
        "tokens": first[:, None],
        "memory": memory,
        "state": state,
        "seen": seen_before(before, first[:, None], rules),
        "said": nothing,
        "limits": limits,
        "drawing": () if sampling is None else _drawing(sampling.filled(batch), widest),
        "ended": tf.zeros([batch], "bool"),
    }
    done = {**_written(nothing, (), widest), "state": state if keep_state else ()}

    def next_token(number, active):
        logits, state = step(active["tokens"], active["memory"], active["state"])
        logits = ruled(logits, active["seen"], rules)[:, 0]
        if sampling is None:
            tokens = tf.argmax(logits, axis=-1, output_type="int32")
        else:
            draws, bounds = active["drawing"]
            tokens = choose(logits, draws[:, number], bounds)
        logprobs = tf.gather(tf.nn.log_softmax(logits), tokens, batch_dims=1)
        said = {"tokens": tokens, "logprobs": logprobs}
        number = number + 1
        return number, {
            **active,
            "tokens": tokens[:, None],
            "state": state,
            "seen": seen_too(active["seen"], tokens[:, None], rules),
            "said": {name: tf.concat([x, said[name][:, None]], axis=1) for name, x in active["said"].items()},
            "ended": is_any(tokens, rules.stop) | (active["limits"] <= number),
        }

    def until_one_ends(number, active, done):
        # A loop in a loop: a condition in a single one would cost more at each token than the few new loops do.
        number, active = tf.while_loop(
            lambda _, active: ~tf.reduce_any(active["ended"]),
            next_token,
            (number, active),
            shape_invariants=(number.shape, shapes),
        )
        part = {**_written(active["said"], rules.stop, widest), "state": active["state"] if keep_state else ()}
        done = put(done, active["rows"], part, active["ended"])
        return number, without(active, active["ended"]), done

    shapes = kept_shapes(step, active)
    _, _, done = run(until_one_ends, 0, without(active, limits <= 0), done, shapes)
    decoded = Decoded(*(done[name][:, None] for name in Decoded._fields))
    return (decoded, done["state"]) if keep_state else decoded


def _drawing(sampling, length):
    return sampling.draws(length), sampling.bounds()


def _written(said, stop, widest):
    """Returns what `Decoded` has of sequences of one beam; a token that ends one counts in the score alone."""
    stopped = is_any(said["tokens"], stop)
    paddings = [[0, 0], [0, widest - tf.shape(stopped)[1]]]
    return {
        "tokens": tf.pad(tf.where(stopped, 0, said["tokens"]), paddings),
        "logprobs": tf.pad(tf.where(stopped, 0.0, said["logprobs"]), paddings),
        "lengths": tf.math.count_nonzero(~stopped, axis=1, dtype="int32"),
        "scores": tf.reduce_sum(said["logprobs"], axis=1),
    }


def beam_search(step, first, memory, state, max_length, beams, alpha=0.6, rules=PLAIN):
    """Searches for the likeliest sequences, `beams` at a time.

    A beam that ends keeps its place: the others go on in fewer. What is cut at `max_length` counts like what ended.

    Args:
        step: The model; its state has one beam.
        first: Token that each row goes on from, int32 `(batch,)`.
        memory: Of the model.
        state: Of the model.
        max_length: Tokens at most, the one that ends a sequence included: int32 `(batch,)`, above 0, or one number.
        beams: Number of sequences, at least 1; with 1 it is `greedy`.
        alpha: Of `length_penalty`.
        rules: `Rules`.

    Returns:
        `Decoded`, the best sequence of each row first.

    Raises:
        ValueError: `beams` is below 1.
    """
    check_positive("beams", beams)
    first = tf.cast(first, "int32")
    batch = tf.shape(first)[0]
    limits = tf.broadcast_to(tf.cast(max_length, "int32"), [batch])
    widest = tf.reduce_max(tf.concat([limits, [0]], 0))
    nothing = tf.fill([batch, beams], NOTHING)
    tokens = tf.repeat(first[:, None], beams, axis=1)
    active = {
        "rows": tf.range(batch),
        "tokens": tokens,
        "memory": memory,
        # All beams are alike at first, so all but one count as impossible.
        "state": tf.nest.map_structure(lambda x: tf.repeat(x, beams, axis=1), state),
        "seen": seen_before(None, tokens, rules),
        "said": _sequences(batch, beams, tf.concat([tf.zeros([batch, 1]), nothing[:, 1:]], axis=1)),
        "ended": _sequences(batch, beams, nothing),
    }
    done = {
        "tokens": tf.zeros([batch, beams, widest], "int32"),
        "logprobs": tf.zeros([batch, beams, widest]),
        "lengths": tf.zeros([batch, beams], "int32"),
        "scores": nothing,
    }

    def body(number, active, done):
        logits, state = step(active["tokens"], active["memory"], active["state"])
        logprobs = tf.nn.log_softmax(ruled(logits, active["seen"], rules))
        parents, tokens, scores = _best(active["said"]["scores"][:, :, None] + logprobs, beams)
        # Beams that have ended have left their place empty.
        left = beams - tf.math.count_nonzero(is_possible(active["ended"]["scores"]), axis=1, dtype="int32")
        possible = (tf.range(beams) < left[:, None]) & is_possible(scores)
        stopped = is_any(tokens, rules.stop)
        ends = possible & (stopped | (tf.gather(limits, active["rows"]) <= number + 1)[:, None])
        said = _longer(active["said"], parents, tokens, scores, stopped)
        new = {**said, "scores": tf.where(ends, scores / length_penalty(number + 1, alpha), NOTHING)}
        ended = _best_of(_padded(active["ended"], 1), new, beams)
        goes_on = possible & ~ends
        finished = ~tf.reduce_any(goes_on, axis=1)
        done = tf.cond(tf.reduce_any(finished), lambda: _put_beams(done, ended, active["rows"], finished), lambda: done)
        rest = {
            "rows": active["rows"],
            "tokens": tokens,
            "memory": active["memory"],
            "said": {**said, "scores": tf.where(goes_on, scores, NOTHING)},
            "ended": ended,
        }
        kept = tf.where(~finished)[:, 0]
        rest = without(rest, finished)
        # Beams go on from their parents' state, those of rows that go on: one copy for both.
        parents = tf.gather(parents, kept)
        places = tf.stack([tf.broadcast_to(tf.cast(kept, "int32")[:, None], tf.shape(parents)), parents], axis=2)
        state, seen = tf.nest.map_structure(lambda x: tf.gather_nd(x, places), (state, active["seen"]))
        rest["state"], rest["seen"] = state, seen_too(seen, rest["tokens"], rules)
        return number + 1, rest, done

    _, _, done = run(body, 0, active, done, kept_shapes(step, active))
    return Decoded(*(done[name] for name in Decoded._fields))


def _sequences(batch, beams, scores):
    """Returns sequences of no token."""
    return {
        "tokens": tf.zeros([batch, beams, 0], "int32"),
        "logprobs": tf.zeros([batch, beams, 0]),
        "lengths": tf.zeros([batch, beams], "int32"),
        "scores": scores,
    }


def _best(totals, beams):
    """Returns the beams, tokens and totals of the best continuations, each `(batch, beams)`."""
    vocabulary = tf.shape(totals)[2]
    scores, places = tf.math.top_k(tf.reshape(totals, [tf.shape(totals)[0], -1]), beams)
    return places // vocabulary, places % vocabulary, scores


def _longer(said, parents, tokens, scores, stopped):
    """Returns the parents' sequences with a token more; the one that ends a sequence is not written down."""
    parent = {name: tf.gather(value, parents, batch_dims=1) for name, value in said.items()}
    logprobs = tf.where(stopped, 0.0, scores - parent["scores"])
    return {
        "tokens": tf.concat([parent["tokens"], tf.where(stopped, 0, tokens)[:, :, None]], axis=2),
        "logprobs": tf.concat([parent["logprobs"], logprobs[:, :, None]], axis=2),
        "lengths": parent["lengths"] + tf.cast(~stopped, "int32"),
    }


def _best_of(ended, new, beams):
    both = {name: tf.concat([ended[name], new[name]], axis=1) for name in ended}
    places = tf.math.top_k(both["scores"], beams).indices
    return {name: tf.gather(x, places, batch_dims=1) for name, x in both.items()}


def _padded(sequences, count):
    """Returns sequences with so many places more."""
    paddings = [[0, 0], [0, 0], [0, count]]
    return {**sequences, **{name: tf.pad(sequences[name], paddings) for name in ("tokens", "logprobs")}}


def _put_beams(done, ended, rows, finished):
    """Puts the sequences of finished rows where they belong."""
    widest = tf.shape(done["tokens"])[2]
    return put(done, rows, _padded(ended, widest - tf.shape(ended["tokens"])[2]), finished)


def is_possible(scores):
    """Tells scores of sequences from those of places where there is none."""
    return scores > NOTHING / 2
