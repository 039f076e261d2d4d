"""What each operation does, step by step: one account for clients that wait and clients that do not."""

from serving.client.calls import ClientError
from serving.client.inputs import to_arrays
from serving.client.retries import attempts, deadline_after
from serving.errors import ServingError
from serving.signatures import DEFAULT_SIGNATURE

# What a request may be refused with when the model it was made for has made way for another.
_OUTDATED = ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "ABORTED")
_NO_ANSWER = ("UNAVAILABLE", "CANCELLED", "DEADLINE_EXCEEDED")
# How a server answers that has no readiness of its own.
_NOT_OFFERED = ("UNIMPLEMENTED", "NOT_FOUND", "INVALID_ARGUMENT")


class Flows:
    """Makes the flows of a client: generators that `serving.client.calls.advance` takes from step to step.

    Args:
        calls: The module `grpc_calls` or `rest_calls`.
        retries: How many more times a call may be sent.
    """

    def __init__(self, calls, retries):
        self._calls, self._retries = calls, retries
        self._signatures = {}

    def answer(self, name, timeout, *arguments):
        """Make one call: the function `name` of the calls' module, with these arguments."""
        return (yield from self._attempts(getattr(self._calls, name)(*arguments), deadline_after(timeout)))

    def predict(self, spec, inputs, output_filter, timeout):
        """Run a model, after asking what it takes if that is not known yet."""
        deadline, model = deadline_after(timeout), spec._replace(signature_name="")
        known, refusal = self._signatures.get(model), None
        if known is not None:
            try:
                return (yield from self._predict(known, spec, inputs, output_filter, deadline))
            except ServingError as error:
                if error.code not in _OUTDATED:
                    raise
                refusal = error
        fresh = self._signatures[model] = yield from self._attempts(self._calls.metadata(model), deadline)
        if refusal is not None and _interfaces(fresh) == _interfaces(known):
            raise refusal
        return (yield from self._predict(fresh, spec, inputs, output_filter, deadline))

    def _predict(self, signatures, spec, inputs, output_filter, deadline):
        signature = signatures.get(spec.signature_name or DEFAULT_SIGNATURE)
        if signature is None:
            accepted, received = ", ".join(sorted(signatures)), spec.signature_name
            message = f"the signatures of model {spec.name!r} are {accepted}. Received: {received!r}"
            raise ClientError("INVALID_ARGUMENT", message)
        arrays = to_arrays(inputs, signature.inputs)
        call = self._calls.predict(spec, arrays, signature, output_filter)
        return (yield from self._attempts(call, deadline))

    def ready(self, models, timeout):
        """Ask for the server's readiness, or where it has none for that of these `ModelSpec`s."""
        deadline = deadline_after(timeout)
        try:
            return (yield from attempts(self._calls.ready(), 0, deadline))
        except ClientError as error:
            if error.code in _NO_ANSWER:
                return False
            if error.code not in _NOT_OFFERED:
                raise
        if not models:
            raise ClientError("UNIMPLEMENTED", "the server has no readiness of its own: name the models to ask for")
        return (yield from self._all_available(models, deadline))

    def _all_available(self, models, deadline):
        for model in models:
            try:
                statuses = yield from attempts(self._calls.status(model), 0, deadline)
            except ClientError as error:
                if error.code in ("NOT_FOUND", *_NO_ANSWER):
                    return False
                raise
            if not any(status.state == "AVAILABLE" for status in statuses):
                return False
        return True

    def _attempts(self, call, deadline):
        return attempts(call, self._retries, deadline)


def _interfaces(signatures):
    return {name: (signature.inputs, signature.outputs) for name, signature in signatures.items()}
