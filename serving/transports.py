"""How the client reaches a server: gRPC, or REST with the standard library alone. No TensorFlow."""

import http.client
import threading
import urllib.parse

import grpc
from google.protobuf import json_format

from serving import protocol
from serving.codecs import decode_array, encode_request, parse
from serving.errors import GRPC_CODES, HTTP_STATUS, ServingError
from serving.signatures import Signature
from serving.specs import VersionStatus
from serving.tensors import to_array, to_proto

_HTTP_CODES = {status: code for code, status in reversed(HTTP_STATUS.items())} | {
    413: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
}
_GRPC_NAMES = {number: name for name, number in GRPC_CODES.items()}
_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class ClientError(ServingError):
    """What went wrong, in the server's own words: `code` is a gRPC status code name, `message` a sentence."""


class GrpcTransport:
    """Speaks gRPC. Safe to use from many threads.

    Args:
        address: `"host:port"`.
    """

    def __init__(self, address):
        self.address = address
        self._channel = grpc.insecure_channel(address, options=_OPTIONS)
        self._calls = {
            method.name: self._channel.unary_unary(
                method.path, method.request.SerializeToString, method.response.FromString
            )
            for service in (protocol.PREDICTION_SERVICE, protocol.MODEL_SERVICE)
            for method in protocol.methods(service)
        }

    def predict(self, spec, arrays, signature, timeout):
        """Run a signature; `signature` is not needed, the answer carries its dtypes."""
        request = protocol.PredictRequest()
        _fill(request.model_spec, spec)
        for name, array in arrays.items():
            to_proto(array, content=True, proto=request.inputs[name])
        response = self._call("Predict", request, timeout)
        return {name: to_array(tensor) for name, tensor in sorted(response.outputs.items())}

    def metadata(self, spec, timeout):
        """Ask for the signatures: names to `Signature`."""
        request = protocol.GetModelMetadataRequest(metadata_field=["signature_def"])
        _fill(request.model_spec, spec)
        response = self._call("GetModelMetadata", request, timeout)
        signature_defs = protocol.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signature_defs)
        return _signatures(signature_defs)

    def status(self, spec, timeout):
        """Ask for the state of the versions: a list of `VersionStatus`."""
        request = protocol.GetModelStatusRequest()
        _fill(request.model_spec, spec)
        state = protocol.ModelVersionStatus.State.Name
        return [
            VersionStatus(
                entry.version,
                state(entry.state),
                _GRPC_NAMES.get(entry.status.error_code, "UNKNOWN"),
                entry.status.error_message,
            )
            for entry in self._call("GetModelStatus", request, timeout).model_version_status
        ]

    def _call(self, name, request, timeout):
        try:
            return self._calls[name](request, timeout=timeout)
        except grpc.RpcError as error:
            code, details = error.code().name, error.details()
            if code in ("UNAVAILABLE", "DEADLINE_EXCEEDED"):
                details = f"no answer from {self.address}: {details}"
            raise ClientError(code, details) from None

    def close(self):
        """Close the connection."""
        self._channel.close()


class RestTransport:
    """Speaks REST over one kept-alive connection a thread.

    Args:
        address: `"http://host:port"`.
    """

    def __init__(self, address):
        self.address = address.rstrip("/")
        self._parts = urllib.parse.urlsplit(self.address)
        self._local = threading.local()

    def predict(self, spec, arrays, signature, timeout):
        """Run a signature; the answer's numbers are read by the outputs of `signature`."""
        body = encode_request(spec.signature_name, arrays)
        outputs = self._call("POST", _path(spec) + ":predict", body, timeout)["outputs"]
        outputs = _named(outputs, signature)
        return {name: decode_array(value, signature.outputs[name], name) for name, value in outputs.items()}

    def metadata(self, spec, timeout):
        """Ask for the signatures: names to `Signature`."""
        answer = self._call("GET", _path(spec) + "/metadata", None, timeout)
        return _signatures(json_format.ParseDict(answer["metadata"]["signature_def"], protocol.SignatureDefMap()))

    def status(self, spec, timeout):
        """Ask for the state of the versions: a list of `VersionStatus`."""
        answer = self._call("GET", _path(spec), None, timeout)
        return [
            VersionStatus(
                int(entry["version"]), entry["state"], entry["status"]["error_code"], entry["status"]["error_message"]
            )
            for entry in answer["model_version_status"]
        ]

    def _call(self, method, path, body, timeout):
        try:
            status, text = self._send(method, self._parts.path + path, body, timeout)
        except TimeoutError:
            raise ClientError("DEADLINE_EXCEEDED", f"no answer from {self.address} in {timeout} s") from None
        except (OSError, http.client.HTTPException) as error:
            raise ClientError("UNAVAILABLE", f"no answer from {self.address}: {error}") from None
        if status == 200:
            return parse(text)
        try:
            message = parse(text)["error"]
        except (ServingError, KeyError, TypeError):
            message = f"{self.address} answered with HTTP status {status}"
        raise ClientError(_HTTP_CODES.get(status, "UNKNOWN"), message)

    def _send(self, method, path, body, timeout):
        reused = hasattr(self._local, "connection")
        if not reused:
            self._local.connection = http.client.HTTPConnection(self._parts.netloc)
        connection = self._local.connection
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        except TimeoutError:
            self.close()
            raise
        except (ConnectionError, http.client.HTTPException):
            self.close()
            if not reused:
                raise
        # The server may have closed an idle connection: that is no failure, a fresh one tells.
        return self._send(method, path, body, timeout)

    def close(self):
        """Close this thread's connection."""
        connection = self._local.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()


def _named(outputs, signature):
    if len(signature.outputs) == 1:
        return {next(iter(signature.outputs)): outputs}
    if not isinstance(outputs, dict) or outputs.keys() != signature.outputs.keys():
        raise ClientError("ABORTED", "a newer version of the model has other outputs: try again")
    return outputs


def _fill(message, spec):
    message.name = spec.name
    message.signature_name = spec.signature_name
    if spec.version is not None:
        message.version.value = spec.version


def _signatures(signature_defs):
    return {name: Signature.from_proto(proto) for name, proto in signature_defs.signature_def.items()}


def _path(spec):
    version = "" if spec.version is None else f"/versions/{spec.version}"
    return f"/v1/models/{urllib.parse.quote(spec.name, safe='')}{version}"
