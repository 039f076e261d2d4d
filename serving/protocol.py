"""TensorFlow Serving's messages and services, without importing TensorFlow.

`protocol.binpb` holds the definitions of the pinned tensorflow-serving-api. They live in a descriptor pool of their
own, so that these classes and TensorFlow's can be in one process. `python -m serving.make_protocol` writes the file.
"""

from pathlib import Path
from typing import NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

POOL = descriptor_pool.DescriptorPool()
for _file in descriptor_pb2.FileDescriptorSet.FromString(Path(__file__).with_name("protocol.binpb").read_bytes()).file:
    POOL.Add(_file)


def _message(name):
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(name))


TensorProto = _message("tensorflow.TensorProto")
ModelServerConfig = _message("tensorflow.serving.ModelServerConfig")
PredictionLog = _message("tensorflow.serving.PredictionLog")
ModelSpecMessage = _message("tensorflow.serving.ModelSpec")
SignatureDefMap = _message("tensorflow.serving.SignatureDefMap")
ModelVersionStatus = _message("tensorflow.serving.ModelVersionStatus")
ClassificationResult = _message("tensorflow.serving.ClassificationResult")
RegressionResult = _message("tensorflow.serving.RegressionResult")
MultiInferenceResponse = _message("tensorflow.serving.MultiInferenceResponse")
ClassificationResponse = _message("tensorflow.serving.ClassificationResponse")
RegressionResponse = _message("tensorflow.serving.RegressionResponse")
ReloadConfigResponse = _message("tensorflow.serving.ReloadConfigResponse")
ClassificationRequest = _message("tensorflow.serving.ClassificationRequest")
RegressionRequest = _message("tensorflow.serving.RegressionRequest")
Input = _message("tensorflow.serving.Input")
GetModelMetadataRequest = _message("tensorflow.serving.GetModelMetadataRequest")
GetModelMetadataResponse = _message("tensorflow.serving.GetModelMetadataResponse")
GetModelStatusRequest = _message("tensorflow.serving.GetModelStatusRequest")
GetModelStatusResponse = _message("tensorflow.serving.GetModelStatusResponse")
PredictRequest = _message("tensorflow.serving.PredictRequest")
PredictResponse = _message("tensorflow.serving.PredictResponse")


class Method(NamedTuple):
    """One remote procedure: its path on the wire and the classes it takes and answers."""

    name: str
    path: str
    request: type
    response: type


def methods(service):
    """List the unary methods of a service.

    Args:
        service: The full name, such as `"tensorflow.serving.PredictionService"`.

    Returns:
        A list of `Method`.
    """
    return [
        Method(
            method.name,
            f"/{service}/{method.name}",
            message_factory.GetMessageClass(method.input_type),
            message_factory.GetMessageClass(method.output_type),
        )
        for method in POOL.FindServiceByName(service).methods
        if not (method.client_streaming or method.server_streaming)
    ]


PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"
