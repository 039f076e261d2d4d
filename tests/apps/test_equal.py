"""The same answers everywhere: Keras, the SavedModel without Keras, gRPC and REST, by presets of several apps.

Apps with a `test_equal.py` of their own are compared there, on more inputs and as the page shows them.
"""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apps import registry
from apps.presets import model_folder, preset_names, served_name
from apps.trained import open_trained
from serving.client import Client

APPS = ("style_transfer", "bert", "nli", "translation", "text_generation", "recommendation", "agents")
PRESETS = [(app, preset) for app in APPS for preset in preset_names(app)]


@pytest.fixture(scope="module", params=PRESETS, ids="-".join)
def asked(request):
    """An app, a preset, the example of each endpoint, and Keras's answers to them."""
    name, preset = request.param
    app = registry.create(name)
    trained = open_trained(app, model_folder(name, preset))
    endpoints = app.endpoints(trained.model, trained.info)
    requests = {
        endpoint.name: {key: tensor.numpy() for key, tensor in endpoint.arrays().items()} for endpoint in endpoints
    }
    return name, preset, requests, {endpoint.name: endpoint(endpoint.example) for endpoint in endpoints}


def _pixels(values):
    return np.array([Image.open(io.BytesIO(value)) for value in values.ravel()], "int16")


def _assert_same(answer, expected):
    assert answer.keys() == expected.keys()
    for name, value in expected.items():
        if name.endswith("png_bytes"):
            assert np.abs(_pixels(answer[name]) - _pixels(value)).max() <= 1
        elif value.dtype.kind == "f":
            np.testing.assert_allclose(answer[name], value, rtol=1e-3, atol=1e-3)
        else:
            np.testing.assert_array_equal(answer[name], value)


def test_grpc_and_rest(asked, up):
    app, preset, requests, expected = asked
    for address in (up.grpc, up.rest):
        with Client(address) as client:
            for name, answer in expected.items():
                _assert_same(client.predict(served_name(app, preset), requests[name], signature_name=name), answer)


def test_saved_model_in_a_process_without_keras(asked, up, answers_without_keras):
    app, preset, requests, expected = asked
    version = max(Path(up.models, served_name(app, preset)).glob("[0-9]*"), key=lambda path: int(path.name))
    answers = answers_without_keras(version, requests)
    for name, answer in expected.items():
        _assert_same(answers[name], answer)
