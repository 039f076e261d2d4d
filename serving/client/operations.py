"""What a client can ask. Written once: `Client` gives the answers, `AsyncClient` gives awaitables of them."""

from serving.client import grpc_calls, rest_calls
from serving.client.address import Tls, parse_address
from serving.client.flows import Flows
from serving.signatures import DEFAULT_SIGNATURE
from serving.specs import ModelSpec

TIMEOUT_SECONDS = 60


class Operations:
    """The operations of both clients; a subclass knows how to send.

    Every operation takes `timeout`, the seconds for all of it with its retries (None for no bound), and raises
    `ClientError` if the server refuses, cannot be reached or does not answer in time. Operations on a model take
    `version`, a number, or `label`, a version's label; without either the newest version answers.

    Args:
        address: `"host:port"`, `"grpc://host:port"`, `"grpcs://host:port"` or `"unix:/path"` for gRPC,
            `"http://host:port"` or `"https://host:port"` for REST.
        tls: A `Tls`, for `grpcs://` and `https://` alone; None for the certificates that the system trusts.
        retries: How many more times a request is sent that was answered with UNAVAILABLE or not at all, with growing
            pauses: 5 take about two seconds, 15 outlast a server's restart of ten seconds.
        compress: Whether requests are compressed by gzip; answers are taken compressed either way.

    Raises:
        ValueError: If the address has another form, `tls` is given for one without TLS, or `retries` is negative.
    """

    def __init__(self, address, *, tls=None, retries=5, compress=False):
        parsed = parse_address(address)
        if tls is not None and not parsed.secure:
            raise ValueError(f"tls needs an address with grpcs:// or https://. Received: {address}")
        if retries < 0:
            raise ValueError(f"retries must be 0 or more. Received: {retries}")
        self._flows = Flows(rest_calls if parsed.rest else grpc_calls, retries)
        self._transport = self._open(parsed, tls or Tls(), compress)

    def predict(
        self,
        model,
        inputs,
        signature_name=DEFAULT_SIGNATURE,
        version=None,
        timeout=TIMEOUT_SECONDS,
        *,
        label=None,
        output_filter=(),
    ):
        """Run a model.

        Args:
            model: The model's name.
            inputs: Input names to numpy arrays, numbers, text, bytes, or nested lists of them; numbers are converted
                to the dtype that the signature asks for where that keeps their kind.
            signature_name: The signature's name.
            version: The version's number.
            timeout: Seconds.
            label: The version's label.
            output_filter: Names of the outputs to give; all when empty.

        Returns:
            Output names to numpy arrays; strings come as `object` arrays of bytes.
        """
        spec = _spec(model, version, label, signature_name)
        return self._run(self._flows.predict(spec, inputs, tuple(output_filter), timeout))

    def classify(
        self,
        model,
        examples,
        signature_name=DEFAULT_SIGNATURE,
        version=None,
        timeout=TIMEOUT_SECONDS,
        *,
        label=None,
        context=None,
    ):
        """Ask a signature of the classify kind for the classes of examples.

        Args:
            model: The model's name.
            examples: A list of dicts: feature names to numbers, text, bytes, arrays or lists of them, which become
                `tf.Example`s.
            signature_name: The signature's name.
            version: The version's number.
            timeout: Seconds.
            label: The version's label.
            context: Features that all examples share, or None.

        Returns:
            For each example a list of `(label, score)`.
        """
        spec = _spec(model, version, label, signature_name)
        return self._run(self._flows.answer("classify", timeout, spec, examples, context))

    def regress(
        self,
        model,
        examples,
        signature_name=DEFAULT_SIGNATURE,
        version=None,
        timeout=TIMEOUT_SECONDS,
        *,
        label=None,
        context=None,
    ):
        """Ask a signature of the regress kind for a number an example.

        Args:
            model: The model's name.
            examples: As for `classify`.
            signature_name: The signature's name.
            version: The version's number.
            timeout: Seconds.
            label: The version's label.
            context: Features that all examples share, or None.

        Returns:
            A float32 array of shape (number of examples,).
        """
        spec = _spec(model, version, label, signature_name)
        return self._run(self._flows.answer("regress", timeout, spec, examples, context))

    def multi_inference(
        self,
        model,
        examples,
        classify=(),
        regress=(),
        version=None,
        timeout=TIMEOUT_SECONDS,
        *,
        label=None,
        context=None,
    ):
        """Ask several signatures about the same examples at once; gRPC only.

        Args:
            model: The model's name.
            examples: As for `classify`.
            classify: Names of signatures of the classify kind.
            regress: Names of signatures of the regress kind.
            version: The version's number.
            timeout: Seconds.
            label: The version's label.
            context: Features that all examples share, or None.

        Returns:
            Signature names to what `classify` or `regress` would give.
        """
        spec = _spec(model, version, label)
        arguments = spec, tuple(classify), tuple(regress), examples, context
        return self._run(self._flows.answer("multi_inference", timeout, *arguments))

    def metadata(self, model, version=None, timeout=TIMEOUT_SECONDS, *, label=None):
        """Ask what a model takes and gives.

        Args:
            model: The model's name.
            version: The version's number.
            timeout: Seconds.
            label: The version's label.

        Returns:
            Signature names to `serving.signatures.Signature`.
        """
        return self._run(self._flows.answer("metadata", timeout, _spec(model, version, label)))

    def status(self, model, version=None, timeout=TIMEOUT_SECONDS, *, label=None):
        """Ask for the state of a model's versions.

        Args:
            model: The model's name.
            version: The version's number; None for all.
            timeout: Seconds.
            label: A version's label.

        Returns:
            A list of `serving.specs.VersionStatus`, newest first.
        """
        return self._run(self._flows.answer("status", timeout, _spec(model, version, label)))

    def reload(self, config, timeout=TIMEOUT_SECONDS):
        """Give the server another model config; gRPC only, and never sent twice.

        Args:
            config: A `ModelServerConfig`, as text or as a message of any of its Python classes.
            timeout: Seconds, within which the new models must be loaded.
        """
        return self._run(self._flows.answer("reload", timeout, config))

    def ready(self, *models, timeout=TIMEOUT_SECONDS):
        """Ask once whether the server is ready; one that cannot be reached is not.

        Args:
            models: Names of models to ask for where the server itself cannot tell, as TensorFlow Serving cannot over
                REST: it is ready when each has a version that is available.
            timeout: Seconds.

        Returns:
            True or False.
        """
        return self._run(self._flows.ready([ModelSpec(name) for name in models], timeout))


def _spec(name, version, label, signature_name=""):
    if version is not None and label is not None:
        raise ValueError(f"version and label exclude each other. Received: version={version}, label={label!r}")
    return ModelSpec(name, version, signature_name, label)


def check_many(window, errors):
    """Refuse arguments of `predict_many` that make no sense, before anything is sent."""
    if window < 1:
        raise ValueError(f"window must be 1 or more. Received: {window}")
    if errors not in ("raise", "return"):
        raise ValueError(f"errors must be 'raise' or 'return'. Received: {errors!r}")
