"""Every endpoint of every app answers alike over gRPC, over REST and in this process, and refuses with a sentence."""

import numpy as np
import pytest

from serving.client import Client, ClientError


@pytest.fixture(params=["grpc", "rest"])
def client(request, server):
    with Client(getattr(server, request.param)) as client:
        yield client


def _example(endpoint):
    return {name: tensor.numpy() for name, tensor in endpoint.arrays().items()}


def test_answers_as_in_process(trial, client, assert_same):
    for endpoint in trial.endpoints:
        answer = client.predict(trial.app.name, _example(endpoint), signature_name=endpoint.name)
        assert_same(answer, endpoint(endpoint.example))


def test_metadata_names_every_input(trial, client, assert_same):
    metadata = client.metadata(trial.app.name)
    for endpoint in trial.endpoints:
        assert set(metadata[endpoint.name].inputs) == set(endpoint.inputs)


def test_unknown_input_is_refused_with_the_right_names(trial, client, assert_same):
    endpoint = trial.endpoints[0]
    with pytest.raises(ClientError, match=next(iter(endpoint.inputs))) as refusal:
        client.predict(trial.app.name, {"no_such_input": np.zeros(1, "float32")})
    assert refusal.value.code == "INVALID_ARGUMENT"
    _assert_lives(trial, client, assert_same)


def test_unknown_model_and_endpoint_are_refused(trial, client, assert_same):
    request = _example(trial.endpoints[0])
    with pytest.raises(ClientError, match="no_such_model") as refusal:
        client.predict("no_such_model", request)
    assert refusal.value.code == "NOT_FOUND"
    with pytest.raises(ClientError, match="no_such_signature"):
        client.predict(trial.app.name, request, signature_name="no_such_signature")
    _assert_lives(trial, client, assert_same)


def test_nonsense_in_every_input_is_refused_with_a_sentence(trial, client, assert_same):
    for endpoint in trial.endpoints:
        # No file, and no text either.
        nonsense = {
            name: np.array([b""]) if dtype == "string" else np.zeros((1, *[3] * len(shape)), dtype)
            for name, (shape, dtype) in endpoint.inputs.items()
        }
        with pytest.raises(ClientError) as refusal:
            client.predict(trial.app.name, nonsense, signature_name=endpoint.name)
        assert refusal.value.code == "INVALID_ARGUMENT"
        assert len(str(refusal.value)) > 20
        assert "{{node" not in str(refusal.value), "TensorFlow's own account is no sentence"
    _assert_lives(trial, client, assert_same)


def _assert_lives(trial, client, assert_same):
    endpoint = trial.endpoints[0]
    assert_same(client.predict(trial.app.name, _example(endpoint)), endpoint(endpoint.example))
