"""Pictures made from two others, from their files' bytes to the bytes of a PNG, inside the graph."""

import tensorflow as tf

from dlkeras.data.decode import decode_as_stored, resized
from dlkeras.data.refusing import fractions, refuse_unless

LEAST_SIDE, LARGEST_SIDE = 32, 1024
"""Of the longer side of a picture that is made, in pixels."""
LEAST_WIDTH = 16
"""Of its shorter side: a thinner picture is made wider."""
LOOK_SIDE = 256
"""The longer side, at most, at which pictures are looked at as styles."""


def repaint(function, contents, styles, strengths, sizes):
    """Makes a picture of each content and style of a request, one after the other: they differ in size.

    Args:
        function: Takes the content, the content as it is looked at for its own style, and the style, all `float32` `(1,
            height, width, 3)` in [0, 255], and the strength `(1,)`; gives a picture of the first one's size.
        contents: JPEG or PNG bytes, string `(batch,)`.
        styles: Likewise.
        strengths: `float32` `(batch,)` in [0, 1].
        sizes: Longer sides of the answers in pixels, `int32` `(batch,)`.

    Returns:
        Bytes of PNG files, string `(batch,)`.

    Raises:
        tf.errors.InvalidArgumentError: An input is out of its range, is no picture, or has not one value a row.
    """
    count = tf.size(contents)
    strengths = fractions(strengths, "strength", count)
    checks = [
        refuse_unless(count > 0, "A request must hold at least one picture. Received: 0"),
        _one_a_row("style_bytes", styles, count),
        _one_a_row("size", sizes, count),
        refuse_unless(
            tf.reduce_all((sizes >= LEAST_SIDE) & (sizes <= LARGEST_SIDE)),
            f"size must be in [{LEAST_SIDE}, {LARGEST_SIDE}]. Received: ",
            tf.strings.reduce_join(tf.strings.as_string(sizes[:5]), separator=", "),
        ),
    ]
    with tf.control_dependencies(checks):
        rows = (tf.identity(contents), styles, strengths, sizes)

    def one(row):
        content, style, strength, size = row
        content, own_size = decode_as_stored(content, 3)
        style, style_size = decode_as_stored(style, 3)
        canvas = _within(content, own_size, size)
        own = _within(content, own_size, tf.minimum(size, LOOK_SIDE))
        painted = function(canvas, own, _within(style, style_size, LOOK_SIDE), strength[None])
        return tf.io.encode_png(tf.cast(tf.round(tf.clip_by_value(painted[0], 0, 255)), tf.uint8))

    # One at a time: each takes all the cores, and a large one much memory.
    return tf.map_fn(one, rows, fn_output_signature=tf.TensorSpec((), tf.string), parallel_iterations=1)


def check_sides(*pictures):
    """Returns the pictures `(batch, height, width, 3)` of a request, after refusing those that are too small.

    Raises:
        tf.errors.InvalidArgumentError: They are, or there are more of one than of the other.
    """
    shapes = [tf.shape(picture) for picture in pictures]
    sides = tf.stack([shape[axis] for shape in shapes for axis in (1, 2)])
    checks = [
        refuse_unless(
            tf.reduce_min(sides) >= LEAST_WIDTH,
            f"Pictures must be at least {LEAST_WIDTH} x {LEAST_WIDTH} pixels. Received: a side of ",
            tf.reduce_min(sides),
        ),
        refuse_unless(
            tf.reduce_all([shape[0] == shapes[0][0] for shape in shapes]),
            "There must be as many styles as contents. Received: ",
            tf.strings.reduce_join(tf.strings.as_string([shape[0] for shape in shapes]), separator=" and "),
        ),
    ]
    with tf.control_dependencies(checks):
        return [tf.identity(picture) for picture in pictures]


def _one_a_row(name, values, count):
    return refuse_unless(
        tf.size(values) == count, f"{name} must have one value a row. Received: ", tf.size(values), " for ", count
    )


def _within(picture, size, longer):
    """Resizes a picture to a longer side: to `float32` `(1, height, width, 3)`."""
    scale = tf.cast(longer, tf.float64) / tf.cast(tf.reduce_max(size), tf.float64)
    sides = tf.cast(tf.round(tf.cast(size, tf.float64) * scale), tf.int32)
    sides = tf.maximum(sides, LEAST_WIDTH)
    pixels = tf.cast(resized(picture, sides[0], sides[1]), tf.float32)
    return tf.ensure_shape(pixels, (None, None, 3))[None]
