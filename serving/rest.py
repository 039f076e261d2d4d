"""The REST front: TensorFlow Serving's `/v1/models/...`, translated to and from `Core`.

Source: https://www.tensorflow.org/tfx/serving/api_rest.
"""

import functools
import logging
import re
import time
import urllib.parse

import orjson
from google.protobuf import json_format

from serving.errors import ServingError, from_exception
from serving.http1 import Response
from serving.json_examples import parse_examples
from serving.json_inputs import decode_inputs, parse_predict
from serving.json_outputs import encode_classifications, encode_outputs, encode_regressions
from serving.protocol import (
    ClassificationRequest,
    ClassificationResponse,
    PredictRequest,
    PredictResponse,
    RegressionRequest,
    RegressionResponse,
)
from serving.specs import ModelSpec, fill_spec
from serving.tensors import to_proto

log = logging.getLogger("serving")

MODELS = "/v1/models"
LIVE, READY = "/healthz/live", "/healthz/ready"
_MODEL = r"/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
_POST = re.compile(rf"{MODELS}{_MODEL}:(predict|classify|regress)", re.IGNORECASE | re.ASCII)
_GET = re.compile(rf"{MODELS}(?:{_MODEL})?(/metadata)?/?", re.IGNORECASE | re.ASCII)
_MAX_VERSION = 2**63 - 1
_CORS = (
    b"Access-Control-Allow-Origin: *\r\n"
    b"Access-Control-Allow-Methods: GET, HEAD, POST, OPTIONS\r\n"
    b"Access-Control-Allow-Headers: Content-Type, Content-Encoding, Accept-Encoding\r\n"
)
_EXAMPLE_MESSAGES = {
    "classify": (ClassificationRequest, ClassificationResponse),
    "regress": (RegressionRequest, RegressionResponse),
}
_TEXT = b"text/plain; version=0.0.4; charset=utf-8"


class RestFront:
    """Answers HTTP requests.

    Args:
        core: A `Core`.
        timeout: Seconds that a request may take; None for any.
        cors: Whether pages of any origin may ask (`--rest_api_enable_cors_support`).
        pages: Further paths to asynchronous functions that give bytes of text, such as the metrics.
    """

    def __init__(self, core, timeout=None, cors=False, pages=None):
        self._core = core
        self._timeout = timeout
        self._more_headers = _CORS if cors else b""
        self._cors = cors
        self._pages = pages or {}
        self._actions = {"predict": self._predict, "classify": self._classify, "regress": self._regress}

    async def answer(self, request):
        """Answer a request; nothing it holds makes this raise.

        Args:
            request: A `serving.http1.Request`.

        Returns:
            A `serving.http1.Response`.
        """
        try:
            response = await self._answer(request)
        except ServingError as error:
            response = refuse(error.http_status, error.message)
        except Exception as error:
            log.exception("a request failed")
            failure = from_exception(error)
            response = refuse(failure.http_status, failure.message)
        return response._replace(headers=response.headers + self._more_headers) if self._more_headers else response

    async def _answer(self, request):
        if request.method == "POST":
            found = _find_action(request.path)
            if found:
                return Response(200, await self._actions[found[0]](found[1], request.body))
        elif request.method in ("GET", "HEAD"):
            match = _GET.fullmatch(request.path)
            if match:
                spec = _spec(match)
                return Response(200, self._metadata(spec) if match[4] else await self._status(spec))
            if request.path in self._pages:
                return Response(200, await self._pages[request.path](), _TEXT)
            if request.path in (LIVE, READY):
                return await self._health(request.path)
        elif request.method == "OPTIONS" and self._cors:
            return Response(200, b"")
        asked = f"{request.method} {request.path[:500]}"
        if not request.path.lower().startswith("/v1/"):
            raise ServingError("NOT_FOUND", f"Not Found: {asked}. Models are at {MODELS}/NAME")
        # TensorFlow Serving's own answer to a path below /v1 that it does not know.
        raise ServingError("INVALID_ARGUMENT", f"Malformed request: {asked}")

    def _deadline(self):
        return None if self._timeout is None else time.monotonic() + self._timeout

    async def _predict(self, spec, body):
        deadline = self._deadline()
        parsed = self._parse(parse_predict, spec, body)
        if parsed.signature_name:
            spec = spec._replace(signature_name=parsed.signature_name)
        inputs = {}

        def read_inputs(name, signature):
            inputs.update(decode_inputs(parsed, name, signature))
            return inputs

        spec, outputs = await self._core.predict(spec, read_inputs, (), deadline, "predict")
        log = self._core.logs.find(spec.name)
        if log is not None:
            request = _message(PredictRequest(), spec, inputs=inputs)
            log.write("predict", request, _message(PredictResponse(), spec, outputs=outputs), spec)
        return encode_outputs(outputs, parsed.rows)

    def _parse(self, parse, spec, body):
        try:
            return parse(body)
        except ServingError as error:
            # As in TensorFlow Serving: of a body that is JSON, the model comes before what is in it.
            if not error.message.startswith("JSON Parse error"):
                self._core.check(spec)
            raise

    async def _classify(self, spec, body):
        result = await self._infer("classify", self._core.classify, spec, body)
        return encode_classifications(result)

    async def _regress(self, spec, body):
        result = await self._infer("regress", self._core.regress, spec, body)
        return encode_regressions(result)

    async def _infer(self, kind, answer, spec, body):
        deadline = self._deadline()
        name, examples = self._parse(parse_examples, spec, body)
        spec, result = await answer(spec._replace(signature_name=name), examples, deadline, kind)
        log = self._core.logs.find(spec.name)
        if log is not None:
            request, response = _EXAMPLE_MESSAGES[kind]
            log.write(kind, _message(request(input=examples), spec), _message(response(result=result), spec), spec)
        return result

    def _metadata(self, spec):
        spec, signature_defs = self._core.metadata(spec)
        model_spec = {"name": spec.name, "signature_name": spec.signature_name, "version": str(spec.version)}
        signature_def = json_format.MessageToDict(
            signature_defs, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        return orjson.dumps({"model_spec": model_spec, "metadata": {"signature_def": signature_def}})

    async def _status(self, spec):
        versions = [
            {
                "version": str(status.version),
                "state": status.state,
                "status": {"error_code": status.error_code, "error_message": status.error_message},
            }
            for status in await self._core.status(spec)
        ]
        return orjson.dumps({"model_version_status": versions})

    async def _health(self, path):
        if path == LIVE:
            return Response(200, b'{"status":"live"}')
        waiting = await self._core.waiting()
        if waiting:
            return Response(503, orjson.dumps({"status": "not ready", "models": waiting}))
        return Response(200, b'{"status":"ready"}')


def _message(message, spec, **tensors):
    fill_spec(message.model_spec, spec)
    for field, arrays in tensors.items():
        for name, array in arrays.items():
            to_proto(array, proto=getattr(message, field)[name])
    return message


def refuse(status, message):
    """Make the answer to a request that is refused.

    Args:
        status: The HTTP status code.
        message: What was wrong.

    Returns:
        A `Response`.
    """
    # What a client sent may be half a surrogate pair, which no JSON can hold.
    text = message.encode("utf-8", "replace").decode()
    return Response(status, orjson.dumps({"error": text}))


@functools.lru_cache(maxsize=256)
def _find_action(path):
    """Give what a POST asks for and of which model; None if it is nothing."""
    match = _POST.fullmatch(path)
    return (match[4].lower(), _spec(match)) if match else None


def _spec(match):
    if match[1] is None:
        raise ServingError("INVALID_ARGUMENT", "Missing model name in request.")
    if match[2] is not None and (len(match[2]) > 19 or int(match[2]) > _MAX_VERSION):
        raise ServingError("INVALID_ARGUMENT", f"Failed to convert version: {match[2][:40]} to numeric value")
    version = None if match[2] is None else int(match[2])
    label = None if match[3] is None else urllib.parse.unquote(match[3])
    return ModelSpec(urllib.parse.unquote(match[1]), version, label=label)
