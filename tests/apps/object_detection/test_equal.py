"""The same boxes everywhere: Keras, the SavedModel without Keras, gRPC, REST and the page, by the presets that ship."""

import os
import pickle
import subprocess
import sys
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

_SAVED_MODEL = """
import pickle, sys
sys.modules["keras"] = None
import tensorflow as tf
path, request, answers = sys.argv[1:]
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    signature = tf.compat.v1.saved_model.load(session, ["serve"], path).signature_def["thresholds"]
    outputs = {name: info.name for name, info in signature.outputs.items()}
    inputs = {signature.inputs[name].name: value for name, value in pickle.load(open(request, "rb")).items()}
    pickle.dump(session.run(outputs, inputs), open(answers, "wb"))
"""


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


def test_saved_model_in_a_process_without_keras(asked, up, tmp_path):
    preset, inputs, expected = asked
    version = max(Path(up.models, served_name(APP, preset)).glob("[0-9]*"), key=lambda path: int(path.name))
    arrays = {"image_bytes": np.array(inputs["image_bytes"], object)}
    arrays |= {name: np.array(inputs[name], "float32") for name in THRESHOLDS}
    (tmp_path / "request").write_bytes(pickle.dumps(arrays))
    command = [sys.executable, "-c", _SAVED_MODEL, version, tmp_path / "request", tmp_path / "answers"]
    program = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    assert program.returncode == 0, program.stderr[-2000:]
    _assert_same(pickle.loads((tmp_path / "answers").read_bytes()), expected)


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
