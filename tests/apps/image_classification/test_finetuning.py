"""Fine-tuning, on made pictures: red and blue ones, a few of each."""

import dataclasses
import json
import shutil
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from apps import registry
from apps.backbones import backbone_of, describe, features, open_backbone, rebuild
from apps.commands.training import find_rate, train
from apps.image_classification.progress import Progress, progress
from apps.trained import open_trained
from dlkeras import models
from dlkeras.data import DataError

APP = "image_classification"
SHORT = {"finetune": "resnet8", "head_epochs": "12", "head_learning_rate": "0.03", "epochs": "2", "batch_size": "8"}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for name, channel in (("blue", 2), ("red", 0)):
        (folder / name).mkdir()
        for number in range(10):
            pixels = random.integers(0, 80, (32, 32, 3)).astype("uint8")
            pixels[..., channel] += 150
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def settings(pictures, tmp_path_factory):
    """Settings of a short run, on a network small enough for a test, whose weights are random."""
    keras.utils.set_random_seed(1)
    weights = tmp_path_factory.mktemp("weights") / "resnet8.h5"
    _save_as_published(models.create("resnet8"), weights)
    return {**SHORT, "data": str(pictures), "weights": str(weights)}


@pytest.fixture(scope="module")
def backbone(settings):
    return open_backbone("resnet8", settings["weights"])


@pytest.fixture(scope="module")
def run(settings, tmp_path_factory):
    return train(APP, config="finetune", settings=settings, run=tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def trained(run):
    return open_trained(registry.create(APP), run)


def test_learns_from_a_few_pictures(run, trained):
    history = progress(run).history
    assert history[-1]["loss"] < history[0]["loss"]
    pictures = np.zeros((2, 32, 32, 3), "float32")
    pictures[0, ..., 2] = pictures[1, ..., 0] = 190
    logits = keras.ops.convert_to_numpy(trained.model(pictures, training=False))
    assert [trained.info["class_names"][row.argmax()] for row in logits] == ["blue", "red"]


def test_moves_only_the_head_and_the_last_layers(trained, backbone):
    network = backbone_of(trained.model)
    before = backbone.network
    weighted = [layer for layer in network.layers if layer.weights]
    moved = [
        any(
            not np.array_equal(old, new)
            for old, new in zip(before.get_layer(layer.name).get_weights(), layer.get_weights(), strict=True)
        )
        for layer in weighted
    ]
    share = round(trained.config.unfreeze * len(weighted))
    assert not any(moved[:-share])
    assert any(moved[-share:])


def test_batch_normalization_keeps_its_statistics(trained, backbone):
    before = backbone.network
    for layer in backbone_of(trained.model).layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            np.testing.assert_array_equal(layer.moving_mean, before.get_layer(layer.name).moving_mean)


def test_progress_counts_both_phases(run, tmp_path):
    found = progress(run)
    assert (found.done, found.total) == (14, 14)
    assert [row["epoch"] for row in found.history] == list(range(1, 15))
    assert [row["phase"] for row in found.history] == ["head"] * 12 + ["last layers"] * 2
    assert progress(tmp_path / "not there") == Progress(0, 0, [])


def test_a_run_that_was_broken_off_goes_on(settings, run, trained, tmp_path):
    # What is there of a run whose first phase is over, and whose second has not ended an epoch.
    shutil.copytree(run / "head", tmp_path / "run" / "head")
    shutil.copyfile(run / "config.json", tmp_path / "run" / "config.json")
    train(APP, config="finetune", settings=settings, run=tmp_path / "run")
    again = open_trained(registry.create(APP), tmp_path / "run")
    for old, new in zip(trained.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_preset_and_a_run_are_backbones_too(run):
    assert features(open_backbone("fashion_mnist_lenet").network).shape == (None, 84)
    backbone = open_backbone(str(run))
    assert backbone.image_shape == [32, 32, 3]
    assert features(backbone.network).shape == (None, 64)


def test_finds_a_learning_rate(settings, tmp_path):
    found = find_rate(APP, config="finetune", settings=settings, run=tmp_path / "run")
    assert 1e-6 < found.suggestion < 10
    assert (tmp_path / "run" / "learning_rate.png").read_bytes().startswith(b"\x89PNG")


def _save_as_published(model, path):
    """Writes the layout of `keras.applications`' files."""
    import h5py

    with h5py.File(path, "w") as file:
        weighted = [layer for layer in model.layers if layer.weights]
        file.attrs["layer_names"] = [layer.name.encode() for layer in weighted]
        for layer in weighted:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, value in zip(names, layer.get_weights(), strict=True):
                group[name] = value


def test_weights_files_go_in_by_name(tmp_path):
    reference = keras.applications.MobileNet(input_shape=(224, 224, 3), alpha=0.25, weights=None, include_top=False)
    _save_as_published(reference, tmp_path / "weights.h5")
    backbone = open_backbone("mobilenet_v1_025", str(tmp_path / "weights.h5"))
    network = rebuild(describe(backbone, [64, 64, 3]))
    assert network.input_shape == (None, 64, 64, 3)
    for layer in reference.layers:
        for old, new in zip(layer.get_weights(), _weights(backbone.network, layer.name), strict=True):
            np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("name", "preprocess"),
    [
        ("vgg11_mini", keras.applications.vgg16.preprocess_input),
        ("densenet_mini", keras.applications.densenet.preprocess_input),
        ("mobilenet_v1_mini", keras.applications.mobilenet.preprocess_input),
    ],
)
def test_published_weights_see_pictures_as_they_were_trained(name, preprocess, tmp_path):
    reference = models.create(name, num_classes=1)
    _save_as_published(reference, tmp_path / "weights.h5")
    backbone = open_backbone(name, str(tmp_path / "weights.h5"))
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    expected = keras.Model(reference.inputs[0], reference.features)(preprocess(pictures.copy()), training=False)
    network = keras.Model(backbone.network.inputs[0], features(backbone.network))
    found = network(keras.layers.Rescaling(**backbone.scaling)(pictures), training=False)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * float(np.abs(expected).max()))


def _weights(network, name):
    names = {layer.name for layer in network.layers}
    return network.get_layer(name).get_weights() if name in names else []


def test_a_file_for_another_model_is_refused(tmp_path):
    _save_as_published(models.create("lenet"), tmp_path / "lenet.h5")
    with pytest.raises(
        ValueError, match=r"lacks 53 of the 54 layers of mobilenet_v1_025: conv1_bn.*It has conv1, conv2"
    ):
        open_backbone("mobilenet_v1_025", str(tmp_path / "lenet.h5"))
    (tmp_path / "words.h5").write_text("words")
    with pytest.raises(ValueError, match=r"must be a Keras HDF5 weights file"):
        open_backbone("mobilenet_v1_025", str(tmp_path / "words.h5"))
    with pytest.raises(DataError, match=r"must be a file. Received: .*nowhere.h5"):
        open_backbone("mobilenet_v1_025", str(tmp_path / "nowhere.h5"))


def test_what_there_is_is_named():
    with pytest.raises(ValueError, match=r"network must be one of cifar10, .*hub:PRESET.*Received: resnet"):
        open_backbone("resnet")
    with pytest.raises(ValueError, match=r"vgg16 needs a weights file: --weights FILE"):
        open_backbone("vgg16")


def test_a_download_that_fails_tells_of_the_other_ways(monkeypatch):
    def offline(url, path, sha256):
        raise DataError("no network.")

    monkeypatch.setattr("apps.backbones.find", lambda *names: None)
    monkeypatch.setattr("apps.backbones.fetch", offline)
    with pytest.raises(DataError, match=r"no network\. Or name it by --weights FILE\."):
        open_backbone("mobilenet_v1_025")


def test_a_preset_of_keras_hub_serves(tmp_path):
    keras_hub = pytest.importorskip("keras_hub")
    network = keras_hub.models.ResNetBackbone([64], [3], [64, 64], [1, 1], [1, 2], "basic_block")
    network.save_to_preset(str(tmp_path / "preset"))
    converter = keras_hub.layers.ResNetImageConverter(image_size=(48, 40), scale=[0.1, 0.2, 0.3], offset=-1.0)
    converter.save_to_preset(str(tmp_path / "preset"))

    backbone = open_backbone(f"hub:{tmp_path / 'preset'}")
    assert backbone.image_shape == [48, 40, 3]
    assert backbone.scaling == {"scale": [0.1, 0.2, 0.3], "offset": -1.0}
    description = json.loads(json.dumps(describe(backbone, backbone.image_shape)))
    app = registry.create(APP)
    config = dataclasses.replace(app.configs["finetune"], finetune="hub:any")
    model = app.build(config, {"class_names": ["a", "b"], "image_shape": [48, 40, 3], "backbone": description})
    assert model(np.zeros((2, 48, 40, 3), "float32")).shape == (2, 2)


def test_without_a_network_a_hub_preset_is_a_sentence(monkeypatch):
    keras_hub = pytest.importorskip("keras_hub")

    def offline(*args, **kwargs):
        raise ConnectionError("no address")

    monkeypatch.setattr(keras_hub.models.Backbone, "from_preset", offline)
    with pytest.raises(DataError, match=r"could not be opened \(no address\).*needs a network"):
        open_backbone("hub:mobilenet_v3_small_100_imagenet")


def test_without_keras_cv_its_presets_are_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_cv", None)
    with pytest.raises(DataError, match=r"cv:PRESET needs the package keras-cv"):
        open_backbone("cv:resnet50_v2_imagenet")


def test_colours_must_fit():
    app = registry.create(APP)
    config = dataclasses.replace(app.configs["finetune"], finetune="cifar10", data="digits")
    with pytest.raises(DataError, match=r"cifar10 takes pictures of 3 channels. Received: digits"):
        app.load(config)
