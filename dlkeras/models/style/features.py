"""Feature maps of pictures of any size, from any network with named layers."""

import keras
import numpy as np
from keras import layers

from dlkeras.layers.inference_mode import InferenceMode
from dlkeras.models.detection.ssd import feature_levels

PIXELS = {"scale": 1 / 127.5, "offset": -1.0}


@keras.saving.register_keras_serializable(package="dlkeras")
class Folded(layers.Layer):
    """Stands where a batch normalization was that is in the convolution before it now: gives what it is called on."""

    def call(self, inputs, training=None, mask=None):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape


def picture_features(network, levels, scaling=PIXELS):
    """Cuts feature maps out of a network, for pictures of any size; they are not trained.

    Batch normalization is folded into the convolutions before it: maps of a whole picture are much memory to go through
    once more.

    Args:
        network: A functional `keras.Model` with convolutions before the maps, and its weights.
        levels: Names of layers, the finest first; see `dlkeras.models.detection.ssd.feature_levels`.
        scaling: Arguments of `keras.layers.Rescaling` that bring pixels in [0, 255] to what the network takes.

    Returns:
        A `keras.Model` from pictures `(batch, height, width, 3)` in [0, 255] to a list of maps: the pixels in [-1, 1],
        and one for each level.

    Raises:
        ValueError: The network has no such levels.
    """
    inputs = keras.Input((None, None, 3))
    encoder = InferenceMode(_fold(feature_levels(network, levels)), name="encoder")
    maps = encoder(layers.Rescaling(**scaling, name="scaled")(inputs))
    maps = maps if isinstance(maps, (list, tuple)) else [maps]
    features = keras.Model(inputs, [layers.Rescaling(**PIXELS, name="pixels")(inputs), *maps], name="features")
    features.trainable = False
    return features


def _fold(network):
    """Copies a network for pictures of any size, with batch normalization folded where it follows a convolution."""
    normalizations = {_before(layer).name: layer for layer in network.layers if _is_foldable(layer)}
    folded = {layer.name for layer in normalizations.values()}

    def copy(layer):
        config = layer.get_config()
        if layer.name in normalizations:
            config["use_bias"] = True
        return Folded(name=layer.name) if layer.name in folded else type(layer).from_config(config)

    copied = keras.models.clone_model(network, input_tensors=[keras.Input((None, None, 3))], clone_function=copy)
    for layer in network.layers:
        if layer.name in normalizations:
            copied.get_layer(layer.name).set_weights(_folded(layer, normalizations[layer.name]))
        elif layer.weights and layer.name not in folded:
            copied.get_layer(layer.name).set_weights(layer.get_weights())
    return keras.Model(copied.inputs[0], copied.outputs, name=network.name)


def _is_foldable(layer):
    # A convolution that several layers see must stay as it is.
    return isinstance(layer, layers.BatchNormalization) and (
        isinstance(_before(layer), (layers.Conv2D, layers.DepthwiseConv2D)) and len(_before(layer)._outbound_nodes) == 1
    )


def _before(layer):
    """Returns the layer that gives another one its input."""
    return layer.input._keras_history.operation


def _folded(convolution, normalization):
    """Returns kernel and bias of a convolution that does what it and the normalization after it did."""
    kernel, *bias = convolution.get_weights()
    gamma, beta, mean, variance = (
        0.0 if weight is None else keras.ops.convert_to_numpy(weight)
        for weight in (
            normalization.gamma,
            normalization.beta,
            normalization.moving_mean,
            normalization.moving_variance,
        )
    )
    factor = (gamma if normalization.scale else 1.0) / np.sqrt(variance + normalization.epsilon)
    shift = ((bias[0] if bias else 0.0) - mean) * factor + beta
    # The channels of a depthwise kernel are its last axis but one.
    depthwise = isinstance(convolution, layers.DepthwiseConv2D)
    return [kernel * (factor[:, None] if depthwise else factor), shift.astype("float32")]
