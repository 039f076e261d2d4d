"""Write `protocol.binpb` from the installed tensorflow-serving-api: `python -m serving.make_protocol`."""

import importlib
from pathlib import Path

from google.protobuf import descriptor_pb2

ROOTS = (
    "tensorflow_serving.apis.model_service_pb2",
    "tensorflow_serving.apis.prediction_log_pb2",
    "tensorflow_serving.apis.prediction_service_pb2",
    "tensorflow_serving.config.model_server_config_pb2",
)


def protocol_bytes():
    """Gather TensorFlow Serving's message and service definitions with everything they import.

    Returns:
        A serialized `FileDescriptorSet`, every file after the files it imports.
    """
    files = {}

    def add(descriptor):
        if descriptor.name in files:
            return
        for dependency in descriptor.dependencies:
            add(dependency)
        files[descriptor.name] = descriptor.serialized_pb

    for name in ROOTS:
        add(importlib.import_module(name).DESCRIPTOR)
    file_set = descriptor_pb2.FileDescriptorSet()
    for serialized in files.values():
        file_set.file.add().ParseFromString(serialized)
    return file_set.SerializeToString(deterministic=True)


if __name__ == "__main__":
    Path(__file__).with_name("protocol.binpb").write_bytes(protocol_bytes())
