"""gRPC, REST and the core give one answer; each front's own manners."""

import http.client
import json
import urllib.request

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.client import Client
from serving.specs import ModelSpec

MIXED = {
    "text": np.array(["a", "é"], object),
    "ids": np.array([[1, 2], [3, 2**53]], np.int64),
    "flag": np.array([True, False]),
    "half": np.array([0.5, -1.0], np.float16),
}


@pytest.fixture(params=["grpc", "rest"])
def client(server, request):
    with Client(getattr(server, request.param)) as client:
        yield client


def http_call(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(server.rest.removeprefix("http://"), timeout=10)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    answer = response.status, response.getheader("content-type"), json.loads(response.read())
    connection.close()
    return answer


def test_same_answer_everywhere(client, core, complete):
    x = np.random.default_rng(1).normal(size=(7, 3)).astype(np.float32)
    expected = complete(core.predict(ModelSpec("affine"), lambda *_: {"x": x}))[1]["y"]
    answer = client.predict("affine", {"x": x})["y"]
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, expected, atol=1e-6)
    np.testing.assert_allclose(client.predict("affine", {"x": x.tolist()}, version=3)["y"], expected, atol=1e-6)


def test_several_inputs_of_several_dtypes(client):
    outputs = client.predict("mixed", MIXED)
    assert {name: (array.dtype, array.tolist()) for name, array in outputs.items()} == {
        "upper": (object, [b"A", "é".encode()]),
        "raw_bytes": (object, [b"a", "é".encode()]),
        "total": (np.int64, [3, 3 + 2**53]),
        "not_flag": (bool, [False, True]),
        "double": (np.float16, [1.0, -2.0]),
    }


def test_bytes_and_not_finite_and_empty(client, png):
    np.testing.assert_array_equal(client.predict("picture", {"image_bytes": [png[1]]})["mean"], [[10, 20, 30]])
    outputs = client.predict("affine", {"x": [[1, 0, -1]] * 2}, signature_name="checked")
    np.testing.assert_array_equal(outputs["not_finite"], [[np.inf, np.nan, -np.inf]] * 2)
    nan = client.predict("affine", {"x": [[np.nan, np.inf, 1]]})["y"]
    np.testing.assert_array_equal(nan, np.float32([[np.nan, np.inf, 3]]))
    assert client.predict("affine", {"x": np.zeros((0, 3))})["y"].shape == (0, 3)


def test_metadata_and_status(client):
    signature = client.metadata("mixed")["serving_default"]
    assert str(signature.inputs["ids"]) == "int64 [any, 2]"
    assert signature.outputs["upper"].dtype == object
    assert [tuple(status) for status in client.status("affine")] == [(3, "AVAILABLE", "OK", "")]


def stub(server, service=prediction_service_pb2_grpc.PredictionServiceStub):
    return service(grpc.insecure_channel(server.grpc))


def test_stock_stubs(server):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "affine"
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32([[1, 2, 3]])))
    response = stub(server).Predict(request, timeout=10)
    assert tf.make_ndarray(response.outputs["y"]).tolist() == [[3, 5, 7]]
    assert response.outputs["y"].float_val[:] == [3, 5, 7]
    assert (response.model_spec.version.value, response.model_spec.signature_name) == (3, "serving_default")
    metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    metadata.model_spec.name = "affine"
    signature_defs = get_model_metadata_pb2.SignatureDefMap()
    assert stub(server).GetModelMetadata(metadata, timeout=10).metadata["signature_def"].Unpack(signature_defs)
    assert signature_defs.signature_def["serving_default"].inputs["x"].dtype == tf.float32.as_datatype_enum
    status = get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name = "affine"
    answer = stub(server, model_service_pb2_grpc.ModelServiceStub).GetModelStatus(status, timeout=10)
    assert [(v.version, v.state, v.status.error_code) for v in answer.model_version_status] == [(3, 30, 0)]


def test_grpc_refusals(server):
    classify, request = classification_pb2.ClassificationRequest(), predict_pb2.PredictRequest()
    request.model_spec.name = "affine"
    request.model_spec.version_label = "stable"
    large = predict_pb2.PredictRequest()
    large.inputs["x"].CopyFrom(tf.make_tensor_proto(np.zeros(10**5, np.float32)))
    odd = predict_pb2.PredictRequest()
    odd.model_spec.name = "affine"
    odd.inputs["x"].dtype = 1
    odd.inputs["x"].tensor_content = b"abc"
    long = predict_pb2.PredictRequest()
    long.model_spec.name = "é" * 20_000
    metadata = get_model_metadata_pb2.GetModelMetadataRequest()
    metadata.model_spec.name = "affine"
    for call, message, code, words in (
        (stub(server).Classify, classify, "INVALID_ARGUMENT", "Missing ModelSpec"),
        (stub(server).Predict, request, "INVALID_ARGUMENT", "Unrecognized servable version label: stable"),
        (stub(server).Predict, large, "RESOURCE_EXHAUSTED", "larger than max"),
        (stub(server).Predict, long, "NOT_FOUND", "Latest\\(éé"),
        (stub(server).Predict, odd, "INVALID_ARGUMENT", "input 'x': tensor_content"),
        (stub(server).GetModelMetadata, metadata, "INVALID_ARGUMENT", "metadata_field"),
    ):
        with pytest.raises(grpc.RpcError, match=words) as caught:
            call(message, timeout=10)
        assert caught.value.code().name == code


def test_rest_answers(server):
    body = json.dumps({"instances": [[1, 2, 3]]})
    assert http_call(server, "POST", "/v1/models/affine/versions/3:predict", body) == (
        200,
        "application/json",
        {"predictions": [[3, 5, 7]]},
    )
    assert http_call(server, "GET", "/v1/models/affine/versions/3")[2] == {
        "model_version_status": [
            {"version": "3", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        ]
    }
    metadata = http_call(server, "GET", "/v1/models/affine/metadata")[2]
    assert metadata["model_spec"] == {"name": "affine", "signature_name": "", "version": "3"}
    x = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]["inputs"]["x"]
    assert (x["dtype"], x["tensor_shape"]["dim"][1]["size"]) == ("DT_FLOAT", "3")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "/v1/models/affine:predict", "{", 400, "must be JSON"),
        ("POST", "/v1/models/affine:predict", '{"instances": [[1, 2]]}', 400, "Received: float32 [1, 2]"),
        ("POST", "/v1/models/affine:predict", '{"instances": [["a"]]}', 400, "takes float32"),
        (
            "POST",
            "/v1/models/affine/versions/8:predict",
            '{"instances": [[1, 2, 3]]}',
            404,
            "Servable not found for request: Specific(affine, 8)",
        ),
        ("POST", "/v1/models/nothing:predict", '{"instances": [[1, 2, 3]]}', 404, "request: Latest(nothing)"),
        ("POST", "/v1/models/affine:explain", "{}", 400, "Malformed request: POST /v1/models/affine:explain"),
        ("GET", "/v1/models/affine:predict", None, 400, "Malformed request: GET /v1/models/affine:predict"),
        ("POST", "/v1/models/affine:classify", "{}", 400, "'examples'"),
        ("GET", "/v1/models", None, 400, "Missing model name in request."),
        ("GET", "/v1/models/affine/versions/99999999999999999999", None, 400, "Failed to convert version"),
        ("GET", "/v1/models/nothing/metadata", None, 404, "Servable not found for request: Latest(nothing)"),
        ("GET", "/v1/models/affine/versions/4", None, 404, "Could not find version 4 of model affine"),
        ("GET", "/", None, 404, "Not Found"),
        ("POST", "/v1/models/affine:predict", " " * 200_001, 413, "200000 bytes"),
    ],
)
def test_rest_refusals(server, method, path, body, status, words):
    received, content_type, answer = http_call(server, method, path, body)
    assert (received, content_type) == (status, "application/json")
    assert words in answer["error"]


def test_a_body_of_unknown_length_is_bounded_too(server):
    chunks = (b" " * 50_000 for _ in range(5))
    request = urllib.request.Request(f"{server.rest}/v1/models/affine:predict", data=chunks, method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    with caught.value as error:
        assert error.code == 413


def test_http_on_the_grpc_port_is_told_where_to_go(server):
    connection = http.client.HTTPConnection(server.grpc, timeout=10)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert (response.status, b"--rest_api_port" in response.read()) == (400, True)
    connection.close()
