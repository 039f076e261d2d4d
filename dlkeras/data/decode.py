"""Encoded pictures to pixels, inside the graph: the same operations read the training set and serve requests."""

import tensorflow as tf

from dlkeras.data.refusing import refuse_unless

MAX_PIXELS = 50_000_000
"""The largest picture that is decoded, in pixels: 150 MB of memory as RGB."""

_PNG_HEADER = b"\x89PNG\r\n\x1a\n"


def _png_size(data):
    """Reads height and width of a PNG from its header, without decoding it."""
    header = tf.io.decode_raw(tf.strings.substr(data, 16, 8), tf.uint8)  # (8,): width and height, big-endian
    numbers = tf.reshape(tf.cast(header, tf.int64), (2, 4)) * tf.constant([1 << 24, 1 << 16, 1 << 8, 1], tf.int64)
    width_and_height = tf.reduce_sum(numbers, axis=-1)
    return width_and_height[::-1]


def _is_png(data):
    return tf.strings.substr(data, 0, 8) == _PNG_HEADER


def _encoded_size(data):
    """Returns height and width, `int64` `(2,)`, of a JPEG or PNG, after checking that it is one."""
    is_png = _is_png(data)
    is_jpeg = tf.strings.substr(data, 0, 3) == b"\xff\xd8\xff"
    long_enough = tf.strings.length(data) > 32
    check = refuse_unless(
        long_enough & (is_png | is_jpeg),
        "A picture must be the bytes of a JPEG or PNG file. Received: ",
        tf.strings.length(data),
        " bytes that are neither",
    )
    with tf.control_dependencies([check]):
        return tf.cond(
            is_png,
            lambda: _png_size(data),
            lambda: tf.cast(tf.io.extract_jpeg_shape(data)[:2], tf.int64),
        )


def decode_as_stored(data, channels):
    """Decodes one JPEG or PNG at its own size, as it is stored.

    Args:
        data: The file's bytes, a scalar string tensor.
        channels: 1 for grey, 3 for RGB.

    Returns:
        Pixels in [0, 255], `uint8` `(height, width, channels)`, and height and width, `int64` `(2,)`.

    Raises:
        tf.errors.InvalidArgumentError: The bytes are no whole JPEG or PNG, or more than `MAX_PIXELS` pixels.
    """
    size = _encoded_size(data)
    too_large = refuse_unless(
        tf.reduce_all(size > 0) & (size[0] * size[1] <= MAX_PIXELS),
        f"A picture must have 1 to {MAX_PIXELS} pixels. Received: a picture of ",
        size[1],
        " x ",
        size[0],
    )
    with tf.control_dependencies([too_large]):
        picture = tf.cond(
            _is_png(data),
            lambda: tf.io.decode_png(data, channels=channels),
            # The accurate transform is Pillow's; the default one is off by up to 10 of 255.
            lambda: tf.io.decode_jpeg(data, channels=channels, dct_method="INTEGER_ACCURATE"),
        )
    return picture, size


def resized(picture, height, width):
    """Resizes a picture, antialiased, to `uint8` `(height, width, channels)`."""
    picture = tf.image.resize(picture, (height, width), antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(picture), 0, 255), tf.uint8)


def decode_picture(data, image_shape):
    """Decodes one JPEG or PNG, cuts the largest centred part of the wanted aspect ratio, and resizes it, antialiased.

    Orientation tags (EXIF) are not followed: what is stored is what is seen.

    Args:
        data: The file's bytes, a scalar string tensor.
        image_shape: `(height, width, channels)` of the answer; 1 channel for grey, 3 for RGB.

    Returns:
        Pixels in [0, 255], `uint8` `(height, width, channels)`.

    Raises:
        tf.errors.InvalidArgumentError: The bytes are no whole JPEG or PNG, or more than `MAX_PIXELS` pixels.
    """
    height, width, channels = image_shape
    picture, size = decode_as_stored(data, channels)
    # The part to keep: as wide (or as high) as the picture, in the ratio of the answer.
    rows = tf.minimum(size[0], tf.maximum(size[1] * height // width, 1))
    columns = tf.minimum(size[1], tf.maximum(size[0] * width // height, 1))
    top, left = (size[0] - rows) // 2, (size[1] - columns) // 2
    return resized(picture[top : top + rows, left : left + columns], height, width)


def decode_whole_picture(data, image_shape):
    """Decodes one JPEG or PNG and stretches all of it to a size: for answers that are places in the picture.

    Args:
        data: The file's bytes, a scalar string tensor.
        image_shape: `(height, width, channels)` of the answer; 1 channel for grey, 3 for RGB.

    Returns:
        Pixels in [0, 255], `uint8` `(height, width, channels)`, and the picture's own height and width, `int32`
        `(2,)`.

    Raises:
        tf.errors.InvalidArgumentError: As `decode_picture`.
    """
    height, width, channels = image_shape
    picture, size = decode_as_stored(data, channels)
    return resized(picture, height, width), tf.cast(size, tf.int32)


def decode_pictures(data, image_shape):
    """Decodes a batch: string `(batch,)` to `uint8` `(batch, height, width, channels)`; see `decode_picture`."""
    return _map(decode_picture, data, image_shape, tf.TensorSpec(image_shape, tf.uint8))


def decode_whole_pictures(data, image_shape):
    """Decodes a batch, see `decode_whole_picture`: pictures and, `int32` `(batch, 2)`, their own heights and widths."""
    answer = (tf.TensorSpec(image_shape, tf.uint8), tf.TensorSpec((2,), tf.int32))
    return _map(decode_whole_picture, data, image_shape, answer)


def _map(decode, data, image_shape, answer):
    with tf.control_dependencies(
        [refuse_unless(tf.size(data) > 0, "A request must hold at least one picture. Received: 0")]
    ):
        data = tf.identity(data)
    # A few at a time: a batch of the largest pictures must not take ten times their memory.
    return tf.map_fn(lambda one: decode(one, image_shape), data, fn_output_signature=answer, parallel_iterations=4)


def encoded_size(data):
    """Returns `(height, width)` of a picture file's bytes, read from its header."""
    height, width = _encoded_size(tf.constant(data)).numpy()
    return int(height), int(width)
