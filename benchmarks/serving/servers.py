"""The servers: how each is asked, and how its answers are read."""

import base64
import json
import os
import struct
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.serving.load import Request
from benchmarks.serving.models import MODELS
from serving.protocol import PredictRequest, PredictResponse
from serving.tensors import to_array, to_proto


class Server(NamedTuple):
    """A server process, and one way to ask it.

    Attributes:
        title: Its name in the tables.
        process: Who runs it: `dlkeras`, or the name of a peer.
        request: A function from port, model name and row to a `Request`.
        read: A function from the body of an answer to the row's probabilities.
        flags: Further flags of ours.
    """

    title: str
    process: str
    request: Callable
    read: Callable
    flags: tuple = ()


def _json(url, body):
    return Request(url, json.dumps(body).encode(), {"content-type": "application/json"})


def _values(row):
    # The shortest text that gives the same float32, as a client writes it that has not gone through float64.
    return [float(str(value)) for value in row.ravel()] if row.ndim == 1 else [_values(part) for part in row]


def _text(row):
    return base64.b64encode(row).decode() if isinstance(row, bytes) else _values(row)


def _tfs_grpc(port, model, row):
    request = PredictRequest()
    request.model_spec.name = model
    array = np.asarray([row], dtype=object) if isinstance(row, bytes) else row[None]
    to_proto(array, content=True, proto=request.inputs[MODELS[model].input])
    message = request.SerializeToString()
    url = f"http://127.0.0.1:{port}/tensorflow.serving.PredictionService/Predict"
    headers = {"content-type": "application/grpc", "te": "trailers"}
    return Request(url, b"\0" + struct.pack(">I", len(message)) + message, headers, grpc=True)


def _read_tfs_grpc(body):
    return to_array(PredictResponse.FromString(body[5:]).outputs["probabilities"])[0]


def _tfs_rest(port, model, row):
    value = {"b64": _text(row)} if isinstance(row, bytes) else _text(row)
    return _json(f"http://127.0.0.1:{port + 1}/v1/models/{model}:predict", {"instances": [value]})


def _read_tfs_rest(body):
    answer = json.loads(body)["predictions"][0]
    return answer["probabilities"] if isinstance(answer, dict) else answer


def _one_row(port, model, row):
    return _json(f"http://127.0.0.1:{port}/predict", {MODELS[model].input: _text(row)})


def _upload(field):
    def request(port, model, row):
        if not isinstance(row, bytes):
            return _one_row(port, model, row)
        boundary = "0123456789abcdef"
        disposition = f'Content-Disposition: form-data; name="{field}"; filename="picture.png"'
        head = f"--{boundary}\r\n{disposition}\r\nContent-Type: image/png\r\n\r\n".encode()
        headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
        return Request(f"http://127.0.0.1:{port}/predict", head + row + f"\r\n--{boundary}--\r\n".encode(), headers)

    return request


def _batch_of_one(port, model, row):
    if isinstance(row, bytes):
        return _upload(MODELS[model].input)(port, model, row)
    return _json(f"http://127.0.0.1:{port}/predict", {MODELS[model].input: [_text(row)]})


def _v2(port, model, row):
    if isinstance(row, bytes):
        data = {"datatype": "BYTES", "shape": [1], "data": [_text(row)], "parameters": {"content_type": "base64"}}
    else:
        data = {"datatype": "FP32", "shape": [1, *row.shape], "data": _text(row.ravel())}
    return _json(
        f"http://127.0.0.1:{port}/v2/models/{model}/infer", {"inputs": [{"name": MODELS[model].input, **data}]}
    )


def _read_row(body):
    return json.loads(body)["probabilities"]


def _read_batch(body):
    return json.loads(body)[0]["probabilities"]


def _read_v2(body):
    return next(output["data"] for output in json.loads(body)["outputs"] if output["name"] == "probabilities")


# As the peers have it.
_PROCESS_A_CORE = (f"--num_processes={os.cpu_count() or 1}",)

SERVERS = {
    "grpc": Server("dlkeras serving, gRPC", "dlkeras", _tfs_grpc, _read_tfs_grpc),
    "rest": Server("dlkeras serving, REST", "dlkeras", _tfs_rest, _read_tfs_rest),
    "grpc-all": Server(
        "dlkeras serving, a process a core, gRPC", "dlkeras", _tfs_grpc, _read_tfs_grpc, _PROCESS_A_CORE
    ),
    "rest-all": Server(
        "dlkeras serving, a process a core, REST", "dlkeras", _tfs_rest, _read_tfs_rest, _PROCESS_A_CORE
    ),
    "litserve": Server("LitServe", "litserve", _one_row, _read_row),
    "bentoml": Server("BentoML", "bentoml", _batch_of_one, _read_batch),
    "mlserver": Server("MLServer", "mlserver", _v2, _read_v2),
    "ray": Server("Ray Serve", "ray", _one_row, _read_row),
    "fastapi": Server("FastAPI", "fastapi", _upload("file"), _read_row),
}
