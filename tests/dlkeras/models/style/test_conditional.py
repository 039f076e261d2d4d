"""The network that paints in any style."""

import keras
import numpy as np
import pytest
from keras import ops

from dlkeras.models.style.conditional import Stylizer, condition_size, style_network
from dlkeras.models.style.features import picture_features
from dlkeras.models.style.layers import ConditionalInstanceNormalization, EnlargeLike, ReflectionPadding, WithNoise
from dlkeras.models.style.statistics import ColourStatistics, MatchColours, StyleStatistics
from dlkeras.models.vision.resnet import ResNet


def _random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_normalization_gives_each_channel_the_named_moments():
    x, condition = 3 + 2 * _random(2, 6, 5, 4), _random(2, 11)
    y = ops.convert_to_numpy(ConditionalInstanceNormalization(offset=2)([x, condition]))
    np.testing.assert_allclose(y.mean((1, 2)), condition[:, 6:10], atol=1e-4)
    np.testing.assert_allclose(y.std((1, 2)), np.abs(1 + condition[:, 2:6]), atol=1e-3)


def test_padding_reflects_and_enlarging_repeats():
    x = np.arange(6, dtype="float32").reshape(1, 2, 3, 1)
    padded = ops.convert_to_numpy(ReflectionPadding(1)(x))
    np.testing.assert_array_equal(padded[0, ..., 0], np.pad(x[0, ..., 0], 1, mode="reflect"))
    enlarged = ops.convert_to_numpy(EnlargeLike()([x, np.zeros((1, 3, 5, 2), "float32")]))
    np.testing.assert_array_equal(enlarged[0, ..., 0], np.kron(x[0, ..., 0], np.ones((2, 2)))[:3, :5])


def test_noise_belongs_to_the_place_and_is_the_same_every_time():
    large, small = (
        ops.convert_to_numpy(WithNoise()(np.ones((2, *size, 3), "float32"))) for size in ((130, 140), (60, 70))
    )
    np.testing.assert_array_equal(large[..., :3], 1)
    np.testing.assert_array_equal(large[:, :60, :70], small)
    noise = large[0, ..., 3]
    np.testing.assert_array_equal(noise, large[1, ..., 3])
    assert abs(noise.mean()) < 0.1 and 0.9 < noise.std() < 1.1
    for side in (61, 67):  # of neither tile alone is there a pattern
        assert abs(np.corrcoef(noise[side:].ravel(), noise[:-side].ravel())[0, 1]) < 0.7


def test_colours_get_the_mean_and_the_covariance_of_others():
    pixels, others = 0.3 * _random(2, 20, 30, 3), 0.1 + 0.2 * _random(2, 9, 40, 3) @ _random(3, 3)
    own, wanted = (ColourStatistics()(ops.convert_to_tensor(one)) for one in (pixels, others))
    matched = ops.convert_to_numpy(MatchColours()([ops.convert_to_tensor(pixels), wanted]))
    for one, other in zip(matched, others, strict=True):
        np.testing.assert_allclose(one.mean((0, 1)), other.mean((0, 1)), atol=1e-4)
        # Not to the last digit: a little variance is added to both.
        np.testing.assert_allclose(np.cov(one.reshape(-1, 3).T), np.cov(other.reshape(-1, 3).T), atol=0.01)
    np.testing.assert_allclose(
        ops.convert_to_numpy(MatchColours()([ops.convert_to_tensor(pixels), own])), pixels, atol=1e-4
    )


def test_a_style_is_read_from_moments_of_all_maps_and_colours():
    pixels, maps = _random(2, 6, 5, 3), _random(2, 3, 3, 4)
    numbers = ops.convert_to_numpy(StyleStatistics()([pixels, maps]))
    assert numbers.shape == (2, 9 + 6 + 8)
    np.testing.assert_allclose(numbers[:, 0], (pixels[..., 0] ** 2).mean((1, 2)), rtol=1e-4)
    np.testing.assert_allclose(numbers[:, -8:-4], maps.mean((1, 2)), atol=1e-5)


def test_stylizer(harness):
    pictures, condition = 127 + 50 * _random(2, 17, 22, 3), _random(2, condition_size(2, 1))
    harness(
        Stylizer,
        {"width": 2, "blocks": 1},
        inputs=[pictures, condition],
        output_shape=(2, 17, 22, 3),
        learning_rate=1e-6,
    )
    with pytest.raises(ValueError, match=r"`width` must be above 0. Received: width=0"):
        Stylizer(width=0)


def test_the_style_changes_the_picture_and_gradients_reach_all_but_the_features():
    encoder = ResNet(num_classes=2, input_shape=(32, 32, 3), stage_blocks=(1,), stage_filters=(8,))
    features = picture_features(encoder, ["stem_relu", "stage1_block1"])
    model = style_network(features, width=2, blocks=1)
    pairs = np.random.default_rng(0).uniform(0, 255, (2, 2, 24, 20, 3)).astype("float32")
    pairs[1, 0] = pairs[0, 0]
    one, other = ops.convert_to_numpy(model(pairs))
    assert one.shape == (24, 20, 3)
    assert np.abs(one - other).max() > 1
    frozen = {weight.path for weight in features.weights}
    assert frozen
    assert not frozen & {weight.path for weight in model.trainable_weights}
    before = [ops.convert_to_numpy(weight).copy() for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(1e-6), "mse")
    model.train_on_batch(pairs, pairs[:, 0])
    still = [
        weight.path
        for weight, old in zip(model.trainable_weights, before, strict=True)
        if np.array_equal(ops.convert_to_numpy(weight), old)
    ]
    assert not still
