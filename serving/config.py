"""The models to serve, as TensorFlow Serving's `ModelServerConfig` names them."""

import logging
from pathlib import Path
from typing import NamedTuple

from serving.config_protos import ConfigError, read_text_proto
from serving.protocol import ModelServerConfig

log = logging.getLogger("serving")


class LoggingOptions(NamedTuple):
    """Which requests of a model are written to a file.

    Args:
        type: The kind of log collector.
        filename_prefix: What the files' names begin with.
        sampling_rate: The share of requests, in [0, 1].
    """

    type: str
    filename_prefix: str
    sampling_rate: float


class ModelConfig(NamedTuple):
    """One model to serve.

    Args:
        name: What requests call it.
        base_path: The folder that holds the numbered version folders.
        latest: How many of the highest versions to serve; None for all.
        versions: The versions to serve instead, when not empty.
        labels: Pairs of a label and the version it stands for.
        logging: `LoggingOptions`, or None to write no requests.
    """

    name: str
    base_path: str
    latest: int | None = 1
    versions: tuple = ()
    labels: tuple = ()
    logging: LoggingOptions | None = None

    def select(self, found):
        """Choose the versions to serve among those that exist.

        Args:
            found: Version numbers.

        Returns:
            A set of version numbers.
        """
        if self.versions:
            return set(found) & set(self.versions)
        return set(sorted(found, reverse=True)[: self.latest])


def read_model_config(path):
    """Read a text `ModelServerConfig`.

    Args:
        path: The file.

    Returns:
        The `ModelServerConfig` message.

    Raises:
        ConfigError: If the file is missing or malformed.
    """
    return read_text_proto(path, ModelServerConfig(), "--model_config_file")


def model_configs(config):
    """Check a `ModelServerConfig` and list its models.

    Args:
        config: The message.

    Returns:
        A list of `ModelConfig`.

    Raises:
        ConfigError: If the message asks for what this server has not got, or a base path does not exist.
    """
    if config.WhichOneof("config") == "custom_model_config":
        raise ConfigError("ModelServer does not yet support custom model config. model_config_list is accepted")
    models = [_model_config(model) for model in config.model_config_list.config]
    names = [model.name for model in models]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"Illegal to list model {name} multiple times in config list")
    for model in models:
        check_base_path(model)
    return models


def check_base_path(model):
    """Refuse a model whose folder does not exist.

    Args:
        model: A `ModelConfig`.

    Raises:
        ConfigError: If it does not.
    """
    if not Path(model.base_path).is_dir():
        raise ConfigError(f"Could not find base path {model.base_path} for servable {model.name}")


def _model_config(model):
    if not model.name or not model.base_path:
        raise ConfigError(f"a model needs a name and a base_path. Received: {model!s:.200}")
    _check_platform(model)
    common = {
        "name": model.name,
        "base_path": model.base_path,
        "labels": tuple(sorted(model.version_labels.items())),
        "logging": _logging_options(model),
    }
    policy = model.model_version_policy
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        return ModelConfig(**common, latest=None)
    if kind == "specific":
        if not policy.specific.versions:
            raise ConfigError(f"the policy 'specific' of model {model.name} must list versions. Received: none")
        return ModelConfig(**common, versions=tuple(policy.specific.versions))
    return ModelConfig(**common, latest=policy.latest.num_versions or 1)


def _check_platform(model):
    if model.model_type and model.model_platform:
        raise ConfigError(
            "Illegal setting both ModelServerConfig::model_type (deprecated) and ModelServerConfig::model_platform."
        )
    if model.model_type:
        log.warning("Deprecated ModelServerConfig::model_type field used. Prefer ModelServerConfig::model_platform.")
        kinds = model.DESCRIPTOR.fields_by_name["model_type"].enum_type.values_by_name
        if model.model_type != kinds["TENSORFLOW"].number:
            raise ConfigError(f"ModelServerConfig::model_type choice {model.model_type} not supported.")
    if model.model_platform not in ("", "tensorflow"):
        raise ConfigError(
            f"Model {model.name} requests unsupported platform {model.model_platform}. model_platform must be "
            f"'tensorflow'"
        )


def _logging_options(model):
    if not model.HasField("logging_config"):
        return None
    collector, rate = model.logging_config.log_collector_config, model.logging_config.sampling_config.sampling_rate
    if not 0 <= rate <= 1:
        raise ConfigError(f"sampling_rate of model {model.name} must be in [0, 1]. Received: {rate}")
    if rate and not collector.filename_prefix:
        raise ConfigError(f"logging_config of model {model.name} must give a filename_prefix. Received: none")
    return LoggingOptions(collector.type, collector.filename_prefix, rate)
