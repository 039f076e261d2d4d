"""A stand-in for a model server, over gRPC with the stock servicers or over REST, and clients that wait or do not."""

# ruff: noqa: N802 - the methods are named by the protocol and by http.server.

import asyncio
import contextlib
import gzip
import http.server
import json
import socket
import threading
import time
from concurrent import futures

import grpc
import numpy as np
import pytest
from google.protobuf import json_format, text_format
from tensorflow import make_ndarray, make_tensor_proto
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.client import AsyncClient, Client
from serving.errors import HTTP_STATUS

METADATA = text_format.Parse(
    """
    signature_def { key: "serving_default" value {
        inputs { key: "x" value { name: "x:0" dtype: DT_FLOAT tensor_shape { dim { size: -1 } dim { size: 3 } } } }
        outputs { key: "y" value { name: "y:0" dtype: DT_FLOAT tensor_shape { dim { size: -1 } dim { size: 3 } } } } } }
    signature_def { key: "pair" value {
        inputs { key: "x" value { name: "x:0" dtype: DT_FLOAT tensor_shape { dim { size: -1 } dim { size: 3 } } } }
        outputs { key: "y" value { name: "y:0" dtype: DT_FLOAT tensor_shape { dim { size: -1 } dim { size: 3 } } } }
        outputs { key: "s" value { name: "s:0" dtype: DT_STRING tensor_shape { dim { size: -1 } } } } } }
    """,
    get_model_metadata_pb2.SignatureDefMap(),
)


class Backend:
    """What both stand-ins answer. `faults` are the (code, message) to give before the next answers."""

    def __init__(self):
        self.faults, self.seen, self.delay, self.metadata = [], [], 0, METADATA
        self.ready = True
        self.now = self.peak = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def request(self, name, what):
        """Counts a request, and gives the fault that is due, or None."""
        with self._lock:
            self.seen.append((name, what))
            self.now += 1
            self.peak = max(self.peak, self.now)
            fault = self.faults.pop(0) if self.faults else None
        try:
            time.sleep(self.delay)
            yield fault
        finally:
            with self._lock:
                self.now -= 1

    def outputs(self, signature_name, x):
        """x * 2 + 1, and for the signature pair whether a row is big."""
        y = {"y": x * 2 + 1}
        return y if signature_name != "pair" else y | {"s": [b"big" if row.sum() > 3 else b"small" for row in x]}


def answered(method):
    """Makes a servicer's method of a function of servicer and request."""

    def answer(self, request, context):
        with self.backend.request(method.__name__, request) as fault:
            if fault:
                context.abort(getattr(grpc.StatusCode, fault[0]), fault[1])
            return method(self, request)

    return answer


class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer, model_service_pb2_grpc.ModelServiceServicer):
    """Answers with the stock messages."""

    def __init__(self, backend):
        self.backend = backend

    @answered
    def Predict(self, request):
        outputs = self.backend.outputs(request.model_spec.signature_name, make_ndarray(request.inputs["x"]))
        names = request.output_filter or outputs
        return predict_pb2.PredictResponse(outputs={name: make_tensor_proto(outputs[name]) for name in names})

    @answered
    def Classify(self, request):
        response = classification_pb2.ClassificationResponse()
        _classify(request.input, response.result)
        return response

    @answered
    def Regress(self, request):
        response = regression_pb2.RegressionResponse()
        _regress(request.input, response.result)
        return response

    @answered
    def MultiInference(self, request):
        response = inference_pb2.MultiInferenceResponse()
        for task in request.tasks:
            result = response.results.add()
            if task.method_name == "tensorflow/serving/classify":
                _classify(request.input, result.classification_result)
            else:
                _regress(request.input, result.regression_result)
        return response

    @answered
    def GetModelMetadata(self, request):
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.metadata["signature_def"].Pack(self.backend.metadata)
        return response

    @answered
    def GetModelStatus(self, request):
        response = get_model_status_pb2.GetModelStatusResponse()
        response.model_version_status.add(version=2, state=30).status.SetInParent()
        response.model_version_status.add(version=1, state=50).status.error_code = 3
        return response

    @answered
    def HandleReloadConfigRequest(self, request):
        return model_management_pb2.ReloadConfigResponse()


def _classify(given, result):
    for example in given.example_list.examples or given.example_list_with_context.examples:
        score = sum(example.features.feature["f"].float_list.value)
        result.classifications.add().classes.add(label="sum", score=score)


def _regress(given, result):
    for example in given.example_list.examples or given.example_list_with_context.examples:
        result.regressions.add(value=sum(example.features.feature["f"].float_list.value))


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the REST API's documentation says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self._answer(None)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(json.loads(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body))

    def _answer(self, body):
        backend = self.server.backend
        with backend.request(self.path, body) as fault:
            if fault:
                self._send(HTTP_STATUS.get(fault[0], 500), {"error": fault[1]})
            elif self.path == "/healthz/ready":
                self._send(200 if backend.ready else 503, {})
            else:
                self._send(200, self._result(body))

    def _result(self, body):
        backend = self.server.backend
        if self.path.endswith(":predict"):
            outputs = backend.outputs(body["signature_name"], np.array(body["inputs"]["x"], np.float32))
            outputs["y"] = outputs["y"].tolist()
            if len(outputs) == 1:
                return {"outputs": outputs["y"]}
            return {"outputs": outputs | {"s": [item.decode() for item in outputs["s"]]}}
        if self.path.endswith(":classify"):
            return {"results": [[["sum", sum(example["f"])]] for example in body["examples"]]}
        if self.path.endswith(":regress"):
            return {"results": [sum(example["f"]) for example in body["examples"]]}
        if self.path.endswith("/metadata"):
            signature_def = json_format.MessageToDict(backend.metadata, preserving_proto_field_name=True)
            return {"model_spec": {}, "metadata": {"signature_def": signature_def}}
        versions = (("2", "AVAILABLE", "OK"), ("1", "END", "INVALID_ARGUMENT"))
        return {
            "model_version_status": [
                {"version": version, "state": state, "status": {"error_code": code, "error_message": ""}}
                for version, state, code in versions
            ]
        }

    def _send(self, status, answer):
        text = json.dumps(answer).encode()
        self.send_response(status)
        if "gzip" in self.headers.get("Accept-Encoding", "") and len(text) > 1000:
            text = gzip.compress(text)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Says nothing."""


class Web(http.server.ThreadingHTTPServer):
    """An HTTP server that cuts its connections when it stops, as a process that ends does."""

    request_queue_size = 128

    def __init__(self, backend, port, context=None):
        super().__init__(("127.0.0.1", port), Handler)
        self.backend, self.connections = backend, []
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.01,)).start()

    def get_request(self):
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address

    def handle_error(self, *_):
        """Says nothing: the tests cut connections."""

    def stop(self):
        self.shutdown()
        self.socket.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


def health(backend):
    """The standard health service, its two messages written by hand."""

    def check(_, context):
        with backend.request("Check", None) as fault:
            if fault:
                context.abort(getattr(grpc.StatusCode, fault[0]), fault[1])
            return b"\x08\x01" if backend.ready else b"\x08\x02"

    handlers = {"Check": grpc.unary_unary_rpc_method_handler(check)}
    return grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers)


def start_grpc(backend, address, credentials=None):
    """Starts the gRPC stand-in and gives its `stop`."""
    server = grpc.server(futures.ThreadPoolExecutor(40), options=[("grpc.so_reuseport", 0)])
    servicer = Servicer(backend)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(servicer, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(servicer, server)
    server.add_generic_rpc_handlers((health(backend),))
    assert server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    return lambda: server.stop(0).wait()


class Blocking:
    """An `AsyncClient` whose operations are waited for, so that one test serves both clients."""

    def __init__(self, *arguments, **options):
        self._runner = asyncio.Runner()
        self._client = AsyncClient(*arguments, **options)

    def __getattr__(self, name):
        def call(*arguments, **options):
            async def wait():
                return await getattr(self._client, name)(*arguments, **options)

            return self._runner.run(wait())

        return call

    def predict_many(self, *arguments, **options):
        answers = self._client.predict_many(*arguments, **options)
        try:
            while True:
                try:
                    yield self._runner.run(anext(answers))
                except StopAsyncIteration:
                    return
        finally:
            self._runner.run(answers.aclose())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._runner.run(self._client.close())
        self._runner.close()


class Standin:
    """A server that a test can stop and start; `kind` is grpc or rest."""

    def __init__(self, kind, port):
        self.kind, self.port, self.backend = kind, port, Backend()
        self.address = f"{'http://' if kind == 'rest' else ''}127.0.0.1:{port}"
        self.stop = None

    def start(self, secure=None, address=None):
        if self.kind == "grpc":
            self.stop = start_grpc(self.backend, address or f"127.0.0.1:{self.port}", secure)
        else:
            self.stop = Web(self.backend, self.port, secure).stop


@pytest.fixture(params=["grpc", "rest"])
def standin(request, free_port):
    server = Standin(request.param, free_port())
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=[Client, Blocking], ids=["sync", "async"])
def make_client(request):
    """`Client`, or `AsyncClient` with every operation waited for."""
    return request.param


@pytest.fixture
def client(make_client, standin):
    with make_client(standin.address) as client:
        yield client
