"""The gRPC front: PredictionService and ModelService, translated to and from `Core`."""

import logging
from concurrent import futures

import grpc

from serving import protocol
from serving.errors import GRPC_CODES, ServingError
from serving.specs import ModelSpec
from serving.tensors import to_array, to_proto

log = logging.getLogger("serving")
_STATUS = {code.name: code for code in grpc.StatusCode}


def make_server(core, flags):
    """Build the gRPC server; the caller adds a port and starts it.

    Args:
        core: A `Core`.
        flags: The command line's flags.

    Returns:
        A `grpc.Server`.
    """
    options = [
        # Without this, a second server on the same port would quietly get half of the requests.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", flags.max_request_bytes),
        ("grpc.max_send_message_length", -1),
        *flags.grpc_channel_arguments,
    ]
    server = grpc.server(futures.ThreadPoolExecutor(flags.grpc_max_threads, "grpc"), options=options)
    answers = {"Predict": predict, "GetModelMetadata": get_model_metadata, "GetModelStatus": get_model_status}
    for service in (protocol.PREDICTION_SERVICE, protocol.MODEL_SERVICE):
        handlers = {
            method.name: grpc.unary_unary_rpc_method_handler(
                _answer(core, answers[method.name]), method.request.FromString, method.response.SerializeToString
            )
            for method in protocol.methods(service)
            if method.name in answers
        }
        # A method without a handler answers UNIMPLEMENTED by itself.
        server.add_registered_method_handlers(service, handlers)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    return server


def _answer(core, function):
    def handler(request, context):
        try:
            return function(core, request)
        except ServingError as error:
            context.abort(_STATUS[error.code], error.message)
        except Exception as error:
            log.exception("a request failed")
            context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")

    return handler


def predict(core, request):
    """Answer a `PredictRequest` with a `PredictResponse`."""
    spec, outputs = core.predict(
        _model_spec(request), lambda signature: _read_inputs(request), tuple(request.output_filter)
    )
    response = protocol.PredictResponse()
    _fill_model_spec(response.model_spec, spec)
    for name, array in outputs.items():
        to_proto(array, proto=response.outputs[name])
    return response


def get_model_metadata(core, request):
    """Answer a `GetModelMetadataRequest` with a `GetModelMetadataResponse`."""
    if list(request.metadata_field) != ["signature_def"]:
        received = list(request.metadata_field)
        raise ServingError("INVALID_ARGUMENT", f"metadata_field must be ['signature_def']. Received: {received}")
    spec, signature_defs = core.metadata(_model_spec(request))
    response = protocol.GetModelMetadataResponse()
    _fill_model_spec(response.model_spec, spec)
    response.metadata["signature_def"].Pack(signature_defs)
    return response


def get_model_status(core, request):
    """Answer a `GetModelStatusRequest` with a `GetModelStatusResponse`."""
    response = protocol.GetModelStatusResponse()
    for status in core.status(_model_spec(request)):
        entry = response.model_version_status.add(version=status.version, state=status.state)
        entry.status.error_code = GRPC_CODES[status.error_code]
        entry.status.error_message = status.error_message
    return response


def _model_spec(request):
    spec = request.model_spec
    if spec.version_label:
        raise ServingError(
            "INVALID_ARGUMENT", f"no version has a label. Received: version_label {spec.version_label!r}"
        )
    version = spec.version.value if spec.HasField("version") else None
    return ModelSpec(spec.name, version, spec.signature_name)


def _fill_model_spec(message, spec):
    message.name = spec.name
    message.version.value = spec.version
    message.signature_name = spec.signature_name


def _read_inputs(request):
    inputs = {}
    for name, tensor in request.inputs.items():
        try:
            inputs[name] = to_array(tensor)
        except ServingError as error:
            raise ServingError(error.code, f"input {name!r}: {error.message}") from None
    return inputs
