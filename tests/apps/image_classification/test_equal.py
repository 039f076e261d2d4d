"""The same answer everywhere: Keras, the SavedModel without Keras, gRPC, REST and the page, on real test pictures."""

import os
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


def test_saved_model_in_a_process_without_keras(asked, up, answers_without_keras):
    preset, pictures, expected = asked
    version = max(Path(up.models, served_name(APP, preset)).glob("[0-9]*"), key=lambda path: int(path.name))
    request = {"image_bytes": np.array(pictures, object)}
    answer = answers_without_keras(version, {"serving_default": request})["serving_default"]
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
