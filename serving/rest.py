"""The REST front: TensorFlow Serving's `/v1/models/...`, translated to and from `Core`."""

import asyncio
from concurrent import futures

import orjson
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from serving.codecs import decode_inputs, encode_outputs, parse_predict
from serving.errors import ServingError
from serving.specs import ModelSpec

_PREFIXES = ("/v1/models/{name}/versions/{version:int}", "/v1/models/{name}")


def make_app(core, flags):
    """Build the ASGI application.

    Args:
        core: A `Core`.
        flags: The command line's flags.

    Returns:
        A `starlette.applications.Starlette`.
    """
    executor = futures.ThreadPoolExecutor(flags.rest_api_num_threads, "rest")

    def route(method, path, answer):
        async def endpoint(request):
            body = await _read_body(request, flags.max_request_bytes) if method == "POST" else b""
            # Decoding and running are work for a thread: the event loop stays free for the other connections.
            loop = asyncio.get_running_loop()
            return _json(await loop.run_in_executor(executor, answer, core, _model_spec(request), body))

        return [Route(prefix + path, endpoint, methods=[method]) for prefix in _PREFIXES]

    return Starlette(
        routes=[*route("POST", ":predict", predict), *route("GET", "/metadata", metadata), *route("GET", "", status)],
        exception_handlers={ServingError: _serving_error, HTTPException: _http_error, Exception: _unexpected_error},
    )


def predict(core, spec, body):
    """Answer `POST ...:predict` with the outputs as JSON."""
    parsed = parse_predict(body)
    spec = spec._replace(signature_name=parsed.signature_name)
    _, outputs = core.predict(spec, lambda signature: decode_inputs(parsed, signature.inputs))
    return encode_outputs(outputs, parsed.rows)


def metadata(core, spec, _):
    """Answer `GET .../metadata` with the signatures as JSON."""
    spec, signature_defs = core.metadata(spec)
    model_spec = {"name": spec.name, "signature_name": spec.signature_name, "version": str(spec.version)}
    signature_def = json_format.MessageToDict(
        signature_defs, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return orjson.dumps({"model_spec": model_spec, "metadata": {"signature_def": signature_def}})


def status(core, spec, _):
    """Answer `GET` of a model with the state of its versions as JSON."""
    versions = [
        {
            "version": str(status.version),
            "state": status.state,
            "status": {"error_code": status.error_code, "error_message": status.error_message},
        }
        for status in core.status(spec)
    ]
    return orjson.dumps({"model_version_status": versions})


def _model_spec(request):
    return ModelSpec(request.path_params["name"], request.path_params.get("version"))


async def _read_body(request, limit):
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise _too_large(limit)
    chunks, size = [], 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
    return b"".join(chunks)


def _too_large(limit):
    return HTTPException(413, f"a request must be at most {limit} bytes (--max_request_bytes)", {"connection": "close"})


def _json(body, status_code=200, headers=None):
    return Response(body, status_code, headers, media_type="application/json")


async def _serving_error(request, error):
    return _json(orjson.dumps({"error": error.message}), error.http_status)


async def _http_error(request, error):
    if error.status_code in (404, 405) and request.url.path.startswith("/v1/"):
        # TensorFlow Serving's own answer to a path that it does not know.
        return _json(orjson.dumps({"error": f"Malformed request: {request.method} {request.url.path}"}), 400)
    return _json(orjson.dumps({"error": error.detail}), error.status_code, error.headers)


async def _unexpected_error(request, error):
    return _json(orjson.dumps({"error": f"{type(error).__name__}: {error}"}), 500)
