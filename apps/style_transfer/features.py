"""The features that content and style are told by: which network, and which of its maps."""

import keras

from apps.backbones import describe, open_backbone
from dlkeras.models.detection.ssd import feature_levels
from dlkeras.models.style.features import picture_features
from dlkeras.models.vision.mobilenet import MobileNetV1
from dlkeras.models.vision.resnet import ResNet
from dlkeras.models.vision.vgg import VGG

FEATURES = "features"  # the key in `info`

# Of each kind of network the maps that made good pictures; the last one tells the content. VGG's are among those of
# Gatys et al. 2016. MobileNet's are taken before its ReLU6, which lets no gradient through beyond 6.
_LEVELS = {
    ResNet: ("stem_relu", "stage1_block1", "stage1_block3", "stage2_block1", "stage2_block3"),
    MobileNetV1: tuple(f"conv_pw_{number}_bn" for number in range(1, 5)),
    VGG: ("block1_conv1_relu", "block2_conv1_relu", "block3_conv1_relu", "block4_conv1_relu", "block4_conv2_relu"),
}


def describe_features(name, weights="", levels=""):
    """Chooses features, and describes them so that they can be rebuilt without weights: plain JSON values.

    Args:
        name: Of a pretrained network; see `apps.backbones.open_backbone`.
        weights: Weights file for it, where it needs one.
        levels: Names of layers with commas between them, the finest first, of which the last tells the content; by
            default those that made good pictures.

    Raises:
        ValueError: There is no such network or layer, or nobody has tried which of its layers are good.
        DataError: Its weights cannot be had here.
    """
    backbone, levels = _choose(name, weights, levels)
    feature_levels(backbone.network, levels)  # refuses names that it does not have
    return {"name": name, "levels": levels, **describe(backbone, backbone.image_shape)}


def rebuild_features(description):
    """Builds the features of a description, random weights; see `dlkeras.models.style.features.picture_features`."""
    network = keras.saving.deserialize_keras_object(description["network"])
    return picture_features(network, description["levels"], description["scaling"])


def open_features(name, weights="", levels=""):
    """Builds features with the weights of their pretrained network; arguments and errors of `describe_features`."""
    backbone, levels = _choose(name, weights, levels)
    return picture_features(backbone.network, levels, backbone.scaling)


def _choose(name, weights, levels):
    backbone = open_backbone(name, weights)
    known = next((known for kind, known in _LEVELS.items() if isinstance(backbone.network, kind)), ())
    chosen = levels.split(",") if levels else list(known)
    if not chosen:
        raise ValueError(f"`levels` must name layers of {name}, for which there are no defaults. Received: ''")
    return backbone, chosen
