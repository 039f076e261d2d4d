"""gRPC: requests built and replies read. Each function gives a `Call`."""

import functools

import numpy as np
from google.protobuf import text_format

from serving import protocol
from serving.client.calls import Call, ClientError
from serving.client.inputs import to_features
from serving.errors import GRPC_CODES
from serving.signatures import Signature
from serving.specs import VersionStatus
from serving.tensors import to_array, to_proto

METHODS = {
    method.name: method
    for service in (protocol.PREDICTION_SERVICE, protocol.MODEL_SERVICE)
    for method in protocol.methods(service)
}
HEALTH = "/grpc.health.v1.Health/Check"
# The health service's request for the whole server is empty, and this is its answer when it serves.
_HEALTHY = b"\x08\x01"

_CODE_NAMES = {number: name for name, number in GRPC_CODES.items()}


def predict(spec, arrays, signature, output_filter):
    """Run a signature; `signature` is not needed, the answer carries its dtypes."""
    request = _request("Predict", spec)
    request.output_filter.extend(output_filter)
    for name, array in arrays.items():
        to_proto(array, content=True, proto=request.inputs[name])
    return _call("Predict", request, _read_predict)


def _read_predict(response):
    return {name: to_array(tensor) for name, tensor in sorted(response.outputs.items())}


def classify(spec, examples, context):
    """Ask for labels and scores."""
    request = _request("Classify", spec)
    _fill_input(request.input, examples, context)
    return _call("Classify", request, lambda response: _classes(response.result))


def regress(spec, examples, context):
    """Ask for a number an example."""
    request = _request("Regress", spec)
    _fill_input(request.input, examples, context)
    return _call("Regress", request, lambda response: _values(response.result))


def multi_inference(spec, classify, regress, examples, context):
    """Ask for several signatures at once."""
    request = METHODS["MultiInference"].request()
    for method, names in (("classify", classify), ("regress", regress)):
        for name in names:
            task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
            _fill(task.model_spec, spec._replace(signature_name=name))
    _fill_input(request.input, examples, context)
    return _call("MultiInference", request, functools.partial(_read_several, names=(*classify, *regress)))


def _read_several(response, names):
    # Older servers leave the signature's name out of an answer; the order is the request's.
    return {
        name: _classes(result.classification_result)
        if result.HasField("classification_result")
        else _values(result.regression_result)
        for name, result in zip(names, response.results, strict=True)
    }


def _classes(result):
    return [[(item.label, item.score) for item in one.classes] for one in result.classifications]


def _values(result):
    return np.array([item.value for item in result.regressions], np.float32)


def metadata(spec):
    """Ask for the signatures: names to `Signature`."""
    request = _request("GetModelMetadata", spec)
    request.metadata_field.append("signature_def")
    return _call("GetModelMetadata", request, _read_metadata)


def _read_metadata(response):
    signature_defs = protocol.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signature_defs)
    return {name: Signature.from_proto(proto) for name, proto in signature_defs.signature_def.items()}


def status(spec):
    """Ask for the state of the versions: a list of `VersionStatus`."""
    return _call("GetModelStatus", _request("GetModelStatus", spec), _read_status)


def _read_status(response):
    state = protocol.ModelVersionStatus.State.Name
    return [
        VersionStatus(
            entry.version,
            state(entry.state),
            _CODE_NAMES.get(entry.status.error_code, "UNKNOWN"),
            entry.status.error_message,
        )
        for entry in response.model_version_status
    ]


def reload(config):
    """Hand over a new model config, as text or as a message."""
    request = METHODS["HandleReloadConfigRequest"].request()
    try:
        if isinstance(config, str):
            text_format.Parse(config, request.config)
        else:
            # By its bytes: the message may be of tensorflow-serving-api's class.
            request.config.MergeFromString(config.SerializeToString())
    except text_format.ParseError as error:
        raise ClientError("INVALID_ARGUMENT", f"config must be a text ModelServerConfig. Received: {error}") from None
    return _call("HandleReloadConfigRequest", request, _read_reload)._replace(retried=False)


def _read_reload(response):
    if response.status.error_code:
        code = _CODE_NAMES.get(response.status.error_code, "UNKNOWN")
        raise ClientError(code, response.status.error_message)


def ready():
    """Ask the standard health service whether the server serves: True or False."""
    return Call(HEALTH, b"", _HEALTHY.__eq__, retried=False)


def _call(name, request, read):
    return Call(METHODS[name].path, request, read)


def _request(name, spec):
    request = METHODS[name].request()
    _fill(request.model_spec, spec)
    return request


def _fill(model_spec, spec):
    model_spec.name = spec.name
    model_spec.signature_name = spec.signature_name
    if spec.version is not None:
        model_spec.version.value = spec.version
    elif spec.label is not None:
        model_spec.version_label = spec.label


def _fill_input(message, examples, context):
    if context is None:
        parent = message.example_list
    else:
        parent = message.example_list_with_context
        _fill_example(parent.context, context)
    for example in examples:
        _fill_example(parent.examples.add(), example)


def _fill_example(message, example):
    for name, values in to_features(example).items():
        feature = message.features.feature[name]
        field = {"i": feature.int64_list, "f": feature.float_list, "O": feature.bytes_list}[values.dtype.kind]
        # A list without values must say its kind too.
        field.SetInParent()
        field.value.extend(values.tolist())
