"""The app beyond its contract: what its answer means, what its figures are worth, and what it refuses."""

import dataclasses
import io

import keras
import numpy as np
import pytest
from PIL import Image

from apps.backbones import Backbone
from apps.segmentation import app as module
from apps.segmentation.app import Config, Segmentation
from apps.segmentation.report import measure, predicted_classes, write_report
from dlkeras.data.encode import encode_png
from dlkeras.data.location import DataError
from dlkeras.data.splits import Examples
from dlkeras.export import RequestError
from dlkeras.models.vision.mobilenet import MobileNetV1
from dlkeras.models.vision.resnet import ResNet

SMALL = Config(scenes=8, height=32, width=32, epochs=1, batch_size=8)
INFO = {"class_names": ["background", "cat", "dog"], "image_shape": [32, 48, 3], "ignore_class": 255}


@pytest.fixture(scope="module")
def app():
    return Segmentation()


def _endpoints(app):
    """The endpoints of a model that sees cats on the left and, below the middle, dogs on the right."""

    def answer(image, training):
        left = np.arange(48)[None, :] < 24
        below = np.arange(32)[:, None] >= 16
        classes = np.where(left, 1, np.where(below, 2, 0))
        logits = keras.ops.one_hot(classes, 3) * 5.0
        return keras.ops.broadcast_to(logits, (keras.ops.shape(image)[0], 32, 48, 3))

    return {endpoint.name: endpoint for endpoint in app.endpoints(answer, INFO)}


def _picture(width, height):
    return encode_png(np.full((height, width, 3), 100, "uint8"))


def test_masks_have_the_size_of_the_picture_as_it_came(app):
    endpoints = _endpoints(app)
    request = {"image_bytes": [_picture(200, 60), _picture(30, 90)]}
    answer = endpoints["serving_default"](request)
    assert answer["mask"].shape == (2, 90, 200) and answer["mask"].dtype == "uint8"
    for row, (width, height) in enumerate([(200, 60), (30, 90)]):
        expected = np.zeros((height, width))
        expected[height // 2 :, width // 2 :] = 2
        expected[:, : width // 2] = 1
        np.testing.assert_array_equal(answer["mask"][row, :height, :width], expected)
        with Image.open(io.BytesIO(answer["overlay_png_bytes"][row])) as overlay:
            assert overlay.size == (width, height)
            assert overlay.getpixel((width - 1, 0)) == (100, 100, 100), "background has no colour"
            assert overlay.getpixel((0, 0)) != (100, 100, 100)
    assert set(answer["mask"][0, 60:].ravel()) == set(answer["mask"][1, :, 30:].ravel()) == {255}
    assert answer["classes"].tolist() == [[b"background", b"cat", b"dog"]] * 2
    np.testing.assert_allclose(answer["shares"], [[0.25, 0.5, 0.25]] * 2)
    files = endpoints["masks"](request)
    with Image.open(io.BytesIO(files["mask_png_bytes"][1])) as mask:
        np.testing.assert_array_equal(np.asarray(mask), answer["mask"][1, :90, :30])
    tensors = endpoints["tensors"]({"image": np.zeros((1, 32, 48, 3), "float32")})
    assert tensors["mask"].shape == (1, 32, 48)


@pytest.mark.parametrize("data", [b"", b"these are words", _picture(9, 9)[:40]])
def test_what_is_no_picture_is_refused(app, data):
    with pytest.raises(RequestError):
        _endpoints(app)["serving_default"]({"image_bytes": [_picture(9, 9), data]})


def test_figures_of_a_perfect_model_and_of_one_that_says_background(tmp_path):
    masks = np.zeros((2, 32, 48), "uint8")
    masks[:, :16, :12] = 1
    masks[0, 31] = 255
    masks[1, 20:, 40:] = 2
    perfect = measure(np.where(masks == 255, 0, masks), masks, INFO)
    assert perfect["mean_iou"] == perfect["pixel_accuracy"] == perfect["boundary_f1"] == 1
    constant = measure(np.zeros_like(masks), masks, INFO)
    assert constant["mean_iou"] == pytest.approx(constant["constant_iou"])
    assert constant["pixel_accuracy"] == pytest.approx(constant["constant_accuracy"])
    write_report(tmp_path, np.zeros_like(masks), Examples(np.zeros((2, 32, 48, 3), "uint8"), masks), INFO)
    header, background, cat, _ = (tmp_path / "classes.csv").read_text().splitlines()
    assert header == "class,iou,boundary_f1,share"
    assert background.startswith('"background",0.8') and cat.startswith('"cat",0.0000,0.0000,0.12')
    with Image.open(tmp_path / "pictures.png") as picture:
        assert picture.format == "PNG"


def test_predicts_as_many_pictures_as_there_are(app):
    splits = app.load(SMALL)
    model = app.build(SMALL, splits.info)
    assert predicted_classes(model, splits.test.x, batch_size=3).shape == splits.test.y.shape


def _given(monkeypatch, network):
    backbone = Backbone(network, [32, 32, 3], {"scale": 1 / 127.5, "offset": -1.0})
    monkeypatch.setattr(module, "open_backbone", lambda name, weights: backbone)


def test_an_encoder_takes_pretrained_weights_and_trains_on(monkeypatch, app, tmp_path):
    network = MobileNetV1(num_classes=1, input_shape=(64, 64, 3), width=0.25, stem="large")
    _given(monkeypatch, network)
    config = dataclasses.replace(SMALL, backbone="given", average=0.9, photometric=0.5, crop=1.0, rotation=10.0)
    splits = app.load(config)
    model = app.build(config, splits.info)
    app.prepare(model, config)
    first = network.get_layer("conv1").get_weights()[0]
    inside = model.get_layer("network").get_layer("backbone").get_layer("conv1")
    np.testing.assert_array_equal(inside.get_weights()[0], first)
    state = app.fit(model, splits, config, tmp_path)
    assert np.isfinite(state["history"][0]["loss"]) and 0 <= state["history"][0]["val_mean_iou"] <= 1
    assert not np.array_equal(inside.get_weights()[0], first)


def test_an_fcn_is_put_on_any_pretrained_network(monkeypatch, app):
    network = ResNet(num_classes=2, input_shape=(32, 32, 3), stage_blocks=(1, 1, 1, 1), stage_filters=(8, 8, 8, 8))
    _given(monkeypatch, network)
    config = dataclasses.replace(SMALL, model="fcn", backbone="given", height=64, width=64)
    splits = app.load(config)
    model = app.build(config, splits.info)
    app.prepare(model, config)
    inside = model.get_layer("network").get_layer("backbone")
    name = next(layer.name for layer in inside.layers if layer.weights)
    np.testing.assert_array_equal(inside.get_layer(name).get_weights()[0], network.get_layer(name).get_weights()[0])
    assert model.output_shape == (None, 64, 64, len(splits.info["class_names"]))


def test_an_encoder_of_another_width_is_refused(monkeypatch, app):
    _given(monkeypatch, MobileNetV1(num_classes=1, input_shape=(64, 64, 3), width=0.125, stem="large"))
    config = dataclasses.replace(SMALL, backbone="given")
    with pytest.raises(ValueError, match=r"MobileNetV1 of width 0.25, such as mobilenet_v1_025. Received: given"):
        app.prepare(app.build(config, INFO | {"image_shape": [32, 32, 3]}), config)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "deeplab"}, "`model` must be one of fcn, fcn16s_mini"),
        ({"model": "fcn"}, "`backbone` must name a pretrained network for `fcn`"),
        ({"model": "unet_mini", "backbone": "cifar10"}, "Received: backbone=cifar10, model=unet_mini"),
        ({"width": 64}, "Scenes are square. Received: height=128, width=64"),
        ({"crop": 2.0}, r"`crop` must be in \[0, 1\]. Received: crop=2.0"),
    ],
)
def test_refuses(settings, message):
    with pytest.raises(ValueError, match=message):
        Config(**settings)


def test_data_of_other_classes_is_refused(app):
    splits = app.load(SMALL)
    with pytest.raises(DataError, match=r"was trained on class_names \['cat'\]. Received: \['background'"):
        app.load(SMALL, {**splits.info, "class_names": ["cat"]})


def test_the_config_follows_from_what_is_given(app):
    assert app.config_name({}) == "default"
    assert app.config_name({"data": "folder"}) == "masks"
