"""The same boxes everywhere: Keras, the SavedModel without Keras, gRPC, REST and the page, by the presets that ship."""

import os
from pathlib import Path

import numpy as np
import pytest

from apps import registry
from apps.object_detection.asking import above, ask
from apps.object_detection.examples import draw
from apps.predict import ServerPredict
from apps.presets import model_folder, preset_names, served_name
from apps.trained import open_trained
from dlkeras.data.encode import encode_png
from serving.client import Client

APP = "object_detection"
THRESHOLDS = {"score_threshold": 0.2, "iou_threshold": 0.5}


def _pictures(preset):
    """PNG bytes of pictures in which the preset finds something."""
    if preset == "scenes":
        return [encode_png(np.asarray(draw(seed)[0])) for seed in range(20, 28)]
    if "DLKERAS_DATA" not in os.environ:
        pytest.skip(f"needs the data of {preset}: set DLKERAS_DATA to the folder that has it")
    folder = Path(os.environ["DLKERAS_DATA"], preset, "images")
    return [path.read_bytes() for path in sorted(folder.iterdir())[:8]]


@pytest.fixture(scope="module", params=preset_names(APP))
def asked(request):
    """A preset, a request for it, and Keras's answer."""
    pictures = _pictures(request.param)
    app = registry.create(APP)
    trained = open_trained(app, model_folder(APP, request.param))
    endpoints = {endpoint.name: endpoint for endpoint in app.endpoints(trained.model, trained.info)}
    inputs = {"image_bytes": pictures, **{name: [value] * len(pictures) for name, value in THRESHOLDS.items()}}
    answer = endpoints["thresholds"](inputs)
    assert answer["count"].sum() >= len(pictures), "there is nothing to compare"
    return request.param, inputs, answer


def _assert_same(answer, expected):
    np.testing.assert_array_equal(answer["count"], expected["count"])
    np.testing.assert_array_equal(answer["labels"], expected["labels"])
    np.testing.assert_allclose(answer["scores"], expected["scores"], atol=1e-4)
    np.testing.assert_allclose(answer["boxes"], expected["boxes"], atol=0.05)  # pixels of pictures of up to 1000


def test_grpc_and_rest(asked, up):
    preset, inputs, expected = asked
    for address in (up.grpc, up.rest):
        with Client(address) as client:
            _assert_same(client.predict(served_name(APP, preset), inputs, signature_name="thresholds"), expected)


def test_saved_model_in_a_process_without_keras(asked, up, answers_without_keras):
    preset, inputs, expected = asked
    version = max(Path(up.models, served_name(APP, preset)).glob("[0-9]*"), key=lambda path: int(path.name))
    request = {"image_bytes": np.array(inputs["image_bytes"], object)}
    request |= {name: np.array(inputs[name], "float32") for name in THRESHOLDS}
    _assert_same(answers_without_keras(version, {"thresholds": request})["thresholds"], expected)


def test_page(asked, up):
    """What the page lists, asked by it and filtered by its own slider."""
    preset, inputs, expected = asked
    predict = ServerPredict(APP, up.grpc, up.rest)
    for row, picture in enumerate(inputs["image_bytes"]):
        listed = above(ask(predict, preset, picture, THRESHOLDS["iou_threshold"]), THRESHOLDS["score_threshold"])
        count = expected["count"][row]
        assert [thing.name for thing in listed] == [label.decode() for label in expected["labels"][row, :count]]
        np.testing.assert_allclose([thing.score for thing in listed], expected["scores"][row, :count], atol=1e-4)
        boxes = np.array([thing.box for thing in listed]).reshape(-1, 4)
        np.testing.assert_allclose(boxes, expected["boxes"][row, :count], atol=0.05)
