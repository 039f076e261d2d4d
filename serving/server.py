"""The server as a whole: models, core, fronts, and what watches them."""

import tensorflow as tf

from serving.batching import LaneOptions
from serving.config_protos import ConfigError
from serving.core import Core
from serving.errors import ServingError
from serving.fronts import Fronts
from serving.health import waiting
from serving.manager import Manager
from serving.metrics import Metrics
from serving.protocol import ModelServerConfig
from serving.replay import replay
from serving.siblings import PAGE, RELOAD, STATUS, WAITING
from serving.tls import server_context


class Server:
    """Serves what the command line asks for.

    Args:
        flags: What `parse_flags` returned.
        siblings: `Siblings`; None where this is the only process.
    """

    def __init__(self, flags, siblings=None):
        self._flags = flags
        metrics = self._make_metrics() if flags.monitoring else None
        self.manager = Manager.from_flags(flags, replay, metrics)
        options = LaneOptions(
            max_waiting=flags.max_waiting_requests,
            threads=max(flags.grpc_max_threads, flags.rest_api_num_threads),
            merge=flags.merge_requests,
            # As in TensorFlow Serving: where models bring their parameters, one that brings none is not batched.
            batching=None if flags.enable_per_model_batching_parameters else flags.batching,
            cores=flags.cores,
        )
        self.core = Core(self.manager, options, flags.enable_signature_method_name_check, metrics, siblings)
        if siblings is not None:
            siblings.on(RELOAD, lambda config: self.manager.reload(ModelServerConfig.FromString(config)))
            siblings.on(PAGE, lambda _: metrics.page())
            siblings.on(STATUS, lambda asked: self.manager.status(*asked))
            siblings.on(WAITING, lambda _: waiting(self.manager))
        tls = server_context(flags.ssl) if flags.ssl else None
        self._fronts = Fronts(self.core, flags, tls, {flags.monitoring: self.core.page} if metrics else None)

    @property
    def addresses(self):
        """What it listens on, as phrases."""
        return self._fronts.addresses

    def _make_metrics(self):
        metrics = Metrics()
        for name, help_text, read in (
            ("dlkeras_requests_in_flight", "Requests being answered.", lambda: self.core.in_flight),
            ("dlkeras_connections", "Open connections.", lambda: self._fronts.connections),
        ):
            metrics.watch(name, "gauge", help_text, (), lambda read=read: {(): read()})
        return metrics

    def load(self, config=None):
        """Load the models.

        Args:
            config: A `ModelServerConfig` message that replaces the command line's, as if it had been reloaded; or None.

        Raises:
            ConfigError: If one does not load.
        """
        self.manager.start()
        if config is not None:
            try:
                self.manager.reload(config)
            except ServingError as error:
                raise ConfigError(error.message) from None

    def listen(self):
        """Answer from now on.

        Raises:
            ConfigError: If an address cannot be listened on.
        """
        try:
            if self._flags.profiler_port:
                tf.profiler.experimental.server.start(self._flags.profiler_port)
            self._fronts.start()
        except BaseException:
            self.manager.stop()
            raise

    def describe(self):
        """Put the models and their available versions in a phrase."""
        models = []
        for name, statuses in self.manager.statuses().items():
            numbers = [str(status.version) for status in statuses if status.state == "AVAILABLE"]
            models.append(f"{name} ({', '.join(numbers) or 'no version'})")
        return f"models: {', '.join(models)}"

    def stop(self):
        """Answer what was asked, and end."""
        self._fronts.stop()
        self.manager.stop()
        self.core.logs.close()
