"""The command line, read and checked together with the files that it names."""

import importlib.metadata
import logging
import os
import re
import socket
from pathlib import Path

from serving.config import ModelConfig, check_base_path, model_configs, read_model_config
from serving.config_protos import BatchingOptions, ConfigError, read_batching, read_monitoring, read_ssl
from serving.parser import IGNORED, REFUSED, make_parser

log = logging.getLogger("serving")


def parse_flags(argv):
    """Read and check the command line and the files it names.

    Args:
        argv: A list of strings, without the program's name.

    Returns:
        The flags by name (an `argparse.Namespace`), and besides: `models`, a list of `ModelConfig`; `ssl`, an
        `SslConfig` or None; `monitoring`, the path of the metrics page or None; `batching`, `BatchingOptions` or None;
        `session_config`, the text of a `ConfigProto`; `cores`, how many each process has to itself.

    Raises:
        ConfigError: If a flag is unknown or its value cannot be used.
        SystemExit: After `--help` or `--version`.
    """
    parser = make_parser()
    flags = parser.parse_args([f"-{word}" if re.match(r"-[a-z]{2}", word) else word for word in argv])
    if flags.version:
        versions = (("serving (dlkeras)", "dlkeras"), ("TensorFlow Library", "tensorflow"))
        print("\n".join(f"{title}: {importlib.metadata.version(package)}" for title, package in versions))
        raise SystemExit(0)
    for name, reason in REFUSED.items():
        if getattr(flags, name) != parser.get_default(name):
            raise ConfigError(f"--{name} is not supported: {reason}")
    for name, reason in IGNORED.items():
        if getattr(flags, name) != parser.get_default(name):
            log.warning("--%s has no effect: %s", name, reason)
    _check_ports(flags)
    _check_processes(flags)
    _set_parallelism(flags)
    flags.ssl = read_ssl(flags.ssl_config_file) if flags.ssl_config_file else None
    flags.monitoring = read_monitoring(flags.monitoring_config_file) if flags.monitoring_config_file else None
    flags.batching = _batching(flags)
    flags.session_config = _read(flags.tensorflow_session_config_file, "--tensorflow_session_config_file")
    flags.models = _models(flags)
    return flags


def _check_ports(flags):
    if not (flags.port or flags.rest_api_port or flags.grpc_socket_path):
        raise ConfigError(
            "--port or --rest_api_port must be above 0, or --grpc_socket_path given. Received: 0 for both"
        )
    flags_of = {}
    for name in ("port", "rest_api_port", "profiler_port"):
        port = getattr(flags, name)
        if port and port in flags_of:
            raise ConfigError(f"--{flags_of[port]} and --{name} must differ. Received: {port} for both")
        flags_of[port] = name


def _check_processes(flags):
    if flags.num_processes == 1:
        return
    for name in ("grpc_socket_path", "profiler_port"):
        if getattr(flags, name):
            raise ConfigError(f"--{name} belongs to one process, and --num_processes is {flags.num_processes}")
    if not hasattr(socket, "SO_REUSEPORT"):
        raise ConfigError("--num_processes must be 1: processes cannot share a port on this system")


def _set_parallelism(flags):
    flags.cores = max(1, (os.cpu_count() or 1) // flags.num_processes)
    both = flags.tensorflow_session_parallelism
    if both:
        if flags.tensorflow_intra_op_parallelism or flags.tensorflow_inter_op_parallelism:
            raise ConfigError("--tensorflow_session_parallelism already sets what the intra_op and inter_op flags set")
        flags.tensorflow_intra_op_parallelism = flags.tensorflow_inter_op_parallelism = both
    elif flags.num_processes > 1 and not flags.tensorflow_intra_op_parallelism:
        # A process that took all cores would take them from the others; one core has nothing to do side by side.
        flags.tensorflow_intra_op_parallelism = flags.cores
        if flags.cores == 1:
            flags.tensorflow_inter_op_parallelism = flags.tensorflow_inter_op_parallelism or 1


def _batching(flags):
    if not flags.enable_batching:
        for name in ("batching_parameters_file", "enable_per_model_batching_parameters"):
            if getattr(flags, name):
                raise ConfigError(f"--{name} is set without setting --enable_batching to true.")
        return None
    return read_batching(flags.batching_parameters_file) if flags.batching_parameters_file else BatchingOptions()


def _models(flags):
    if flags.model_config_file:
        config = read_model_config(flags.model_config_file)
        if config.WhichOneof("config") is None:
            raise ConfigError(
                f"--model_config_file must list models, or say model_config_list {{}} to start with none. "
                f"Received {flags.model_config_file}: an empty file"
            )
        try:
            return model_configs(config)
        except ConfigError as error:
            raise ConfigError(f"--model_config_file: {error}") from None
    if not flags.model_base_path:
        raise ConfigError("Both --model_base_path and --model_config_file are empty! One of them must be given")
    model = ModelConfig(flags.model_name, flags.model_base_path)
    if not model.name:
        raise ConfigError("--model_name must not be empty")
    try:
        check_base_path(model)
    except ConfigError as error:
        raise ConfigError(f"--model_base_path: {error}") from None
    return [model]


def _read(path, flag):
    try:
        return Path(path).read_text(encoding="utf-8") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{flag} must be a text file. Received {path}: {error}") from None
