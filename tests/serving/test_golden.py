"""Golden exchanges: each file of tests/serving/golden is replayed against a server of the golden models.

A file names its server, then lists exchanges: `== name`, the request, `-- status`, the answer.

- A REST request is `METHOD path`, headers, and a body, which is compressed where a header says so (unless another is
  `X-As-Is: yes`). A gRPC request is `Service/Method` and a message as text proto.
- The answer is headers (`-` for one that must be missing), then `= text` or `~ pattern` for the error's message, or the
  body: JSON for REST, text proto for gRPC. After a line `...` the real one may hold more keys.
- `<base>` is the folder of the models, `<1.0 x 1000>` a thousand numbers with commas between them.
"""

import gzip
import http.client
import json
import math
import re
import runpy
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest
from google.protobuf import json_format, text_format
from grpc_health.v1 import health_pb2

from serving import protocol

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.txt"))
METHODS = {
    f"{service.rsplit('.', 1)[1]}/{method.name}": (method.path, method.request, method.response)
    for service in (protocol.PREDICTION_SERVICE, protocol.MODEL_SERVICE)
    for method in protocol.methods(service)
}
METHODS["Health/Check"] = (
    "/grpc.health.v1.Health/Check",
    health_pb2.HealthCheckRequest,
    health_pb2.HealthCheckResponse,
)
CONFIG = """
model_config_list {
  config { name: "half_plus_two" base_path: "<base>/half_plus_two" model_platform: "tensorflow" }
  config {
    name: "half_plus_version" base_path: "<base>/half_plus_version" model_platform: "tensorflow"
    model_version_policy { all {} }
    version_labels { key: "stable" value: 1 } version_labels { key: "can ary" value: 2 }
    version_labels { key: "gone" value: 3 }
  }
  config { name: "group/half plus two" base_path: "<base>/half_plus_two" model_platform: "tensorflow" }
  config { name: "classes" base_path: "<base>/classes" model_platform: "tensorflow" }
  config { name: "dtypes" base_path: "<base>/dtypes" model_platform: "tensorflow" }
  config { name: "pair" base_path: "<base>/pair" model_platform: "tensorflow" }
  config { name: "text" base_path: "<base>/text" model_platform: "tensorflow" }
}
"""
LABELS = "--allow_version_labels_for_unavailable_models"
ONE = ("--model_name=half_plus_two", "--model_base_path=<base>/half_plus_two")
SERVERS = {
    "main": ("--model_config_file=<base>/models.config", LABELS),
    "cors": (*ONE, "--rest_api_enable_cors_support"),
    "method_names": (*ONE, "--enable_signature_method_name_check"),
    "small": (*ONE, "--max_request_bytes=1000"),
    "waiting": ("--model_name=empty", "--model_base_path=<base>/empty"),
    "reload": (*ONE, "--file_system_poll_wait_seconds=1"),
}


class Exchange(NamedTuple):
    """A request and the answer to it; `request` and `answer` are lists of lines."""

    server: str
    name: str
    request: list
    status: str
    answer: list


def read(file):
    """List the exchanges of a file."""
    head, *parts = re.split(r"^== ", file.read_text(), flags=re.MULTILINE)
    server = re.search(r"^server: (\w+)$", head, re.MULTILINE)[1]
    for part in parts:
        request, status, answer = re.match(r"(.*?)\n-- (\w+)\n?(.*)", part, re.DOTALL).groups()
        name, *lines = request.splitlines()
        yield Exchange(server, name, lines, status, answer.strip().splitlines())


EXCHANGES = {f"{file.stem}: {exchange.name}": exchange for file in FILES for exchange in read(file)}


@pytest.fixture(scope="session")
def golden_server(serve, tmp_path_factory):
    """A function that gives the server of a name, and the folder of the models."""
    base = tmp_path_factory.mktemp("golden")
    runpy.run_path(str(GOLDEN / "models.py"))["save_all"](base)
    (base / "models.config").write_text(CONFIG.replace("<base>", str(base)))
    started = {}

    def find(name):
        if name not in started:
            started[name] = serve(*(flag.replace("<base>", str(base)) for flag in SERVERS[name]))
        return started[name], base

    return find


def test_the_collection_is_whole():
    written = sum(len(re.findall("^== ", file.read_text(), re.MULTILINE)) for file in FILES)
    assert len(EXCHANGES) == written >= 120


@pytest.mark.parametrize("name", EXCHANGES)
def test_exchange(golden_server, name):
    exchange = EXCHANGES[name]
    server, base = golden_server(exchange.server)
    first, *rest = [_expand(line, base) for line in exchange.request]
    answer = [_expand(line, base) for line in exchange.answer]
    if first in METHODS:
        check_grpc(server.grpc, METHODS[first], "\n".join(rest), exchange.status, answer)
    else:
        check_rest(server.rest, first, rest, int(exchange.status), answer)


def _expand(line, base):
    line = line.replace("<base>", str(base))
    return re.sub(r"<(\S+) x (\d+)>", lambda match: ", ".join([match[1]] * int(match[2])), line)


def check_grpc(address, method, request, code, answer):
    path, request_class, response_class = method
    message = text_format.Parse(request, request_class(), descriptor_pool=protocol.POOL)
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(path, request_class.SerializeToString, response_class.FromString)
        response, received = call.with_call(message, timeout=30) if code == "OK" else _refused(call, message)
    assert received.code().name == code, received.details()
    wordings, body, partial = _parts(answer)
    _check_wording(wordings, received.details())
    if body:
        expected = text_format.Parse(body, response_class(), descriptor_pool=protocol.POOL)
        assert_matches(_as_dict(expected), _as_dict(response), partial)


def _refused(call, message):
    with pytest.raises(grpc.RpcError) as caught:
        call(message, timeout=30)
    return None, caught.value


def _as_dict(message):
    return json_format.MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=protocol.POOL)


def check_rest(address, line, rest, status, answer):
    method, path = line.split(" ", 1)
    headers, body = _headers(rest)
    body = "\n".join(body).encode()
    as_is = headers.pop("X-As-Is", "")
    if headers.get("Content-Encoding") == "gzip" and not as_is:
        body = gzip.compress(body)
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    try:
        connection.request(method, path, body or None, headers)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.getheader("Content-Encoding") == "gzip":
        content = gzip.decompress(content)
    assert response.status == status, content
    expected_headers, answer = _headers(answer)
    for name, value in expected_headers.items():
        received = response.getheader(name)
        assert received is None if value == "-" else value in (received or ""), (name, received)
    wordings, body, partial = _parts(answer)
    if wordings:
        _check_wording(wordings, json.loads(content)["error"])
    if body:
        assert_matches(json.loads(body), json.loads(content), partial)


def _headers(lines):
    headers = {}
    while lines and (match := re.fullmatch(r"([A-Z][\w-]*): (.*)", lines[0])):
        headers[match[1]] = match[2]
        lines = lines[1:]
    return headers, lines


def _parts(answer):
    """Sort an answer's lines: its wordings, its body, and whether the real one may hold more."""
    wordings = [line for line in answer if line[:2] in ("= ", "~ ")]
    rest = answer[len(wordings) :]
    partial = rest[:1] == ["..."]
    return wordings, "\n".join(rest[partial:]).strip(), partial


def _check_wording(wordings, received):
    for kind, text in (wording.split(" ", 1) for wording in wordings):
        assert received == text if kind == "=" else re.search(text, received), f"{text}\nReceived: {received}"


def assert_matches(expected, received, partial, where="the answer"):
    """Compare values of JSON: a whole number is no float, and NaN equals NaN."""
    assert type(expected) is type(received), f"{where}: {expected} and {received}"
    if isinstance(expected, dict):
        keys = set(expected) & set(received) if partial else set(received)
        assert keys == set(expected), f"{where}: {sorted(expected)} and {sorted(received)}"
        for key, value in expected.items():
            assert_matches(value, received[key], partial, f"{where}, {key}")
    elif isinstance(expected, list):
        assert len(expected) == len(received), f"{where}: {expected} and {received}"
        for index, value in enumerate(expected):
            assert_matches(value, received[index], partial, f"{where}, {index}")
    elif not (isinstance(expected, float) and math.isnan(expected) and math.isnan(received)):
        assert expected == received, f"{where}: {expected} and {received}"
