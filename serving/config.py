"""The command line: `tensorflow_model_server`'s own flags and config file."""

import argparse
import os
from pathlib import Path
from typing import NamedTuple

from google.protobuf import text_format

from serving.protocol import ModelServerConfig


class ConfigError(Exception):
    """A command line or config file that cannot be served; the message names the flag to change."""


class ModelConfig(NamedTuple):
    """One model to serve.

    Args:
        name: What requests call it.
        base_path: The folder that holds the numbered version folders.
        latest: How many of the highest versions to serve; None for all.
        versions: The versions to serve instead, when not empty.
    """

    name: str
    base_path: str
    latest: int | None = 1
    versions: tuple = ()

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


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise ConfigError(message)


def make_parser():
    """Build the parser of the command line.

    Returns:
        An `argparse.ArgumentParser` that raises `ConfigError`.
    """
    parser = _Parser(
        prog="python -m serving",
        description="Serve numbered SavedModel folders in TensorFlow Serving's own protocol.",
        epilog="Flags are tensorflow_model_server's own, but for --bind_address and --max_request_bytes.",
        allow_abbrev=False,
    )
    threads = 4 * (os.cpu_count() or 1)
    add = parser.add_argument
    add("--port", type=_port, default=8500, help="gRPC port; 0 for none (default: %(default)s)")
    add("--rest_api_port", type=_port, default=0, help="HTTP/REST port; 0 for none (default: %(default)s)")
    add("--bind_address", default="127.0.0.1", help="address to listen on; 0.0.0.0 for all (default: %(default)s)")
    add("--model_name", default="default", help="name of the one model (default: %(default)s)")
    add("--model_base_path", default="", help="its folder, which holds the numbered version folders")
    add("--model_config_file", default="", help="text ModelServerConfig naming several models instead")
    add("--saved_model_tags", default="serve", help="comma-separated tags of the graph to load (default: %(default)s)")
    add("--file_system_poll_wait_seconds", type=_count, default=1, metavar="SECONDS",
        help="pause between looks for new versions; 0 looks once, at the start (default: %(default)s)")  # fmt: skip
    add("--grpc_max_threads", type=_positive, default=threads, metavar="N",
        help="gRPC requests worked on at a time (default: 4 a core, here %(default)s)")  # fmt: skip
    add("--rest_api_num_threads", type=_positive, default=threads, metavar="N",
        help="REST requests worked on at a time (default: 4 a core, here %(default)s)")  # fmt: skip
    add("--grpc_channel_arguments", type=_channel_arguments, default=(), metavar="KEY=VALUE,...",
        help="options for the gRPC server, such as grpc.max_connection_age_ms=2000")  # fmt: skip
    add("--max_request_bytes", type=_positive, default=256 * 2**20, metavar="BYTES",
        help="larger requests are refused unread (default: 256 MiB)")  # fmt: skip
    add("--tensorflow_session_parallelism", type=_count, default=0, metavar="N",
        help="sets both of the following; 0 to choose (default: %(default)s)")  # fmt: skip
    add("--tensorflow_intra_op_parallelism", type=_count, default=0, metavar="N",
        help="threads that share one operation; 0 for one a core (default: %(default)s)")  # fmt: skip
    add("--tensorflow_inter_op_parallelism", type=_count, default=0, metavar="N",
        help="threads that run operations side by side; 0 for one, or one a core for models with loops")  # fmt: skip
    return parser


def parse_flags(argv):
    """Read and check the command line.

    Args:
        argv: A list of strings, without the program's name.

    Returns:
        The flags by name (an `argparse.Namespace`), with `models`, a list of `ModelConfig`.

    Raises:
        ConfigError: If a flag is unknown or its value cannot be used.
    """
    flags = make_parser().parse_args(argv)
    if flags.port == flags.rest_api_port:
        if flags.port:
            raise ConfigError(f"--port and --rest_api_port must differ. Received: {flags.port} for both")
        raise ConfigError("--port or --rest_api_port must be above 0. Received: 0 for both")
    parallelism = flags.tensorflow_session_parallelism
    if parallelism:
        if flags.tensorflow_intra_op_parallelism or flags.tensorflow_inter_op_parallelism:
            raise ConfigError("--tensorflow_session_parallelism already sets what the intra_op and inter_op flags set")
        flags.tensorflow_intra_op_parallelism = flags.tensorflow_inter_op_parallelism = parallelism
    if bool(flags.model_base_path) == bool(flags.model_config_file):
        raise ConfigError("one of --model_base_path and --model_config_file must be given")
    if flags.model_config_file:
        flags.models = read_model_config(flags.model_config_file)
    else:
        flags.models = [ModelConfig(flags.model_name, flags.model_base_path)]
    origin = "--model_config_file" if flags.model_config_file else "--model_base_path"
    for model in flags.models:
        if not Path(model.base_path).is_dir():
            raise ConfigError(
                f"{origin}: model {model.name!r} must have an existing folder. Received: {model.base_path}"
            )
    return flags


def read_model_config(path):
    """Read a text `ModelServerConfig`.

    Args:
        path: The file.

    Returns:
        A list of `ModelConfig`.

    Raises:
        ConfigError: If the file is missing, malformed, or asks for what this server has not got.
    """
    try:
        config = text_format.Parse(Path(path).read_text(), ModelServerConfig())
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise ConfigError(f"--model_config_file must be a text ModelServerConfig. Received {path}: {error}") from None
    models = [_model_config(model) for model in config.model_config_list.config]
    names = [model.name for model in models]
    if not models or len(set(names)) < len(names):
        raise ConfigError(f"--model_config_file must list models of different names. Received: {names}")
    return models


def _model_config(model):
    if model.version_labels or model.HasField("logging_config"):
        field = "version_labels" if model.version_labels else "logging_config"
        raise ConfigError(f"--model_config_file: {field} of model {model.name!r} is not supported")
    if model.model_platform not in ("", "tensorflow"):
        raise ConfigError(
            f"--model_config_file: model_platform must be 'tensorflow'. Received: {model.model_platform!r}"
        )
    if not model.name or not model.base_path:
        raise ConfigError(f"--model_config_file: a model needs a name and a base_path. Received: {model!s:.200}")
    policy = model.model_version_policy
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        return ModelConfig(model.name, model.base_path, latest=None)
    if kind == "specific":
        return ModelConfig(model.name, model.base_path, versions=tuple(policy.specific.versions))
    return ModelConfig(model.name, model.base_path, latest=policy.latest.num_versions or 1)


def _count(text):
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"must be 0 or more. Received: {text}")
    return number


def _positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more. Received: {text}")
    return number


def _port(text):
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"must be in [0, 65535]. Received: {text}")
    return number


def _channel_arguments(text):
    pairs = [part.split("=", 1) for part in text.split(",") if part]
    if any(len(pair) != 2 for pair in pairs):
        raise argparse.ArgumentTypeError(f"must be KEY=VALUE,... Received: {text}")
    return tuple((key, int(value) if value.lstrip("-").isdigit() else value) for key, value in pairs)
