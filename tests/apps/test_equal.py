"""The same answers everywhere: Keras, the SavedModel without Keras, gRPC and REST, by presets of several apps.

Apps with a `test_equal.py` of their own are compared there, on more inputs and as the page shows them.
"""

from pathlib import Path

import pytest

from apps import registry
from apps.presets import model_folder, preset_names, served_name
from apps.trained import open_trained
from serving.client import Client

APPS = ("style_transfer", "bert", "nli", "translation", "text_generation", "recommendation", "agents")
TOLERANCE = 1e-3
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


def test_grpc_and_rest(asked, up, assert_same):
    app, preset, requests, expected = asked
    for address in (up.grpc, up.rest):
        with Client(address) as client:
            for name, answer in expected.items():
                served = client.predict(served_name(app, preset), requests[name], signature_name=name)
                assert_same(served, answer, TOLERANCE)


def test_saved_model_in_a_process_without_keras(asked, up, answers_without_keras, assert_same):
    app, preset, requests, expected = asked
    version = max(Path(up.models, served_name(app, preset)).glob("[0-9]*"), key=lambda path: int(path.name))
    answers = answers_without_keras(version, requests)
    for name, answer in expected.items():
        assert_same(answers[name], answer, TOLERANCE)
