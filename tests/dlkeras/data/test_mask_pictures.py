"""Predicted masks at the size of their pictures: aligned, whole, and as files."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw

from dlkeras.data.decode import decode_whole_picture
from dlkeras.data.encode import encode_png
from dlkeras.data.mask_pictures import classes_at, mask_pngs, masks_at, overlay_pngs


def _opened(png):
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("size", [(1, 1), (7, 90), (33, 40), (64, 64), (200, 31)])
def test_equals_a_bilinear_enlargement(size):
    logits = tf.random.stateless_normal((16, 24, 5), (0, 1))
    expected = tf.argmax(tf.image.resize(logits, size), axis=-1)
    np.testing.assert_array_equal(classes_at(logits, tf.constant(size))[..., 0], expected)


@pytest.mark.parametrize("size", [(180, 240), (120, 500), (701, 333)])
def test_a_turned_rectangle_lies_where_it_is_in_the_picture(size):
    height, width = size
    corners = np.array([(-0.3, -0.15), (0.3, -0.15), (0.3, 0.15), (-0.3, 0.15)]) @ [[0.87, 0.5], [-0.5, 0.87]]
    picture = Image.new("RGB", (width, height))
    ImageDraw.Draw(picture).polygon([((x + 0.45) * width, (y + 0.55) * height) for x, y in corners], fill="white")
    data = encode_png(np.asarray(picture))
    read, own = decode_whole_picture(tf.constant(data), (90, 120, 3))
    # A perfect model: what is bright is the object, and how bright says how much of a pixel it takes.
    bright = tf.cast(read[..., :1], tf.float32) - 127.5
    mask = classes_at(tf.concat([-bright, bright], axis=-1), own)[..., 0].numpy().astype(bool)
    truth = np.asarray(picture)[..., 0] > 127
    assert mask.shape == truth.shape
    assert (mask & truth).sum() / (mask | truth).sum() > 0.97
    for axis in (0, 1):
        difference = np.nonzero(mask)[axis].mean() - np.nonzero(truth)[axis].mean()
        assert abs(difference) < 0.003 * max(size)


def test_pictures_of_a_batch_keep_their_sizes():
    logits = tf.random.stateless_normal((2, 8, 8, 3), (0, 1))
    sizes = tf.constant([[5, 20], [40, 6]])
    masks = masks_at(logits, sizes).numpy()
    assert masks.shape == (2, 40, 20)
    assert (masks[0, 5:] == 255).all() and (masks[1, :, 6:] == 255).all()
    for row, (png, (height, width)) in enumerate(zip(mask_pngs(logits, sizes).numpy(), sizes.numpy(), strict=True)):
        assert masks[row, :height, :width].max() < 3
        np.testing.assert_array_equal(_opened(png), masks[row, :height, :width])


def test_an_overlay_colours_classes_and_leaves_the_others():
    pixels = np.full((6, 9, 3), 100, "uint8")
    pixels[:, 4:] = 200
    right = tf.constant(pixels[None, ..., :1], tf.float32) - 150
    logits = tf.concat([-right, right], axis=-1)
    data, sizes = tf.constant([encode_png(pixels)]), tf.constant([[6, 9]])
    (png,) = overlay_pngs(data, logits, sizes, [None, (255, 0, 40)], opacity=0.25).numpy()
    overlay = _opened(png)
    np.testing.assert_array_equal(overlay[:, :4], pixels[:, :4])
    assert (overlay[:, 4:] == [214, 150, 160]).all()
