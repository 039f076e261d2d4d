"""What all ways of decoding share: the loop over tokens, rows that are taken out of it, and rules on logits."""

import numpy as np
import tensorflow as tf

from dlkeras.text.sampling import NOTHING


def run(body, number, active, done, shapes):
    """Runs a body until no row is active.

    Args:
        body: Function of a number, `active` and `done` that gives the next ones.
        number: The first number.
        active: What there is of the rows that go on, a dict of nested structures: `rows`, their places in `done`,
            `tokens`, `memory` and `state` among them.
        done: What there is of all rows.
        shapes: Of `active`, see `kept_shapes`.

    Returns:
        The last number, `active` and `done`.
    """
    number = tf.constant(number)
    return tf.while_loop(
        lambda _, active, done: tf.size(active["rows"]) > 0,
        body,
        (number, active, done),
        shape_invariants=(number.shape, shapes, _loose(done)),
    )


def kept_shapes(step, active):
    """Returns the shapes of what there is of active rows, as far as the loop keeps them: exactly for the step."""
    parts = [active[name] for name in ("tokens", "memory", "state")]
    # Rows become fewer.
    tokens, memory, state = tf.nest.map_structure(lambda x: tf.TensorSpec([None, *x.shape[1:]], x.dtype), parts)
    # Traced, not run: tells which axes of the state are of another size after a step.
    _, after = tf.function(step).get_concrete_function(tokens, memory, state).structured_outputs
    return {
        **_loose(active),
        "tokens": tokens.shape,
        "memory": tf.nest.map_structure(lambda spec: spec.shape, memory),
        "state": tf.nest.map_structure(_common_shape, state, after),
    }


def _loose(parts):
    return tf.nest.map_structure(lambda x: tf.TensorShape([None] * x.shape.rank), parts)


def _common_shape(before, after):
    return tf.TensorShape([a if a == b else None for a, b in zip(before.shape, after.shape, strict=True)])


def without(active, ended):
    """Takes out the rows that have ended."""

    def rest():
        kept = tf.where(~ended)[:, 0]
        return tf.nest.map_structure(lambda x: tf.gather(x, kept), active)

    return tf.cond(tf.reduce_any(ended), rest, lambda: active)


def put(whole, rows, part, chosen):
    """Puts the chosen rows of a part where they belong in the whole."""
    places = tf.boolean_mask(rows, chosen)[:, None]
    return tf.nest.map_structure(
        lambda x, new: tf.tensor_scatter_nd_update(x, places, tf.boolean_mask(new, chosen)), whole, part
    )


def is_any(tokens, ids):
    """Tells which tokens are one of some ids."""
    found = tf.zeros(tf.shape(tokens), "bool")
    for number in ids:
        found = found | (tokens == number)
    return found


def ruled(logits, seen, rules):
    """Returns logits `(batch, beams, vocabulary)` by the rules."""
    logits = tf.cast(logits, "float32")
    if rules.repetition_penalty != 1:
        found = tf.gather(logits, seen, batch_dims=2)
        found = tf.where(found > 0, found / rules.repetition_penalty, found * rules.repetition_penalty)
        batch, beams = (tf.range(size) for size in tf.unstack(tf.shape(logits)[:2]))
        rows, columns = (tf.broadcast_to(x, tf.shape(seen)) for x in (batch[:, None, None], beams[:, None]))
        # A token that was there several times is written several times, the same each time.
        logits = tf.tensor_scatter_nd_update(logits, tf.stack([rows, columns, seen], axis=3), found)
    if rules.never:
        never = np.isin(np.arange(logits.shape[-1]), rules.never)
        logits = tf.where(never, NOTHING, logits)
    return logits


def seen_before(before, tokens, rules):
    """Returns the ids that are there already, int32 `(batch, beams, ids)`; nothing where nobody asks."""
    if rules.repetition_penalty == 1:
        return ()
    seen = tokens[:, :, None]
    return seen if before is None else tf.concat([before[:, None], seen], axis=2)


def seen_too(seen, tokens, rules):
    """Returns what `seen_before` gave with one token more of each beam."""
    return seen if rules.repetition_penalty == 1 else tf.concat([seen, tokens[:, :, None]], axis=2)
