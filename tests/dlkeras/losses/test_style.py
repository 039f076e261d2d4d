"""Losses of style transfer, against what is computed by hand and by NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from dlkeras.losses.style import (
    StyleTransferLoss,
    content_loss,
    gram_matrix,
    moments,
    style_loss,
    total_variation,
)


def _maps(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def _array(tensor):
    return ops.convert_to_numpy(tensor)


def test_gram_matrix_by_hand():
    # Two pixels of two channels: (1, 2) and (3, 4).
    maps = np.array([[[[1.0, 2.0], [3.0, 4.0]]]], "float32")
    np.testing.assert_allclose(_array(gram_matrix(maps)), [[[5.0, 7.0], [7.0, 10.0]]])


def test_gram_matrix_does_not_know_places():
    maps = _maps(2, 3, 5, 4)
    turned = maps[:, ::-1, ::-1]
    np.testing.assert_allclose(_array(gram_matrix(maps)), _array(gram_matrix(turned)), rtol=1e-5, atol=1e-6)
    expected = np.einsum("bhwi,bhwj->bij", maps, maps) / 15
    np.testing.assert_allclose(_array(gram_matrix(maps)), expected, rtol=1e-5, atol=1e-6)


def test_moments_are_means_and_deviations():
    maps = _maps(2, 6, 5, 3)
    expected = np.concatenate([maps.mean((1, 2)), maps.std((1, 2))], axis=-1)
    np.testing.assert_allclose(_array(moments(maps)), expected, rtol=1e-3, atol=1e-4)


def test_content_loss_is_relative_to_the_variance():
    maps, target = _maps(2, 4, 5, 3), 2 * _maps(3, 4, 5, 3)[1:]
    variance = ((target - target.mean((1, 2), keepdims=True)) ** 2).mean((1, 2, 3))
    expected = ((maps - target) ** 2).mean((1, 2, 3)) / variance
    np.testing.assert_allclose(_array(content_loss(maps, target)), expected, rtol=1e-4)
    np.testing.assert_allclose(_array(content_loss(7 * maps, 7 * target)), expected, rtol=1e-4)


def test_style_loss_is_relative_to_the_target():
    one, target = _maps(2, 4, 4), 3 + _maps(3, 4, 4)[1:]
    expected = ((one - target) ** 2).sum((1, 2)) / ((target**2).sum((1, 2)) + 0.1)
    np.testing.assert_allclose(_array(style_loss(one, target)), expected, rtol=1e-4)


def test_total_variation_by_hand():
    picture = np.array([[[[0.0], [2.0]], [[1.0], [3.0]]]], "float32")
    # Down: 1 and 1. To the right: 2 and 2.
    np.testing.assert_allclose(_array(total_variation(picture)), [1.0 + 4.0])


@pytest.fixture
def features():
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    y = keras.layers.Conv2D(4, 3, strides=2, padding="same")(x)
    return keras.Model(inputs, [x, y])


def _pairs(size=32):
    return np.random.default_rng(1).uniform(0, 255, (2, 2, size, size, 3)).astype("float32")


def test_the_loss_is_the_weighted_sum_of_its_parts(features):
    loss = StyleTransferLoss(features, content_weight=3.0, style_weight=2.0, variation_weight=0.5, scales=1, margin=4)
    pairs = _pairs()
    painted = pairs[:, 0] / 2
    parts = {name: _array(part) for name, part in loss.parts(painted, loss.targets(pairs[:, 0], pairs[:, 1])).items()}
    expected = 3 * parts["content"] + 2 * parts["style"] + 0.5 * parts["variation"]
    np.testing.assert_allclose(_array(loss.call(pairs, ops.convert_to_tensor(painted))), expected, rtol=1e-5)
    # The style's maps, one by one: those of the padded picture without what the margin gave.
    padded = [np.pad(one, [(0, 0), (4, 4), (4, 4), (0, 0)], mode="reflect") for one in (painted, pairs[:, 1])]
    grams = [[_array(gram_matrix(part)) for part in _cut(features, one)] for one in padded]
    styles = [
        ((one - other) ** 2).sum((1, 2)) / ((other**2).sum((1, 2)) + 0.1) for one, other in zip(*grams, strict=True)
    ]
    np.testing.assert_allclose(parts["style"], np.mean(styles, axis=0), rtol=1e-4)


def _cut(features, padded):
    pixels, maps = features(padded)
    return pixels[:, 4:-4, 4:-4], maps[:, 2:-2, 2:-2]


def test_each_scale_compares_halves(features):
    pairs = _pairs()
    one, two = (StyleTransferLoss(features, scales=scales, margin=4) for scales in (1, 2))
    styles = [loss.targets(pairs[:, 0], pairs[:, 1]).style for loss in (one, two)]
    assert [len(style) for style in styles] == [2, 4]
    halved = pairs[:, 1].reshape(2, 16, 2, 16, 2, 3).mean((2, 4))
    half = StyleTransferLoss(features, scales=1, margin=0).targets(halved, halved).style
    # Not the same along the borders, which are reflected before they are halved.
    np.testing.assert_allclose(_array(styles[1][2]), _array(half[0]), atol=1e-4)


def test_a_content_in_its_own_style_is_wanted_as_it_is(features):
    pairs = _pairs()
    pairs[0, 1] = pairs[0, 0]
    loss = StyleTransferLoss(
        features, content_weight=0.0, style_weight=0.0, variation_weight=0.0, identity_weight=1.0, margin=4
    )
    painted = ops.convert_to_tensor(pairs[:, 0] + 127.5)
    np.testing.assert_allclose(_array(loss.call(pairs, painted)), [1.0, 0.0], rtol=1e-4)


def test_wrong_arguments_are_named(features):
    with pytest.raises(ValueError, match=r"`style_weight` must be at least 0. Received: style_weight=-1"):
        StyleTransferLoss(features, style_weight=-1)
    with pytest.raises(ValueError, match=r"`statistic` must be one of gram, moments. Received: statistic='mean'"):
        StyleTransferLoss(features, statistic="mean")
