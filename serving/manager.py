"""All models: started together, kept in line with their folders, and changed by a new config."""

import concurrent.futures
import logging
import os
import threading

from serving.config import model_configs, read_model_config
from serving.config_protos import ConfigError
from serving.errors import ServingError
from serving.runner import RunnerOptions
from serving.served_model import Loader, ServedModel, not_found, require_available

log = logging.getLogger("serving")

# What version a label may name: one that is available; one that is not, if the label is new; any.
LABEL_RULES = ("available", "unused", "any")


class Manager:
    """All models, kept in line with their folders.

    Args:
        configs: A list of `ModelConfig`.
        options: `RunnerOptions`.
        poll_wait_seconds: The pause between two looks at the folders; 0 looks once, at the start.
        load_threads: Versions loaded at a time; 0 for one a core.
        max_load_retries: Tries after a version's first failure.
        load_retry_seconds: The pause between them.
        label_rule: One of `LABEL_RULES`.
        config_file: The model config file, to be read again and again.
        config_poll_wait_seconds: The pause between two looks at it; 0 for none.
    """

    def __init__(
        self,
        configs,
        options,
        poll_wait_seconds=1,
        *,
        load_threads=0,
        max_load_retries=5,
        load_retry_seconds=60.0,
        label_rule="available",
        config_file="",
        config_poll_wait_seconds=0,
    ):
        workers = load_threads or os.cpu_count() or 1
        self._pool = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="load-version")
        self._loader = Loader(self._pool, options, max_load_retries, load_retry_seconds)
        self._label_rule = label_rule
        self._config_file = config_file
        # Replaced, never changed, so that requests read it without a lock.
        self._models = {config.name: ServedModel(config, self._loader) for config in configs}
        self._reloading = threading.Lock()
        self._stopping = threading.Event()
        self._config_complaint = ""
        self._threads = [
            threading.Thread(target=self._repeat, args=(action, seconds), name=name, daemon=True)
            for name, action, seconds in (
                ("poll-models", self._look, poll_wait_seconds),
                ("poll-config", self._look_at_config, config_poll_wait_seconds if config_file else 0),
            )
            if seconds
        ]

    @classmethod
    def from_flags(cls, flags, replay=None, metrics=None):
        """Make the manager that the command line asks for.

        Args:
            flags: What `parse_flags` returned.
            replay: See `RunnerOptions`.
            metrics: See `RunnerOptions`.

        Returns:
            A `Manager`, not started.
        """
        rule = "available"
        if flags.force_allow_any_version_labels_for_unavailable_models:
            rule = "any"
        elif flags.allow_version_labels_for_unavailable_models:
            rule = "unused"
        return cls(
            flags.models,
            RunnerOptions.from_flags(flags, replay, metrics),
            flags.file_system_poll_wait_seconds,
            load_threads=flags.num_load_threads,
            max_load_retries=flags.max_num_load_retries,
            load_retry_seconds=max(flags.load_retry_interval_micros, 0) / 1e6,
            label_rule=rule,
            config_file=flags.model_config_file,
            config_poll_wait_seconds=flags.model_config_file_poll_wait_seconds,
        )

    def start(self, require=True):
        """Load what is there, then go on looking in the background.

        Args:
            require: Whether a model whose versions all fail to load is an error. A folder without versions is none.

        Raises:
            ConfigError: If one fails, or a label names a version that it may not name yet.
        """
        try:
            self._check_labels(self.configs(), {})
            self.poll()
            if require:
                require_available(self._models.values())
        except ServingError as error:
            self.stop()
            raise ConfigError(error.message) from None
        for thread in self._threads:
            thread.start()

    def poll(self):
        """Look at every model's folder once, and wait until what is new there is loaded or has failed."""
        concurrent.futures.wait(self._look())

    def _look(self):
        return [loading for model in self._models.values() for loading in model.look()]

    def _repeat(self, action, seconds):
        while not self._stopping.wait(seconds):
            try:
                action()
            # The server outlives whatever a file system comes up with.
            except Exception:
                log.exception("a look at the files failed")

    def _look_at_config(self):
        try:
            config = read_model_config(self._config_file)
            wanted = model_configs(config)
            if wanted != self.configs():
                self.reload(config)
            self._config_complaint = ""
        except (ConfigError, ServingError) as error:
            # A label may have to wait for its version: so the next look tries again, without saying so.
            if str(error) != self._config_complaint:
                log.error("--model_config_file: nothing changes: %s", error)
            self._config_complaint = str(error)

    def reload(self, config):
        """Take over another config, all of it or nothing, and wait for the models that are new.

        Args:
            config: A `ModelServerConfig` message.

        Raises:
            ServingError: `INVALID_ARGUMENT` or `FAILED_PRECONDITION` if the config cannot be taken over, and nothing
                has changed; `UNKNOWN` if it was, but one of the new models did not become available.
        """
        if config.WhichOneof("config") == "custom_model_config":
            raise ServingError(
                "FAILED_PRECONDITION",
                "Cannot transition to requested config. It is only legal to transition from one ModelConfigList to "
                "another.",
            )
        if config.WhichOneof("config") is None:
            log.info("Taking no action for empty config.")
            return
        try:
            configs = model_configs(config)
        except ConfigError as error:
            raise ServingError("INVALID_ARGUMENT", str(error)) from None
        with self._reloading:
            self._check_labels(configs, self._models)
            require_available(self._take_over(configs), empty=False)

    def _take_over(self, configs):
        models, new = {}, []
        for config in configs:
            model = self._models.get(config.name)
            if model is not None and model.config.base_path == config.base_path:
                model.configure(config)
            else:
                model = ServedModel(config, self._loader)
                new.append(model)
            models[config.name] = model
        moved = {model.config.name for model in new} & self._models.keys()
        loading = [future for model in models.values() for future in model.look() if model in new]
        if moved:
            # A model that moves to another folder answers from the old one until it can from the new.
            concurrent.futures.wait(loading)
        old, self._models = self._models, models
        for name, model in old.items():
            if models.get(name) is not model:
                model.close()
        concurrent.futures.wait(loading)
        log.info("the models served are now: %s", ", ".join(models) or "none")
        return new

    def _check_labels(self, configs, models):
        for config in configs:
            model = models.get(config.name)
            available = {status.version for status in model.statuses() if status.state == "AVAILABLE"} if model else ()
            used = dict(model.config.labels) if model else {}
            for label, number in config.labels:
                unused = used.get(label, number) == number
                if number in available or self._label_rule == "any" or (self._label_rule == "unused" and unused):
                    continue
                raise ServingError(
                    "FAILED_PRECONDITION",
                    f"Request to assign label to version {number} of model {config.name}, which is not currently "
                    f"available for inference. The label is {label!r}; "
                    f"--allow_version_labels_for_unavailable_models lets a label that is not in use be assigned before",
                )

    def stop(self):
        """Stop looking, and unload every version as soon as its last request is done."""
        self._stopping.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        for model in self._models.values():
            model.close()
        # What is still loading is not waited for: it finds that nobody wants it any more.
        self._pool.shutdown(wait=False)

    def acquire(self, name, number=None, label=None):
        """Find a model's version and keep it loaded until its `release` is called.

        Args:
            name: The model's name.
            number: The version's number; None for the highest available.
            label: The version's label, instead of its number.

        Returns:
            The `Version`.

        Raises:
            ServingError: `NOT_FOUND` if it is not available, `INVALID_ARGUMENT` if there is no name or no such label.
        """
        return self._find(name, number, label).acquire(number, label)

    def model(self, name):
        """Find a model by name.

        Args:
            name: The model's name.

        Returns:
            The `ServedModel`.

        Raises:
            ServingError: `NOT_FOUND` if there is none of that name, `INVALID_ARGUMENT` if the name is empty.
        """
        return self._find(name, None, None)

    def _find(self, name, number, label):
        if not name:
            raise ServingError("INVALID_ARGUMENT", "ModelSpec has no name specified.")
        models = self._models
        if name in models:
            return models[name]
        if label:
            raise ServingError("INVALID_ARGUMENT", f"Unrecognized servable version label: {label}")
        # Not a word more: clients that wait for a server compare it letter by letter.
        raise ServingError("NOT_FOUND", not_found(name, number))

    def status(self, name, number=None, label=None):
        """Tell the state of a model's versions.

        Args:
            name: The model's name.
            number: One version's number; None for all.
            label: One version's label, instead of its number.

        Returns:
            A list of `VersionStatus`, newest first.

        Raises:
            ServingError: `NOT_FOUND` if there is no such model or version, `INVALID_ARGUMENT` if no such label.
        """
        model = self._models.get(name)
        if label:
            number = self._find(name, None, label).number_of(label)
        statuses = model.statuses() if model is not None else []
        if number is None and not statuses:
            raise ServingError("NOT_FOUND", f"Could not find any versions of model {name}")
        chosen = [status for status in statuses if number in (None, status.version)]
        if not chosen:
            raise ServingError("NOT_FOUND", f"Could not find version {number} of model {name}")
        return chosen

    def statuses(self):
        """List every model's `VersionStatus`es by name."""
        return {name: model.statuses() for name, model in self._models.items()}

    def configs(self):
        """List the `ModelConfig` of every model."""
        return [model.config for model in self._models.values()]
