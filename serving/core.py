"""The one place that answers: both transports only translate to and from this."""

import logging

from serving.errors import ServingError, from_exception
from serving.signatures import DEFAULT_SIGNATURE
from serving.specs import ModelSpec

log = logging.getLogger("serving")


class Core:
    """Answers requests from the models of a manager.

    Args:
        manager: A `Manager`.
    """

    def __init__(self, manager):
        self._manager = manager

    def predict(self, spec, read_inputs, output_filter=()):
        """Run a signature.

        Args:
            spec: A `ModelSpec`.
            read_inputs: A function from the `Signature` to the inputs: names to numpy arrays.
            output_filter: The names of the outputs wanted; empty for all.

        Returns:
            The `ModelSpec` that answered, and its outputs: names to numpy arrays.

        Raises:
            ServingError: If the request cannot be answered; the server goes on.
        """
        name = spec.signature_name or DEFAULT_SIGNATURE
        with self._manager.model(spec.name).use(spec.version) as version:
            try:
                signature = version.runner.signature(name)
                inputs = signature.check_inputs(read_inputs(signature), name)
                outputs = version.runner.run(name, inputs, signature.select_outputs(output_filter, name))
            except ServingError:
                raise
            # A model may raise anything; no request may end the server.
            except Exception as error:
                failure = from_exception(error)
                if failure.code == "INTERNAL":
                    log.exception("model %s: a request failed", spec.name)
                raise failure from error
            return ModelSpec(spec.name, version.number, name), outputs

    def metadata(self, spec):
        """Describe a model's signatures.

        Args:
            spec: A `ModelSpec`; its signature name does not matter.

        Returns:
            The `ModelSpec` that answered, and a `SignatureDefMap` message.

        Raises:
            ServingError: `NOT_FOUND` or `UNAVAILABLE`.
        """
        with self._manager.model(spec.name).use(spec.version) as version:
            return ModelSpec(spec.name, version.number), version.runner.signature_defs

    def status(self, spec):
        """Tell the state of a model's versions.

        Args:
            spec: A `ModelSpec`; version None for all.

        Returns:
            A list of `VersionStatus`, newest first.

        Raises:
            ServingError: `NOT_FOUND` if there is no such model or version.
        """
        statuses = self._manager.model(spec.name).statuses()
        if spec.version is None:
            return statuses
        chosen = [status for status in statuses if status.version == spec.version]
        if not chosen:
            known = ", ".join(str(status.version) for status in statuses) or "none"
            message = f"model {spec.name!r} has the versions {known}. Received: version {spec.version}"
            raise ServingError("NOT_FOUND", message)
        return chosen
