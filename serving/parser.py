"""The flags of `tensorflow_model_server`, by the same names and defaults, and this server's own."""

import argparse
import os

from serving.config_protos import ConfigError

MEBIBYTE = 2**20

# Accepted although they do nothing here: none of them changes an answer.
IGNORED = {
    "num_unload_threads": "a version is unloaded on a thread of its own",
    "flush_filesystem_caches": "the file system's cache is left alone",
    "remove_unused_fields_from_bundle_metagraph": "no more of the graph is kept than is needed",
    "thread_pool_factory_config_file": "TensorFlow's threads are set by the parallelism flags",
    "skip_initialize_tpu": "TPUs are not used",
    "enable_profiler": "the profiler is served on --profiler_port, and only there",
}
REFUSED = {
    "use_alts_credentials": "ALTS exists only on Google's own machines; --ssl_config_file gives TLS",
    "platform_config_file": "the tensorflow platform is the only one; other flags set its options",
    "mixed_precision": "it would change the model's answers; export the model in the precision wanted",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise ConfigError(message)


class _Group:
    """A group of flags whose help ends with the default."""

    def __init__(self, parser, title):
        self._group = parser.add_argument_group(title)

    def __call__(self, *names, **options):
        if "default" in options and not options.pop("own_default", False):
            options["help"] += " (default: %(default)s)"
        self._group.add_argument(*names, **options)

    def switch(self, *names, default=False, **options):
        self(*names, type=_bool, nargs="?", const=True, default=default, metavar="BOOL", **options)


def make_parser():
    """Build the parser of the command line.

    Returns:
        An `argparse.ArgumentParser` that raises `ConfigError`.
    """
    parser = _Parser(
        prog="python -m serving",
        usage="%(prog)s --model_base_path=FOLDER | --model_config_file=FILE [flag ...]",
        description="Serve numbered SavedModel folders in TensorFlow Serving's own protocol.",
        epilog="The flags are tensorflow_model_server's, but for those of the last group.",
        allow_abbrev=False,
    )
    # `--version=true` is how TensorFlow's own parser wants it.
    parser.add_argument("--version", type=_bool, nargs="?", const=True, default=False, metavar="BOOL",
        help="print the versions and end")  # fmt: skip
    for title, add_flags in (
        ("network", _network_flags),
        ("models", _model_flags),
        ("batching", _batching_flags),
        ("TensorFlow", _tensorflow_flags),
        ("TensorFlow Lite", _tflite_flags),
        ("monitoring", _monitoring_flags),
        ("accepted and without effect", _ignored_flags),
        ("refused when set", _refused_flags),
        ("this server's own", _own_flags),
    ):
        add_flags(_Group(parser, title))
    return parser


def _network_flags(add):
    threads = 4 * (os.cpu_count() or 1)
    add("--port", type=_port, default=8500, help="gRPC port; 0 for none")
    add("--grpc_socket_path", default="", metavar="PATH", help="UNIX socket for gRPC", own_default=True)
    add("--rest_api_port", type=_port, default=0, help="HTTP/REST port; 0 for none")
    add("--rest_api_num_threads", type=_positive, default=threads, metavar="N", help="REST requests worked on at once")
    add("--rest_api_timeout_in_ms", type=_positive, default=30000, metavar="MS", help="time a REST request may take")
    add.switch("--rest_api_enable_cors_support", help="answer with CORS headers")
    add("--grpc_max_threads", type=_positive, default=threads, metavar="N", help="gRPC requests worked on at once")
    add("--grpc_channel_arguments", type=_channel_arguments, default=(), metavar="KEY=VALUE,...", own_default=True,
        help="options for the gRPC server, such as grpc.max_connection_age_ms=2000")  # fmt: skip
    add("--ssl_config_file", default="", metavar="FILE", help="text SSLConfig: gRPC over TLS", own_default=True)
    add.switch("--enable_grpc_healthcheck_service", help="the gRPC health service, which is always served here")
    add.switch("--enable_serialization_as_tensor_content", help="answer Predict in tensor_content")


def _model_flags(add):
    add("--model_name", default="default", help="name of the one model")
    add("--model_base_path", default="", metavar="FOLDER", own_default=True,
        help="its folder, which holds the numbered version folders")  # fmt: skip
    add("--model_config_file", default="", metavar="FILE", own_default=True,
        help="text ModelServerConfig, instead of --model_name and --model_base_path")  # fmt: skip
    add("--model_config_file_poll_wait_seconds", type=_count, default=0, metavar="SECONDS",
        help="pause between looks at the model config file; 0 looks once")  # fmt: skip
    add("--file_system_poll_wait_seconds", type=_count, default=1, metavar="SECONDS",
        help="pause between looks for new versions; 0 looks once, at the start")  # fmt: skip
    add("--num_load_threads", type=_count, default=0, metavar="N", help="versions loaded at once; 0 for one a core")
    add("--max_num_load_retries", type=_count, default=5, metavar="N", help="tries after a version's first failure")
    add("--load_retry_interval_micros", type=int, default=60_000_000, metavar="MICROS",
        help="pause between these tries; below 0, none")  # fmt: skip
    add("--saved_model_tags", default="serve", metavar="TAG,...", help="tags of the graph to load")
    add.switch("--allow_version_labels_for_unavailable_models",
        help="let a label not yet in use name a version that is not available")  # fmt: skip
    add.switch("--force_allow_any_version_labels_for_unavailable_models",
        help="let any label name a version that is not available")  # fmt: skip
    add.switch("--enable_model_warmup", default=True, help="replay a version's recorded requests before it serves")
    add("--num_request_iterations_for_warmup", type=int, default=0, metavar="N",
        help="times each record is replayed, when above 0")  # fmt: skip
    add.switch("--enable_signature_method_name_check", help="check the method_name for Classify and Regress")


def _batching_flags(add):
    add.switch("--enable_batching", help="gather requests into batches by the parameters below")
    add("--batching_parameters_file", default="", metavar="FILE", help="text BatchingParameters", own_default=True)
    add.switch("--enable_per_model_batching_parameters",
        help="read them from batching_params.pbtxt in each version's folder")  # fmt: skip


def _tensorflow_flags(add):
    add("--tensorflow_session_parallelism", type=_count, default=0, metavar="N", help="sets both of the following")
    add("--tensorflow_intra_op_parallelism", type=_count, default=0, metavar="N",
        help="threads that share one operation; 0 for one a core")  # fmt: skip
    add("--tensorflow_inter_op_parallelism", type=_count, default=0, metavar="N",
        help="threads that run operations side by side; 0 for one, or with loops one a core if quicker")  # fmt: skip
    add("--tensorflow_session_config_file", default="", metavar="FILE", own_default=True,
        help="text ConfigProto; the flags above override it")  # fmt: skip
    add("--per_process_gpu_memory_fraction", type=_fraction, default=0.0, metavar="SHARE",
        help="share of the GPU's memory; 0 to let TensorFlow choose")  # fmt: skip
    add.switch("--xla_cpu_compilation_enabled", help="let models compile with XLA, which they always may here")
    add.switch("--xla_gpu_compilation_enabled", help="the same on a GPU")


def _tflite_flags(add):
    add.switch("--prefer_tflite_model", "--use_tflite_model", help="serve model.tflite where a version has one")
    add("--num_tflite_pools", type=_positive, default=os.cpu_count() or 1, metavar="N", help="interpreter pools")
    add("--num_tflite_interpreters_per_pool", type=_positive, default=1, metavar="N", help="interpreters in each")


def _monitoring_flags(add):
    add("--monitoring_config_file", default="", metavar="FILE", help="text MonitoringConfig", own_default=True)


def _ignored_flags(add):
    add("--num_unload_threads", type=_count, default=0, metavar="N", help=IGNORED["num_unload_threads"])
    add("--thread_pool_factory_config_file", default="", metavar="FILE", own_default=True,
        help=IGNORED["thread_pool_factory_config_file"])  # fmt: skip
    add.switch("--skip_initialize_tpu", help=IGNORED["skip_initialize_tpu"])
    for name in ("flush_filesystem_caches", "remove_unused_fields_from_bundle_metagraph", "enable_profiler"):
        add.switch(f"--{name}", default=True, help=IGNORED[name])


def _refused_flags(add):
    add.switch("--use_alts_credentials", help=REFUSED["use_alts_credentials"])
    add("--platform_config_file", default="", metavar="FILE", help=REFUSED["platform_config_file"], own_default=True)
    add("--mixed_precision", default="", metavar="MODE", help=REFUSED["mixed_precision"], own_default=True)


def _own_flags(add):
    add("--bind_address", default="127.0.0.1", help="address to listen on; 0.0.0.0 for all")
    add("--max_request_bytes", type=_positive, default=256 * MEBIBYTE, metavar="BYTES",
        help="larger requests are refused unread")  # fmt: skip
    add("--max_waiting_requests", type=_positive, default=1000, metavar="N",
        help="requests that may wait for one model before further ones are refused with UNAVAILABLE")  # fmt: skip
    add.switch("--merge_requests", default=True,
        help="run requests that wait for the same model together where that changes no answer")  # fmt: skip
    add("--num_processes", type=_positive, default=1, metavar="N",
        help="processes that answer on the same ports, each with models of its own: for small models")  # fmt: skip
    add("--profiler_port", type=_port, default=0, help="port of TensorFlow's profiler; 0 for none")


def _number(text, kind, accepts, words):
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not accepts(number):
        raise argparse.ArgumentTypeError(f"must be {words}. Received: {text}")
    return number


def _count(text):
    return _number(text, int, lambda number: number >= 0, "0 or more")


def _positive(text):
    return _number(text, int, lambda number: number >= 1, "1 or more")


def _port(text):
    return _number(text, int, lambda number: 0 <= number <= 65535, "in [0, 65535]")


def _fraction(text):
    return _number(text, float, lambda number: 0 <= number <= 1, "in [0, 1]")


def _bool(text):
    values = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"must be true or false. Received: {text}")
    return values[text.lower()]


def _channel_arguments(text):
    pairs = [part.split("=", 1) for part in text.split(",") if part]
    if any(len(pair) != 2 for pair in pairs):
        raise argparse.ArgumentTypeError(f"must be KEY=VALUE,... Received: {text}")
    return tuple((key, int(value) if value.lstrip("-").isdigit() else value) for key, value in pairs)
