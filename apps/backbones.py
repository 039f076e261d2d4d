"""Pretrained networks to fine-tune: presets of image classification, files on disk, KerasHub and KerasCV."""

import json
from pathlib import Path
from typing import NamedTuple

import keras

from apps.presets import CONFIG_FILE, model_folder, preset_names
from dlkeras import models
from dlkeras.data.location import DataError, fetch, find
from dlkeras.models.base import ConfiguredModel
from dlkeras.models.vision.densenet import DenseNet
from dlkeras.models.vision.vgg import VGG
from dlkeras.models.weights import load_named_weights

APP = "image_classification"
BACKBONE = "backbone"  # the key in `info`, and the name of the layer
_OURS = {"scale": 1 / 127.5, "offset": -1.0}  # pictures in [0, 255] to [-1, 1]
_LARGE = [224, 224, 3]

# What the networks of keras.applications take: DenseNet pixels less ImageNet's mean, over its deviation; VGG less the
# mean alone, and blue first. All others that there are here take [-1, 1].
_MEAN, _DEVIATION = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
_CAFFE_MEAN = [123.68, 116.779, 103.939]

# ImageNet weights that are published for a model of ours: (file, SHA-256). Apache-2.0, by Google.
_FILES = {
    "mobilenet_v1_025": (
        "mobilenet_2_5_224_tf_no_top.h5",
        "dbdb03ee2a22fd895301636cd328b234bb3a9952358f436d82f46b81e0d5b0bf",
    )
}
_ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/"


class Backbone(NamedTuple):
    """A pretrained network.

    Attributes:
        network: The `keras.Model`, with its weights: a classifier of ours, or a network that ends in features.
        image_shape: The pictures that it was trained on, `[height, width, channels]`.
        scaling: Arguments of `keras.layers.Rescaling` that bring pixels in [0, 255] to what it takes.
    """

    network: keras.Model
    image_shape: list
    scaling: dict


def backbone_names():
    """Returns the names of pretrained networks that need no `--weights`; presets of other packages come on top."""
    return [*preset_names(APP), *_FILES]


def open_backbone(name, weights=""):
    """Opens a pretrained network.

    Args:
        name: A preset of this app (`cifar10`), a run's folder, a model of ours with weights that are published or given
            (`mobilenet_v1_025`), or `hub:` or `cv:` with a preset of KerasHub or KerasCV.
        weights: A weights file in the layout of `keras.applications`, for a model of ours.

    Returns:
        A `Backbone`.

    Raises:
        ValueError: The name is unknown, or the file does not fit the model.
        DataError: The weights cannot be had here.
    """
    kind, _, preset = name.partition(":")
    if preset and kind in _PACKAGES and not weights:
        return _PACKAGES[kind](preset)
    if not weights and (name in preset_names(APP) or Path(name, CONFIG_FILE).is_file()):
        return _open_trained(name)
    if name in models.list("vision") and (weights or name in _FILES):
        return _open_file(name, weights or _published(name))
    if name in models.list("vision"):
        raise ValueError(
            f"{name} needs a weights file: --weights FILE. These need none: {', '.join(backbone_names())}."
        )
    raise ValueError(f"The pretrained network must be one of {_accepted()}. Received: {name}")


def _accepted():
    names = ", ".join(backbone_names())
    return f"{names}, a run's folder, a model's name with --weights FILE, hub:PRESET of KerasHub, cv:PRESET of KerasCV"


def _open_trained(name):
    from apps import registry
    from apps.trained import open_trained

    folder = model_folder(APP, name) if name in preset_names(APP) else Path(name)
    trained = open_trained(registry.create(APP), folder)
    info = trained.info
    if trained.config.finetune:
        return Backbone(backbone_of(trained.model), info["image_shape"], info[BACKBONE]["scaling"])
    shape, num_classes = tuple(info["image_shape"]), len(info["class_names"])
    classifier = models.create(trained.config.model, num_classes=num_classes, input_shape=shape)
    copy_weights(_classifier_of(trained.model), classifier)
    return Backbone(classifier, info["image_shape"], _OURS)


def backbone_of(model):
    """Returns the pretrained network inside of a fine-tuned model that `App.build` gave."""
    return _classifier_of(model).get_layer(BACKBONE).layer


def _classifier_of(model):
    """Returns the classifier inside of a model that `App.build` gave, where scaling and augmentation are around it."""
    # One with auxiliary heads is one level deeper; one that averages over mirror images is in a layer of its own.
    parts = [getattr(layer, "layer", layer) for layer in getattr(model, "network", model).layers]
    (classifier,) = [part for part in parts if isinstance(part, keras.Model)]
    return classifier


def copy_weights(source, network):
    """Gives each layer of a network the weights of its namesake in another one, which may have more layers."""
    for layer in network.layers:
        if layer.weights:
            layer.set_weights(source.get_layer(layer.name).get_weights())


def _published(name):
    file, sha256 = _FILES[name]
    try:
        return find(f"weights/{file}") or fetch(_ADDRESS + file, f"weights/{file}", sha256)
    except DataError as error:
        raise DataError(f"{error} Or name it by --weights FILE.") from error


def _open_file(name, path):
    if not Path(path).expanduser().is_file():
        raise DataError(f"`--weights` must be a file. Received: {path}, which is not there.")
    classifier = models.create(name, num_classes=1)
    load_named_weights(keras.Model(classifier.inputs, features(classifier), name=name), Path(path).expanduser())
    return Backbone(classifier, list(classifier.input_shape[1:]), _scaling(classifier))


def _scaling(classifier):
    """Returns the scaling of pictures that published weights of a classifier were trained with."""
    if isinstance(classifier, DenseNet):
        offset = [-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)]
        return {"scale": [1 / deviation for deviation in _DEVIATION], "offset": offset}
    if isinstance(classifier, VGG):
        # Pictures stay red first: the first convolution is turned round instead.
        first = classifier.get_layer("block1_conv1")
        kernel, *rest = first.get_weights()
        first.set_weights([kernel[:, :, ::-1], *rest])
        return {"scale": 1.0, "offset": [-mean for mean in _CAFFE_MEAN]}
    return _OURS


def _open_hub(preset):
    import keras_hub

    try:
        network = keras_hub.models.Backbone.from_preset(preset)
        converter = keras_hub.layers.ImageConverter.from_preset(preset)
    except Exception as error:  # kagglehub and its kin raise many kinds where there is no network
        raise DataError(_not_downloaded(f"KerasHub's preset {preset}", error)) from error
    height, width = converter.image_size or _LARGE[:2]
    scaling = {"scale": _plain(converter.scale, 1.0), "offset": _plain(converter.offset, 0.0)}
    return Backbone(network, [height, width, 3], scaling)


def _open_cv(preset):
    try:
        import keras_cv
    except ImportError as error:
        raise DataError("cv:PRESET needs the package keras-cv: pip install 'dlkeras[cv]'") from error
    kinds = [getattr(keras_cv.models, name) for name in dir(keras_cv.models) if name.endswith("Backbone")]
    kind = next((kind for kind in kinds if preset in kind.presets_with_weights), None)
    if kind is None:
        names = sorted({name for kind in kinds for name in kind.presets_with_weights})
        raise ValueError(f"A preset of KerasCV must be one of {', '.join(names)}. Received: cv:{preset}")
    try:
        network = kind.from_preset(preset)
    except Exception as error:
        raise DataError(_not_downloaded(f"KerasCV's preset {preset}", error)) from error
    return Backbone(network, _LARGE, {"scale": 1.0, "offset": 0.0})  # its backbones scale pictures themselves


def _not_downloaded(what, error):
    return (
        f"{what} could not be opened ({_first_line(error)}). It is downloaded when it is first used, which needs a "
        "network."
    )


_PACKAGES = {"hub": _open_hub, "cv": _open_cv}


def _first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _plain(value, default):
    """Returns a number or a list of them, as JSON takes them."""
    if value is None:
        return default
    return [float(number) for number in value] if hasattr(value, "__len__") else float(value)


def features(network):
    """Returns a network's features: what the last layer of a classifier of ours sees, or the output of another network.

    Returns:
        A symbolic tensor, `(batch, features)` or `(batch, height, width, features)`.
    """
    return network.features if isinstance(network, ConfiguredModel) else network.output


def describe(backbone, image_shape):
    """Returns what a model's `info` needs to be rebuilt without the backbone's weights: plain JSON values.

    Args:
        backbone: A `Backbone`.
        image_shape: The pictures that it is to take, `[height, width, channels]`.
    """
    network = keras.saving.serialize_keras_object(backbone.network)
    for name in ("input_shape", "image_shape"):  # ours, and KerasHub's
        if name in network["config"]:
            network["config"][name] = list(image_shape)
    return {"network": json.loads(json.dumps(network)), "scaling": backbone.scaling}


def rebuild(description):
    """Builds the network of a description, random weights, as a model from scaled pictures to features."""
    network = keras.saving.deserialize_keras_object(description["network"])
    return keras.Model(network.inputs[0], features(network), name=BACKBONE)
