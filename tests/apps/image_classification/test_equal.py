"""The same answer everywhere: Keras, the SavedModel without Keras, gRPC, REST and the page, on real test pictures."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client as Page
from gradio_client import handle_file

from apps import registry
from apps.presets import model_folder, preset_names, served_name
from apps.trained import open_trained
from dlkeras.data.encode import encode_png
from serving.client import Client

APP = "image_classification"
PICTURES = 100

_SAVED_MODEL = """
import pickle, sys
sys.modules["keras"] = None
import tensorflow as tf
path, pictures, answers = sys.argv[1:]
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    signature = tf.compat.v1.saved_model.load(session, ["serve"], path).signature_def["serving_default"]
    outputs = {name: info.name for name, info in signature.outputs.items()}
    inputs = {signature.inputs["image_bytes"].name: pickle.load(open(pictures, "rb"))}
    pickle.dump(session.run(outputs, inputs), open(answers, "wb"))
"""


@pytest.fixture(scope="module", params=preset_names(APP))
def asked(request):
    """A preset, 100 pictures of its test split as PNG bytes, and Keras's answers."""
    if "DLKERAS_DATA" not in os.environ:
        pytest.skip("needs the presets' data sets: set DLKERAS_DATA to the folder that has them")
    app = registry.create(APP)
    trained = open_trained(app, model_folder(APP, request.param))
    test = app.load(trained.config, trained.info).test
    rows = np.random.default_rng(0).choice(len(test.y), PICTURES, replace=False)
    pictures = [encode_png(test.x[row]) for row in rows]
    tensor = app.endpoints(trained.model, trained.info)[1]({"image": test.x[rows].astype("float32")})
    return request.param, pictures, tensor["probabilities"]


def test_grpc_and_rest(asked, up):
    preset, pictures, expected = asked
    for address in (up.grpc, up.rest):
        with Client(address) as client:
            answer = client.predict(served_name(APP, preset), {"image_bytes": pictures})
        np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)


def test_saved_model_in_a_process_without_keras(asked, up, tmp_path):
    preset, pictures, expected = asked
    version = max(Path(up.models, served_name(APP, preset)).glob("[0-9]*"), key=lambda path: int(path.name))
    (tmp_path / "pictures").write_bytes(pickle.dumps(np.array(pictures, object)))
    command = [sys.executable, "-c", _SAVED_MODEL, version, tmp_path / "pictures", tmp_path / "answers"]
    program = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    assert program.returncode == 0, program.stderr[-2000:]
    answer = pickle.loads((tmp_path / "answers").read_bytes())
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)


def test_page(asked, up, tmp_path):
    preset, pictures, expected = asked
    page = Page(up.page, verbose=False)
    for number, (picture, probabilities) in enumerate(zip(pictures, expected, strict=True)):
        file = tmp_path / f"{number}.png"
        file.write_bytes(picture)
        label, *_ = page.predict(handle_file(str(file)), preset, api_name="/classify")
        shown = [entry["confidence"] for entry in label["confidences"]]
        np.testing.assert_allclose(shown, np.sort(probabilities)[::-1][: len(shown)], atol=1e-5)
    page.close()
