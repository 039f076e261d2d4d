import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dlkeras.data.decode import decode_picture, decode_pictures, encoded_size

PNG_HEADER = b"\x89PNG\r\n\x1a\n"
JPEG_HEADER = b"\xff\xd8\xff\xe0"


@tf.function(input_signature=[tf.TensorSpec((None,), tf.string)])
def decode_in_graph(data):
    return decode_pictures(data, (8, 8, 3))


def decode(data, *shape):
    return decode_picture(tf.constant(data), shape).numpy()


def png_header(width, height):
    """A PNG that is a header and nothing else."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return PNG_HEADER + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + bytes(40)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "1"])
def test_png_equals_pillow(encode, noise, mode):
    picture = Image.fromarray(noise(13, 17, 4 if mode == "RGBA" else 3))
    picture = picture.quantize(16) if mode == "P" else picture.convert(mode)
    data = encode(picture)
    expected = Image.open(io.BytesIO(data)).convert("RGB")
    np.testing.assert_array_equal(decode(data, 13, 17, 3), expected)
    # Grey of colours is rounded in another way.
    np.testing.assert_allclose(decode(data, 13, 17, 1)[..., 0], np.asarray(expected.convert("L"), int), atol=1)


def test_png_of_16_bits_keeps_the_upper_8(encode):
    pixels = np.random.default_rng(0).integers(0, 65536, (13, 17), dtype="uint16")
    np.testing.assert_array_equal(decode(encode(pixels), 13, 17, 1)[..., 0], pixels >> 8)


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (33, 31)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jpeg_of_odd_size(encode, size, mode):
    height, width = size
    gradient = np.add.outer(np.linspace(0, 100, height), np.linspace(0, 155, width)).astype("uint8")
    data = encode(Image.fromarray(gradient).convert(mode), "JPEG", quality=95)
    expected = Image.open(io.BytesIO(data)).convert("RGB")
    np.testing.assert_array_equal(decode(data, height, width, 3), expected)
    assert encoded_size(data) == size


def test_shrinks_as_pillow_does(encode, noise):
    pixels = np.kron(noise(13, 17, 3), np.ones((12, 12, 1), "uint8"))
    expected = Image.fromarray(pixels).resize((34, 26), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(decode(encode(pixels), 26, 34, 3), np.asarray(expected, int), atol=1)


def test_a_fine_chequerboard_shrinks_to_grey(encode):
    # What is not antialiased picks black or white.
    board = np.indices((64, 64)).sum(0) % 2 * np.uint8(255)
    assert np.abs(decode(encode(board.astype("uint8")), 8, 8, 1).astype(int) - 127.5).max() < 4


def test_cuts_the_centre():
    """6 wide, 2 high: the middle 2 columns are 2 and 3; 2 wide, 6 high likewise."""
    columns = np.tile(np.arange(6, dtype="uint8") * 40, (2, 1))
    for picture, expected in ((columns, [[80, 120], [80, 120]]), (columns.T, [[80, 80], [120, 120]])):
        data = io.BytesIO()
        Image.fromarray(picture).save(data, "PNG")
        np.testing.assert_array_equal(decode(data.getvalue(), 2, 2, 1)[..., 0], expected)


def test_keeps_the_ratio(encode):
    halves = np.zeros((40, 160, 3), "uint8")
    halves[:, 80:] = 255
    picture = decode(encode(halves), 20, 40, 3)  # the middle 80 columns, halved
    assert (picture[:, :19] == 0).all() and (picture[:, 21:] == 255).all()


def test_orientation_is_not_followed(encode, noise):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    plain, turned = (encode(noise(16, 16, 3) // 2, "JPEG", **options) for options in ({}, {"exif": exif}))
    picture = Image.open(io.BytesIO(turned))
    assert picture.getexif()[0x0112] == 6 and len(plain) < len(turned)
    np.testing.assert_array_equal(decode(turned, 16, 16, 3), picture)


def refusals():
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype="uint8"))
    files = {}
    for form in ("PNG", "JPEG"):
        buffer = io.BytesIO()
        picture.save(buffer, form)
        files[form] = buffer.getvalue()
    neither = "A picture must be the bytes of a JPEG or PNG file. Received: {} bytes that are neither"
    return {
        "empty": (b"", neither.format(0)),
        "text": (b"hello, world! " * 10, neither.format(140)),
        "gif": (b"GIF89a" + bytes(60), neither.format(66)),
        "cut PNG": (files["PNG"][:2000], "Invalid PNG data, size 2000"),
        "cut JPEG": (files["JPEG"][:900], "Invalid JPEG data"),
        "head of a JPEG": (files["JPEG"][:60], "Invalid JPEG data, size 60"),
        "huge PNG": (
            png_header(50_000, 40_000),
            "A picture must have 1 to 50000000 pixels. Received: a picture of 50000 x 40000",
        ),
        "PNG of no height": (
            png_header(5, 0),
            "A picture must have 1 to 50000000 pixels. Received: a picture of 5 x 0",
        ),
    }


@pytest.mark.parametrize("name", refusals())
def test_refuses(encode, noise, name):
    data, message = refusals()[name]
    good = encode(noise(9, 9, 3))
    for call in (lambda: decode(data, 8, 8, 3), lambda: decode_in_graph([good, data, good])):
        with pytest.raises(tf.errors.InvalidArgumentError) as error:
            call()
        assert message in str(error.value)


@pytest.mark.parametrize("function", [decode_in_graph, lambda data: decode_pictures(data, (8, 8, 3))])
def test_refuses_an_empty_batch(function):
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least one picture"):
        function(tf.zeros((0,), tf.string))


def test_graph_equals_eager(encode, noise):
    files = [encode(noise(20, 30, 3)), encode(noise(9, 5), "JPEG"), encode(noise(8, 8, 3)), encode(noise(70, 3, 4))]
    answer = decode_in_graph(files)
    assert answer.dtype == "uint8" and answer.shape == (4, 8, 8, 3)
    np.testing.assert_array_equal(answer, decode_pictures(tf.constant(files), (8, 8, 3)))
    for data, picture in zip(files, answer, strict=True):
        np.testing.assert_array_equal(picture, decode(data, 8, 8, 3))


@settings(max_examples=60, deadline=None)
@given(
    start=st.sampled_from([b"", PNG_HEADER, JPEG_HEADER, png_header(9, 7)[:33]]),
    rest=st.binary(min_size=0, max_size=300),
)
def test_random_bytes_are_refused(start, rest):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_in_graph([start + rest])
