"""Predicted masks as answers, inside the graph: at the size of each picture, as numbers and as PNG files."""

import tensorflow as tf

from dlkeras.data.decode import decode_as_stored
from dlkeras.data.mask_files import IGNORED

_CHUNK = 32  # rows of a mask at a time: logits of a whole large picture would take gigabytes


def classes_at(logits, size):
    """Enlarges the logits of one picture bilinearly, and returns the best class of each pixel.

    Corners lie on corners, as `tf.image.resize` has it, so that a mask fits its picture.

    Args:
        logits: Float tensor `(height, width, classes)`.
        size: Height and width to give, `int32` `(2,)`.

    Returns:
        `uint8` `(*size, 1)`.
    """
    height, width = logits.shape[:2]
    above, below, down = _neighbours(size[0], height)
    left, right, across = _neighbours(size[1], width)
    logits = tf.transpose(logits, (1, 0, 2))  # (width, height, classes): columns first, for they are gathered once
    logits = _mix(logits, left, right, across)  # (size[1], height, classes)
    logits = tf.transpose(logits, (1, 0, 2))

    def classes_of(start):
        rows = slice(start, start + _CHUNK)
        mixed = _mix(logits, above[rows], below[rows], down[rows])  # (rows, size[1], classes)
        classes = tf.argmax(mixed, axis=-1, output_type=tf.int32)
        return tf.pad(tf.cast(classes, tf.uint8), [(0, _CHUNK - tf.shape(classes)[0]), (0, 0)])

    starts = tf.range(0, size[0], _CHUNK)
    chunks = tf.map_fn(classes_of, starts, fn_output_signature=tf.TensorSpec((_CHUNK, None), tf.uint8))
    return tf.reshape(chunks, (-1, size[1], 1))[: size[0]]


def _neighbours(count, length):
    """Returns for each of `count` pixels the two of `length` that it lies between, and how far it is from the first."""
    place = (tf.range(count, dtype=tf.float32) + 0.5) * (length / tf.cast(count, tf.float32)) - 0.5
    first = tf.floor(place)
    at = [tf.clip_by_value(tf.cast(first, tf.int32) + step, 0, length - 1) for step in (0, 1)]
    return *at, place - first


def _mix(maps, first, second, part):
    part = part[:, None, None]
    return tf.gather(maps, first) * (1 - part) + tf.gather(maps, second) * part


def masks_at(logits, sizes):
    """Returns masks of a batch, each at its picture's size.

    Args:
        logits: Float tensor `(batch, height, width, classes)`.
        sizes: Heights and widths of the pictures, `int32` `(batch, 2)`.

    Returns:
        Class numbers `uint8` `(batch, *largest height and width)`; 255 beyond a smaller picture.
    """
    largest = tf.reduce_max(sizes, axis=0)

    def mask_of(one):
        classes, size = classes_at(*one)[..., 0], one[1]
        return tf.pad(classes, [(0, largest[0] - size[0]), (0, largest[1] - size[1])], constant_values=IGNORED)

    return _map(mask_of, (logits, sizes), tf.TensorSpec((None, None), tf.uint8))


def mask_pngs(logits, sizes):
    """Returns the masks of a batch, `masks_at`, as grey PNG files of class numbers: string `(batch,)`."""
    return _map(lambda one: tf.io.encode_png(classes_at(*one)), (logits, sizes), tf.TensorSpec((), tf.string))


def overlay_pngs(data, logits, sizes, colours, opacity=0.5):
    """Returns pictures with their classes' colours laid over them, as PNG files.

    Args:
        data: The files of the pictures, string `(batch,)`.
        logits: Float tensor `(batch, height, width, classes)`.
        sizes: Heights and widths of the pictures, `int32` `(batch, 2)`.
        colours: One `(red, green, blue)` in [0, 255] a class, or `None` for a class that is not coloured.
        opacity: Of the colours, in [0, 1].

    Returns:
        String `(batch,)`.
    """
    shown = tf.constant([opacity * (colour is not None) for colour in colours])[:, None]
    tint = tf.constant([colour or (0, 0, 0) for colour in colours], tf.float32) * shown

    def overlay_of(one):
        file, of_picture, size = one
        classes = tf.cast(classes_at(of_picture, size)[..., 0], tf.int32)
        picture = tf.cast(decode_as_stored(file, 3)[0], tf.float32)
        mixed = picture * (1 - tf.gather(shown, classes)) + tf.gather(tint, classes)
        return tf.io.encode_png(tf.cast(tf.round(mixed), tf.uint8))

    return _map(overlay_of, (data, logits, sizes), tf.TensorSpec((), tf.string))


def _map(function, of_rows, answer):
    # One after the other: a batch of the largest pictures must not take many times their memory.
    return tf.map_fn(function, of_rows, fn_output_signature=answer, parallel_iterations=1)
