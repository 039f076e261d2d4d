"""The gRPC front: TensorFlow Serving's services, translated to and from `Core`."""

from serving import health, protocol, reflection
from serving.errors import GRPC_CODES, ServingError
from serving.grpc_protocol import Method
from serving.predict_messages import PredictReader, encode_response
from serving.protocol import PredictResponse
from serving.specs import fill_spec, read_spec, request_spec


def make_methods(core, as_content=False):
    """List the remote procedures, those of the health and reflection services too.

    Args:
        core: A `Core`.
        as_content: See `GrpcFront`.

    Returns:
        Paths to `serving.grpc_protocol.Method`s.
    """
    front = GrpcFront(core, as_content)
    handlers = {
        "Predict": front.predict,
        "Classify": front.classify,
        "Regress": front.regress,
        "MultiInference": front.multi_inference,
        "GetModelMetadata": front.get_model_metadata,
        "GetModelStatus": front.get_model_status,
        "HandleReloadConfigRequest": front.reload_config,
    }
    methods = {
        method.path: Method(method.request, handlers[method.name])
        for service in (protocol.PREDICTION_SERVICE, protocol.MODEL_SERVICE)
        for method in protocol.methods(service)
        if method.name in handlers
    }
    predict = f"/{protocol.PREDICTION_SERVICE}/Predict"
    methods[predict] = methods[predict]._replace(request=PredictReader())
    methods[f"/{health.SERVICE}/Check"] = Method(health.HealthCheckRequest, front.check_health)
    methods[f"/{health.SERVICE}/Watch"] = Method(health.HealthCheckRequest, front.watch_health, streams=True)
    for path in reflection.PATHS:
        methods[path] = Method(reflection.ServerReflectionRequest, reflection.server_reflection_info, streams=True)
    return methods


class GrpcFront:
    """One handler a procedure, each from a request message and a deadline to a response message.

    Args:
        core: A `Core`.
        as_content: Whether Predict answers in `tensor_content` (`--enable_serialization_as_tensor_content`).
    """

    def __init__(self, core, as_content=False):
        self._core = core
        self._as_content = as_content

    async def predict(self, call, deadline):
        """Answer a `PredictCall` with the bytes of a `PredictResponse`."""
        spec, outputs = await self._core.predict(call.spec, call.read_inputs, call.output_filter, deadline)
        response = encode_response(spec, outputs, self._as_content)
        log = self._core.logs.find(spec.name)
        if log is not None:
            log.write("predict", call.message(), PredictResponse.FromString(response), spec)
        return response

    async def classify(self, request, deadline):
        """Answer a `ClassificationRequest`."""
        spec, result = await self._core.classify(request_spec(request), request.input, deadline)
        response = protocol.ClassificationResponse(result=result)
        fill_spec(response.model_spec, spec)
        return self._logged("classify", request, response, spec)

    async def regress(self, request, deadline):
        """Answer a `RegressionRequest`."""
        spec, result = await self._core.regress(request_spec(request), request.input, deadline)
        response = protocol.RegressionResponse(result=result)
        fill_spec(response.model_spec, spec)
        return self._logged("regress", request, response, spec)

    async def multi_inference(self, request, deadline):
        """Answer a `MultiInferenceRequest`."""
        spec, response = await self._core.multi_inference(request, read_spec, deadline)
        return self._logged("multi_inference", request, response, spec)

    def _logged(self, kind, request, response, spec):
        log = self._core.logs.find(spec.name)
        if log is not None:
            log.write(kind, request, response, spec)
        return response

    async def get_model_metadata(self, request, deadline):
        """Answer a `GetModelMetadataRequest`."""
        spec = request_spec(request)
        if not request.metadata_field:
            wording = "GetModelMetadataRequest must specify at least one metadata_field"
            raise ServingError("INVALID_ARGUMENT", f"{wording}: 'signature_def'")
        for field in request.metadata_field:
            if field != "signature_def":
                wording = f"Metadata field {field[:100]} is not supported"
                raise ServingError("INVALID_ARGUMENT", f"{wording}; metadata_field must be 'signature_def'")
        spec, signature_defs = self._core.metadata(spec)
        response = protocol.GetModelMetadataResponse()
        fill_spec(response.model_spec, spec)
        response.metadata["signature_def"].Pack(signature_defs)
        return response

    async def get_model_status(self, request, deadline):
        """Answer a `GetModelStatusRequest`."""
        response = protocol.GetModelStatusResponse()
        for status in await self._core.status(request_spec(request)):
            entry = response.model_version_status.add(version=status.version, state=status.state)
            entry.status.error_code = GRPC_CODES[status.error_code]
            entry.status.error_message = status.error_message
        return response

    async def reload_config(self, request, deadline):
        """Answer a `ReloadConfigRequest`; models load meanwhile, and requests are answered."""
        if request.config.WhichOneof("config") != "model_config_list":
            wording = "ServerModelConfig type not supported by HandleReloadConfigRequest."
            raise ServingError("INVALID_ARGUMENT", f"{wording} Only ModelConfigList is currently supported")
        await self._core.reload(request.config)
        response = protocol.ReloadConfigResponse()
        response.status.SetInParent()
        return response

    async def check_health(self, request, deadline):
        """Answer a `HealthCheckRequest`."""
        return await health.check(self._core, request)

    async def watch_health(self, requests):
        """Answer a `HealthCheckRequest` with every change from now on."""
        async for request in requests:
            async for response in health.watch(self._core, request):
                yield response
