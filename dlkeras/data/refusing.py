"""Requests that are wrong, refused inside the graph with a sentence."""

import tensorflow as tf


def refuse_unless(condition, *words):
    """Makes an operation that ends a request with a sentence, for `tf.control_dependencies`.

    Args:
        condition: Scalar bool tensor.
        *words: The sentence: texts, and tensors to be written as such.

    Raises:
        tf.errors.InvalidArgumentError: The condition is not met as the operation runs.
    """
    message = tf.strings.join([word if _is_text(word) else tf.strings.as_string(word) for word in words])
    return tf.debugging.Assert(condition, [message])


def rows_where(mask):
    """Names the first five rows where a mask `(batch,)` holds, as text with commas between."""
    return tf.strings.reduce_join(tf.strings.as_string(tf.where(mask)[:5, 0]), separator=", ")


def fractions(values, name, count):
    """Returns a request's float values after checking that there is one a row, each in [0, 1].

    Args:
        values: Float tensor `(batch,)`.
        name: The input's name, for the sentence.
        count: Number of rows of the request, a scalar integer tensor.

    Raises:
        tf.errors.InvalidArgumentError: There are more or fewer, or one is out of its range.
    """
    fitting = refuse_unless(
        tf.size(values) == count, f"{name} must have one number a row. Received: ", tf.size(values), " for ", count
    )
    # A NaN is on neither side.
    inside = (values >= 0) & (values <= 1)
    listed = tf.strings.reduce_join(
        tf.strings.as_string(tf.boolean_mask(values, ~inside)[:5], shortest=True), separator=", "
    )
    in_range = refuse_unless(tf.reduce_all(inside), f"{name} must be in [0, 1]. Received: ", listed)
    with tf.control_dependencies([fitting, in_range]):
        return tf.identity(values)


def _is_text(word):
    return isinstance(word, str) or word.dtype == tf.string
