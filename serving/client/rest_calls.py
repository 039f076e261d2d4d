"""REST: requests built and replies read. Each function gives a `Call`."""

import base64
import functools
import json
import urllib.parse

import numpy as np
import orjson
from google.protobuf import json_format

from serving import protocol
from serving.client.calls import Call, ClientError
from serving.client.inputs import to_features
from serving.codecs import decode_array, encode_request, parse
from serving.errors import ServingError
from serving.signatures import Signature
from serving.specs import VersionStatus


def predict(spec, arrays, signature, output_filter):
    """Run a signature; the answer's numbers are read by the outputs of `signature`."""
    wanted = signature.select_outputs(output_filter, spec.signature_name)
    body = encode_request(spec.signature_name, arrays)
    return _post(spec, "predict", body, functools.partial(_read_predict, specs=signature.outputs, wanted=wanted))


def _read_predict(text, specs, wanted):
    outputs = _answer(text, "outputs")
    if len(specs) == 1:
        outputs = {next(iter(specs)): outputs}
    elif not isinstance(outputs, dict) or outputs.keys() != specs.keys():
        raise ClientError("ABORTED", "a newer version of the model has other outputs: try again")
    return {name: decode_array(outputs[name], specs[name], name) for name in wanted}


def classify(spec, examples, context):
    """Ask for labels and scores."""
    return _post(spec, "classify", _examples_body(spec, examples, context), _read_classify)


def _read_classify(text):
    return [[(label, score) for label, score in classes] for classes in _answer(text, "results")]


def regress(spec, examples, context):
    """Ask for a number an example."""
    return _post(spec, "regress", _examples_body(spec, examples, context), _read_regress)


def _read_regress(text):
    return np.array(_answer(text, "results"), np.float32)


def _examples_body(spec, examples, context):
    body = {"signature_name": spec.signature_name, "examples": [_json_example(example) for example in examples]}
    if context is not None:
        body["context"] = _json_example(context)
    text = orjson.dumps(body)
    # orjson writes NaN as null; the standard library writes it as TensorFlow Serving reads it.
    return json.dumps(body).encode() if b"null" in text else text


def _json_example(example):
    # Every string goes as base64: what is bytes and what is text the server does not ask.
    return {
        name: [{"b64": base64.b64encode(item).decode()} for item in values]
        if values.dtype == object
        else values.tolist()
        for name, values in to_features(example).items()
    }


def multi_inference(spec, classify, regress, examples, context):
    """Refuse: the REST API has no such call."""
    raise ClientError("UNIMPLEMENTED", "multi_inference needs a gRPC address: the REST API does not have it")


def metadata(spec):
    """Ask for the signatures: names to `Signature`."""
    return Call(("GET", f"{_path(spec)}/metadata"), None, _read_metadata)


def _read_metadata(text):
    signature_def = _answer(text, "metadata")["signature_def"]
    signature_defs = json_format.ParseDict(signature_def, protocol.SignatureDefMap(), ignore_unknown_fields=True)
    return {name: Signature.from_proto(proto) for name, proto in signature_defs.signature_def.items()}


def status(spec):
    """Ask for the state of the versions: a list of `VersionStatus`."""
    return Call(("GET", _path(spec)), None, _read_status)


def _read_status(text):
    return [
        VersionStatus(
            int(entry["version"]), entry["state"], entry["status"]["error_code"], entry["status"]["error_message"]
        )
        for entry in _answer(text, "model_version_status")
    ]


def reload(config):
    """Refuse: the REST API has no such call."""
    raise ClientError("UNIMPLEMENTED", "reload needs a gRPC address: the REST API does not have it")


def ready():
    """Ask whether the server is ready: True; one that is not answers UNAVAILABLE."""
    return Call(("GET", "/healthz/ready"), None, lambda text: True, retried=False)


def _post(spec, verb, body, read):
    return Call(("POST", f"{_path(spec)}:{verb}"), body, read)


def _path(spec):
    path = f"/v1/models/{urllib.parse.quote(spec.name, safe='')}"
    if spec.version is not None:
        return f"{path}/versions/{spec.version}"
    return path if spec.label is None else f"{path}/labels/{urllib.parse.quote(spec.label, safe='')}"


def _answer(text, key):
    try:
        return parse(text)[key]
    except (ServingError, KeyError, TypeError):
        received = text[:80].decode(errors="replace")
        raise ClientError("INTERNAL", f"the answer must be a JSON object with {key!r}. Received: {received}") from None
