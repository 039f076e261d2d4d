"""The small text protos of TensorFlow Serving's flags that its Python package lacks: TLS, monitoring, batching."""

import itertools
import os
from pathlib import Path
from typing import NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2

METRICS_PATH = "/monitoring/prometheus/metrics"

# Message: field names to types; a name in capitals is a message, `*` before a type is a repeated field.
_MESSAGES = {
    "SSLConfig": {"server_key": "string", "server_cert": "string", "custom_ca": "string", "client_verify": "bool"},
    "PrometheusConfig": {"enable": "bool", "path": "string"},
    "MonitoringConfig": {"prometheus_config": ".tensorflow.serving.PrometheusConfig"},
    "BatchingParameters": {
        "max_batch_size": ".google.protobuf.Int64Value",
        "batch_timeout_micros": ".google.protobuf.Int64Value",
        "max_enqueued_batches": ".google.protobuf.Int64Value",
        "num_batch_threads": ".google.protobuf.Int64Value",
        "thread_pool_name": ".google.protobuf.StringValue",
        "allowed_batch_sizes": "*int64",
        "pad_variable_length_inputs": "bool",
        "enable_large_batch_splitting": ".google.protobuf.BoolValue",
        "max_execution_batch_size": ".google.protobuf.Int64Value",
    },
}


class ConfigError(Exception):
    """A command line or config file that cannot be served; the message names the flag to change."""


class SslConfig(NamedTuple):
    """TLS for gRPC.

    Args:
        server_key: The private key, PEM text.
        server_cert: The certificate chain, PEM text.
        custom_ca: The authorities that clients' certificates must come from, PEM text; empty for the system's.
        client_verify: Whether clients must show a certificate.
    """

    server_key: str
    server_cert: str
    custom_ca: str = ""
    client_verify: bool = False


class BatchingOptions(NamedTuple):
    """How requests are gathered into batches; TensorFlow Serving's defaults.

    Args:
        max_batch_size: Examples that one batch may gather.
        batch_timeout_micros: How long a batch waits to fill, in microseconds.
        max_enqueued_batches: Batches that may wait before requests are refused.
        num_batch_threads: Batches that run at a time.
        allowed_batch_sizes: The sizes that batches are padded to, ascending; empty for any size.
        pad_variable_length_inputs: Whether examples of different lengths are padded to share a batch.
        enable_large_batch_splitting: Whether a request above `max_execution_batch_size` is run in parts.
        max_execution_batch_size: Examples that one run of the model takes.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = os.cpu_count() or 1
    allowed_batch_sizes: tuple = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int = 1000


def _message_classes():
    file = descriptor_pb2.FileDescriptorProto(
        name="serving/config_protos.proto", package="tensorflow.serving", syntax="proto3"
    )
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field_name, kind) in enumerate(fields.items(), 1):
            field = message.field.add(name=field_name, number=number)
            field.label = field.LABEL_REPEATED if kind[0] == "*" else field.LABEL_OPTIONAL
            if kind[0] == ".":
                field.type, field.type_name = field.TYPE_MESSAGE, kind
            else:
                field.type = field.Type.Value(f"TYPE_{kind.removeprefix('*').upper()}")
    # A pool of its own: another copy of these messages may be in the process's default one.
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tensorflow.serving.{name}"))
        for name in _MESSAGES
    }


_CLASSES = _message_classes()


def read_text_proto(path, message, origin):
    """Read a text proto from a file.

    Args:
        path: The file.
        message: The message to fill.
        origin: What names the file, for the error: a flag.

    Returns:
        `message`.

    Raises:
        ConfigError: If the file is missing or malformed.
    """
    kind = message.DESCRIPTOR.name
    try:
        return text_format.Parse(Path(path).read_text(encoding="utf-8"), message)
    except (UnicodeDecodeError, text_format.ParseError) as error:
        raise ConfigError(f"{origin}: Invalid protobuf file: '{path}' is no text {kind}: {error}") from None
    except OSError as error:
        raise ConfigError(f"{origin} must be a text {kind}. Received {path}: {error.strerror or error}") from None


def read_ssl(path):
    """Read a text `SSLConfig`.

    Args:
        path: The file.

    Returns:
        An `SslConfig`.

    Raises:
        ConfigError: If the file cannot be read, or lacks the key or the certificate.
    """
    config = read_text_proto(path, _CLASSES["SSLConfig"](), "--ssl_config_file")
    if not config.server_key or not config.server_cert:
        raise ConfigError(f"--ssl_config_file must give server_key and server_cert, as PEM text. Received: {path}")
    return SslConfig(config.server_key, config.server_cert, config.custom_ca, config.client_verify)


def read_monitoring(path):
    """Read a text `MonitoringConfig`.

    Args:
        path: The file.

    Returns:
        The path of the Prometheus page, or None if it is not enabled.

    Raises:
        ConfigError: If the file cannot be read, or the path does not start with a slash.
    """
    config = read_text_proto(path, _CLASSES["MonitoringConfig"](), "--monitoring_config_file").prometheus_config
    page = config.path or METRICS_PATH
    if not page.startswith("/"):
        raise ConfigError(f"--monitoring_config_file: path must start with a slash. Received: {page}")
    return page if config.enable else None


def read_batching(path, origin="--batching_parameters_file"):
    """Read a text `BatchingParameters`.

    Args:
        path: The file.
        origin: What names the file, for the error.

    Returns:
        `BatchingOptions`.

    Raises:
        ConfigError: If the file cannot be read or its values do not go together.
    """
    message = read_text_proto(path, _CLASSES["BatchingParameters"](), origin)
    given = {
        field.name: getattr(message, field.name).value
        for field in message.DESCRIPTOR.fields
        if field.message_type is not None and message.HasField(field.name) and field.name != "thread_pool_name"
    }
    options = BatchingOptions(
        allowed_batch_sizes=tuple(message.allowed_batch_sizes),
        pad_variable_length_inputs=message.pad_variable_length_inputs,
        **given,
    )
    if not options.enable_large_batch_splitting or "max_execution_batch_size" not in given:
        options = options._replace(max_execution_batch_size=options.max_batch_size)
    _check_batching(options, origin)
    return options


def _check_batching(options, origin):
    for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads", "max_execution_batch_size"):
        if getattr(options, name) < 1:
            raise ConfigError(f"{origin}: {name} must be positive; was {getattr(options, name)}")
    if options.batch_timeout_micros < 0:
        raise ConfigError(f"{origin}: batch_timeout_micros must be >= 0; was {options.batch_timeout_micros}")
    if options.max_execution_batch_size > options.max_batch_size:
        raise ConfigError(
            f"{origin}: max_execution_batch_size must be less than or equal to max_batch_size; was "
            f"{options.max_execution_batch_size}, above {options.max_batch_size}"
        )
    sizes = options.allowed_batch_sizes
    if sizes and (sizes[0] < 1 or any(size >= after for size, after in itertools.pairwise(sizes))):
        raise ConfigError(
            f"{origin}: allowed_batch_sizes entries must be positive and monotonically increasing. "
            f"Received: {list(sizes)}"
        )
    if sizes and sizes[-1] != options.max_execution_batch_size:
        limit = "max_execution_batch_size" if options.enable_large_batch_splitting else "max_batch_size"
        raise ConfigError(
            f"{origin}: Last entry in allowed_batch_sizes must match {limit}; last entry was {sizes[-1]}; "
            f"expected {options.max_execution_batch_size}"
        )
