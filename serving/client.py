"""A client for this server and for TensorFlow Serving. It does not import TensorFlow."""

import numpy as np

from serving.errors import ServingError
from serving.signatures import DEFAULT_SIGNATURE
from serving.specs import ModelSpec
from serving.tensors import string_array
from serving.transports import ClientError, GrpcTransport, RestTransport

__all__ = ["Client", "ClientError"]

TIMEOUT_SECONDS = 60


class Client:
    """Calls models on a server. Safe to use from many threads, and as a context manager.

    Args:
        address: `"host:port"` or `"grpc://host:port"` for gRPC, `"http://host:port"` for REST.

    Raises:
        ValueError: If the address has another form.
    """

    def __init__(self, address):
        scheme, separator, rest = address.rpartition("://")
        if scheme not in ("", "grpc", "http") or not rest or (separator and not scheme):
            raise ValueError(f"address must be host:port, grpc://host:port or http://host:port. Received: {address}")
        self._transport = RestTransport(address) if scheme == "http" else GrpcTransport(rest)
        self._signatures = {}

    def predict(self, model, inputs, signature_name=DEFAULT_SIGNATURE, version=None, timeout=TIMEOUT_SECONDS):
        """Run a model.

        Args:
            model: The model's name.
            inputs: Input names to numpy arrays, numbers, text, bytes, or nested lists of them; numbers are converted
                to the dtype that the signature asks for where that keeps their kind.
            signature_name: The signature's name.
            version: The version's number; None for the newest.
            timeout: Seconds to wait for the answer.

        Returns:
            Output names to numpy arrays; strings come as `object` arrays of bytes.

        Raises:
            ClientError: If the server refuses or cannot be reached.
        """
        spec = ModelSpec(model, version, signature_name)
        try:
            signature = self._signature(spec, timeout)
            arrays = {name: _as_array(value, signature.inputs.get(name), name) for name, value in inputs.items()}
            return self._transport.predict(spec, arrays, signature, timeout)
        except ServingError as error:
            # A newer version may have other inputs: ask anew next time.
            self._signatures.pop(spec, None)
            if isinstance(error, ClientError):
                raise
            raise ClientError(error.code, error.message) from None

    def _signature(self, spec, timeout):
        if spec not in self._signatures:
            signatures = self._transport.metadata(spec, timeout)
            if spec.signature_name not in signatures:
                accepted = ", ".join(sorted(signatures))
                message = f"the signatures of model {spec.name!r} are {accepted}. Received: {spec.signature_name!r}"
                raise ClientError("INVALID_ARGUMENT", message)
            self._signatures[spec] = signatures[spec.signature_name]
        return self._signatures[spec]

    def metadata(self, model, version=None, timeout=TIMEOUT_SECONDS):
        """Ask what a model takes and gives.

        Args:
            model: The model's name.
            version: The version's number; None for the newest.
            timeout: Seconds to wait for the answer.

        Returns:
            Signature names to `serving.signatures.Signature`.

        Raises:
            ClientError: If the server refuses or cannot be reached.
        """
        return self._transport.metadata(ModelSpec(model, version), timeout)

    def status(self, model, version=None, timeout=TIMEOUT_SECONDS):
        """Ask for the state of a model's versions.

        Args:
            model: The model's name.
            version: The version's number; None for all.
            timeout: Seconds to wait for the answer.

        Returns:
            A list of `serving.specs.VersionStatus`, newest first.

        Raises:
            ClientError: If the server refuses or cannot be reached.
        """
        return self._transport.status(ModelSpec(model, version), timeout)

    def close(self):
        """Close the connection."""
        self._transport.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _as_array(value, spec, name):
    if spec is not None and spec.dtype.kind == "O":
        return string_array(value)
    try:
        array = np.asarray(value)
        array = string_array(value) if array.dtype.kind in "OUS" else array
    except ValueError:
        message = f"input {name!r} must be a rectangular (nested) list. Received: lists of unequal length"
        raise ClientError("INVALID_ARGUMENT", message) from None
    # An input that the signature does not have, or of the wrong kind, goes as it is: the server says what is wrong.
    if spec is not None and (array.size == 0 or _keeps_values(array, spec.dtype)):
        return array.astype(spec.dtype, copy=False)
    return array


def _keeps_values(array, dtype):
    if dtype.kind in "iu" and array.dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return limits.min <= int(array.min()) and int(array.max()) <= limits.max
    return dtype.kind not in "biu" and array.dtype.kind in "iufV"
