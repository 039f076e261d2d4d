"""Feature maps of any network, with batch normalization folded."""

import keras
import numpy as np
import pytest

from dlkeras.models.style.features import Folded, picture_features
from dlkeras.models.vision.mobilenet import MobileNetV1
from dlkeras.models.vision.resnet import ResNet


def _shaken(network):
    """Gives normalizations statistics and scales that are not those of the beginning."""
    random = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    return network


def _networks():
    arguments = {"num_classes": 2, "input_shape": (32, 32, 3)}
    yield ResNet(**arguments, stage_blocks=(1, 1), stage_filters=(8, 16)), ["stem_relu", "stage2_block1"]
    yield MobileNetV1(**arguments, width=0.25), ["conv_pw_1_bn", "conv_pw_3_bn"]


def test_maps_are_those_of_the_network():
    for network, levels in _networks():
        network = _shaken(network)
        pictures = np.random.default_rng(1).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
        features = picture_features(network, levels)
        expected = keras.Model(network.inputs[0], [network.get_layer(level).output for level in levels])
        pixels, *maps = features(pictures)
        np.testing.assert_allclose(pixels, pictures / 127.5 - 1, atol=1e-5)
        for found, wanted in zip(maps, expected(pictures / 127.5 - 1, training=False), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)
        folded = [layer for layer in features.get_layer("encoder").layer.layers if isinstance(layer, Folded)]
        assert folded
        assert not features.trainable_weights
        assert features(pictures[:, :20, :28])[0].shape == (2, 20, 28, 3)


def test_an_unknown_level_is_refused_with_names():
    network, _ = next(_networks())
    with pytest.raises(ValueError, match=r"`levels` must be names of feature maps.*Received: \['relu9'\]"):
        picture_features(network, ["relu9"])
