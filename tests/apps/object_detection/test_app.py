"""The app beyond its contract: what its answer means, what its settings change, and what data it refuses."""

import dataclasses
import io

import keras
import numpy as np
import pytest
from PIL import Image

from apps.backbones import Backbone
from apps.object_detection import app as module
from apps.object_detection.app import Config, ObjectDetection
from apps.object_detection.detections import Detect
from apps.object_detection.report import measure, write_report
from apps.object_detection.validation import ValidatePrecision
from dlkeras.data.location import DataError
from dlkeras.data.splits import Examples
from dlkeras.export import RequestError
from dlkeras.models.vision.vgg import VGG
from dlkeras.ops.boxes import encode

SMALL = Config(scenes=16, image_size=64, epochs=1, batch_size=8)
INFO = {"class_names": ["cat", "dog"], "image_shape": [64, 64, 3]}


@pytest.fixture(scope="module")
def app():
    return ObjectDetection()


@pytest.fixture(scope="module")
def splits():
    return ObjectDetection().load(SMALL)


@pytest.fixture(scope="module")
def model(app):
    return app.build(SMALL, INFO)


def _predictions(anchors, boxes):
    """What a perfect model gives: for each (class, relative box) its nearest anchor says so, the others background."""
    predictions = np.zeros((1, len(anchors), 7), "float32")
    predictions[..., 4] = 10
    for label, box in boxes:
        nearest = np.abs(anchors - box).sum(-1).argmin()
        predictions[0, nearest, :4] = encode(np.array([box], "float32"), anchors[nearest : nearest + 1])[0]
        predictions[0, nearest, 4:] = 0
        predictions[0, nearest, 5 + label] = 10
    return predictions


def _as_if_trained(monkeypatch, app, model, predictions):
    """Has a model's endpoints answer with given predictions, whatever the picture."""

    def answer(image, training):
        return keras.ops.broadcast_to(predictions, (keras.ops.shape(image)[0], *predictions.shape[1:]))

    answer.get_layer = model.get_layer
    return {endpoint.name: endpoint for endpoint in app.endpoints(answer, INFO)}


def _png(width, height):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def test_boxes_are_in_pixels_of_the_picture_as_it_came(monkeypatch, app, model):
    anchors = model.get_layer("detector").anchors
    predictions = _predictions(anchors, [(1, [0.1, 0.2, 0.5, 0.6]), (0, [0.6, 0.5, 0.9, 1.0])])
    endpoints = _as_if_trained(monkeypatch, app, model, predictions)
    answer = endpoints["serving_default"]({"image_bytes": [_png(200, 50), _png(30, 90)]})
    assert answer["count"].tolist() == [2, 2]
    assert answer["boxes"].shape == (2, 100, 4)
    for row, (width, height) in enumerate([(200, 50), (30, 90)]):
        found = dict(zip(answer["labels"][row], answer["boxes"][row], strict=False))
        scale = np.array([width, height, width, height])
        np.testing.assert_allclose(found[b"dog"], scale * [0.1, 0.2, 0.5, 0.6], atol=1e-3)
        np.testing.assert_allclose(found[b"cat"], scale * [0.6, 0.5, 0.9, 1.0], atol=1e-3)
    assert set(answer["labels"][0, 2:]) == {b""} and not answer["boxes"][0, 2:].any()
    relative = endpoints["tensors"]({"image": np.zeros((1, 64, 64, 3), "float32")})
    np.testing.assert_allclose(answer["boxes"][0] / [200, 50, 200, 50], relative["boxes"][0], atol=1e-5)


def test_thresholds_are_the_requests_own(monkeypatch, app, model):
    anchors = model.get_layer("detector").anchors
    near = [(0, [0.1, 0.1, 0.5, 0.5]), (0, [0.14, 0.1, 0.54, 0.5])]  # IoU 0.82
    predictions = _predictions(anchors, near)
    predictions[0, :, 5] = np.where(predictions[0, :, 5] > 0, [1.0] * len(anchors), predictions[0, :, 5])
    endpoints = _as_if_trained(monkeypatch, app, model, predictions)
    score = float(keras.ops.softmax(np.array([0, 1.0, 0], "float32"))[1])
    answer = endpoints["thresholds"](
        {
            "image_bytes": [_png(9, 9)] * 3,
            "score_threshold": [score - 0.01, score + 0.01, score - 0.01],
            "iou_threshold": [0.5, 0.5, 0.95],
        }
    )
    assert answer["count"].tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("thresholds", "sentence"),
    [
        ({"score_threshold": [0.5, 1.5]}, "score_threshold must be in [0, 1]. Received: 1.5"),
        ({"iou_threshold": [float("nan"), -1.0]}, "iou_threshold must be in [0, 1]. Received: nan, -1"),
        ({"score_threshold": [0.5]}, "score_threshold must have one number a row. Received: 1 for 2"),
    ],
)
def test_wrong_thresholds_are_refused(app, model, thresholds, sentence):
    endpoint = {endpoint.name: endpoint for endpoint in app.endpoints(model, INFO)}["thresholds"]
    inputs = {"image_bytes": [_png(9, 9)] * 2, "score_threshold": [0.5] * 2, "iou_threshold": [0.5] * 2}
    with pytest.raises(RequestError) as error:
        endpoint({**inputs, **thresholds})
    assert str(error.value) == sentence


def test_measures_a_perfect_and_an_empty_model(tmp_path, model):
    anchors = model.get_layer("detector").anchors
    boxes = [(1, [0.1, 0.2, 0.5, 0.6]), (0, [0.6, 0.5, 0.9, 1.0])]
    targets = np.array([[[label, *box] for label, box in boxes]], "float32")
    predictions = _predictions(anchors, boxes)
    detect = Detect(anchors)
    detections = detect.in_batches(predictions)
    figures = measure(predictions, detections, targets, INFO, anchors)
    assert figures["ap"] == figures["ap50"] == pytest.approx(1)
    nothing = np.zeros_like(predictions)
    nothing[..., 4] = 10
    empty = measure(nothing, detect.in_batches(nothing), targets, INFO, anchors)
    assert empty["ap50"] == 0
    # The textbook's two: each of the matched anchors is wrong now.
    assert empty["class_error"] > figures["class_error"] and empty["box_mae"] > 0
    assert not any(np.isnan(value) for value in (*figures.values(), *empty.values()))

    examples = Examples(np.zeros((1, 64, 64, 3), "uint8"), targets)
    write_report(tmp_path, detections, examples, INFO)
    assert (tmp_path / "classes.csv").read_text() == 'class,ap50,boxes\n"cat",1.0000,1\n"dog",1.0000,1\n'
    with Image.open(tmp_path / "pictures.png") as picture:
        assert picture.format == "PNG"


def test_precision_is_measured_when_it_is_due(app, splits):
    model = app.build(SMALL, splits.info)
    asked = []
    validate = ValidatePrecision(app.detect(model), splits.validation, splits.info, every=3)
    validate.set_model(model)
    validate.set_params({"epochs": 8})
    predict = model.predict
    model.predict = lambda *args, **kwargs: asked.append(epoch) or predict(*args, **kwargs)
    for epoch in range(8):
        logs = {}
        validate.on_epoch_begin(epoch)
        validate.on_test_end()
        validate.on_epoch_end(epoch, logs)
        assert 0 <= logs["val_ap50"] <= 1
    assert [epoch + 1 for epoch in asked] == [1, 3, 6, 8]


def test_trains_on_a_pretrained_network(monkeypatch, app, splits, tmp_path):
    # The fewest layers that come down to a 32nd of the picture: most of the time goes into its training graph.
    network = VGG(
        num_classes=1, input_shape=(96, 96, 3), width=1 / 16, dense_units=8, batch_normalization=True, dropout=0.0
    )
    backbone = Backbone(network, [96, 96, 3], {"scale": 1 / 127.5, "offset": -1.0})
    monkeypatch.setattr(module, "open_backbone", lambda name, weights: backbone)
    config = dataclasses.replace(
        SMALL, model="ssd", backbone="given", head="ssdlite", pyramid=8, average=0.9, mosaic=0.5, photometric=0.5
    )
    splits = app.load(config)
    model = app.build(config, splits.info)
    app.prepare(model, config)
    first = network.get_layer("block1_conv1").get_weights()[0]
    inside = model.get_layer("detector").get_layer("backbone").get_layer("block1_conv1")
    np.testing.assert_array_equal(inside.get_weights()[0], first)
    state = app.fit(model, splits, config, tmp_path)
    assert np.isfinite(state["history"][0]["loss"]) and "val_ap50" in state["history"][0]
    assert not np.array_equal(inside.get_weights()[0], first)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "yolo"}, "`model` must be one of tiny_ssd, ssd. Received: model='yolo'"),
        ({"model": "ssd"}, "`backbone` must name a pretrained network for `ssd`"),
        ({"format": "csv"}, "`format` must be one of voc, coco, yolo. Received: format='csv'"),
        ({"mosaic": 2.0}, r"`mosaic` must be in \[0, 1\]. Received: mosaic=2.0"),
        ({"epochs": 0}, "`epochs` or `steps` must be above 0. Received: epochs=0, steps=0"),
    ],
)
def test_refuses(settings, message):
    with pytest.raises(ValueError, match=message):
        Config(**settings)


def test_steps_make_epochs_and_boxes_make_anchors(splits):
    assert module._with_epochs(dataclasses.replace(SMALL, epochs=0, steps=5), splits).epochs == 3  # of 2 batches each
    targets = np.array([[[0, 0.1, 0.1, 0.3, 0.15], [-1, 0, 0, 0, 0]]] * 3, "float32")
    assert module._smallest(targets) == pytest.approx(0.1)


def test_data_of_other_classes_is_refused(app, splits):
    with pytest.raises(DataError, match=r"was trained on class_names \['cat'\]. Received: \['banana'\]"):
        app.load(SMALL, {**splits.info, "class_names": ["cat"]})
    several = app.load(dataclasses.replace(SMALL, objects=3))
    assert len(several.info["class_names"]) > 5 and several.train.y.shape == (16, 3, 5)


def test_the_config_follows_from_what_is_given(app):
    assert app.config_name({}) == "default"
    assert app.config_name({"data": "folder"}) == app.config_name({"format": "coco"}) == "boxes"
