"""The client's own message classes are TensorFlow Serving's."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

import serving.protocol
from serving.make_protocol import protocol_bytes


def test_committed_file_is_what_the_installed_package_gives():
    assert Path(serving.protocol.__file__).with_name("protocol.binpb").read_bytes() == protocol_bytes()


def test_messages_are_the_same_on_the_wire():
    theirs = predict_pb2.PredictRequest(output_filter=["y"])
    theirs.model_spec.name = "m"
    theirs.model_spec.version.value = 7
    theirs.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32([1, 2])))
    ours = serving.protocol.PredictRequest.FromString(theirs.SerializeToString())
    assert ours.model_spec.version.value == 7
    assert ours.SerializeToString(deterministic=True) == theirs.SerializeToString(deterministic=True)


def test_services_are_complete():
    names = [method.path for method in serving.protocol.methods(serving.protocol.PREDICTION_SERVICE)]
    assert names == [
        f"/tensorflow.serving.PredictionService/{name}"
        for name in ("Classify", "Regress", "Predict", "MultiInference", "GetModelMetadata")
    ]
