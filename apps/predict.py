"""Ways to ask a model: one in this process, or one on a server. Pages and the command line are handed either.

Both are called alike: `predict({"image_bytes": [data]}, endpoint="serving_default", preset="cifar10")` gives a dict of
numpy arrays. This module imports neither Keras nor TensorFlow; a page on a server starts without them.
"""

import contextlib
import functools

from apps.presets import model_folder, served_name
from serving.client import Client, ClientError

# Where `dlkeras up` serves; shown by a page whose model is in its own process.
_DEFAULT_ADDRESS, _DEFAULT_REST = "127.0.0.1:8500", "http://127.0.0.1:8501"


class PredictError(ValueError):
    """An answer that could not be given. Its text is for the person who asked."""


class ServerPredict:
    """Asks a model server.

    Args:
        app_name: The app to ask.
        address: `host:port` for gRPC, `http://host:port` for REST.
        rest: REST address to show to people, where `address` is gRPC's.
        models: Folder that the server serves from, where it is on this machine: pages may then add models to it.
    """

    def __init__(self, app_name, address, rest=None, models=None):
        self.app_name = app_name
        self.models = models
        self.address = address
        self.rest = rest or _DEFAULT_REST
        self._client = Client(address)

    def __call__(self, inputs, endpoint="serving_default", preset=None):
        with _told():
            return self._client.predict(served_name(self.app_name, preset), inputs, signature_name=endpoint)

    def takes_text(self, endpoint="serving_default", preset=None):
        """Returns an endpoint's inputs: `{name: whether a row is bytes or a text, and no numbers and no list}`."""
        with _told():
            signatures = self._client.metadata(served_name(self.app_name, preset))
        inputs = _endpoint(signatures, endpoint).inputs
        return {name: spec.dtype.kind == "O" and len(spec.shape) == 1 for name, spec in inputs.items()}


class LocalPredict:
    """Asks a model in this process, rebuilt from its weights; each preset is loaded when it is first asked for.

    Args:
        app_name: The app to ask.
        directory: Folder of a run; by default the app's presets are asked.
    """

    def __init__(self, app_name, directory=None):
        from apps import registry

        self.app_name = app_name
        self.models = None
        self.address, self.rest = _DEFAULT_ADDRESS, _DEFAULT_REST
        self._app = registry.create(app_name)
        self._directory = directory

    @functools.cache  # noqa: B019 - as long-lived as the models it holds
    def _endpoints(self, preset):
        from apps.trained import open_trained

        trained = open_trained(self._app, model_folder(self.app_name, preset, self._directory))
        return {endpoint.name: endpoint for endpoint in self._app.endpoints(trained.model, trained.info)}

    def __call__(self, inputs, endpoint="serving_default", preset=None):
        from dlkeras.export import RequestError

        try:
            return _endpoint(self._endpoints(preset), endpoint)(inputs)
        except RequestError as error:
            raise PredictError(str(error)) from error

    def takes_text(self, endpoint="serving_default", preset=None):
        """Returns an endpoint's inputs: `{name: whether a row is bytes or a text, and no numbers and no list}`."""
        inputs = _endpoint(self._endpoints(preset), endpoint).inputs
        return {name: dtype == "string" and len(shape) == 1 for name, (shape, dtype) in inputs.items()}


@contextlib.contextmanager
def _told():
    try:
        yield
    except ClientError as error:
        raise PredictError(str(error)) from error


def _endpoint(endpoints, name):
    if name not in endpoints:
        raise PredictError(f"`endpoint` must be one of {', '.join(endpoints)}. Received: {name}")
    return endpoints[name]
