"""The command line of tensorflow_model_server."""

import logging
import os

import pytest

from serving.config import ModelConfig
from serving.config_protos import BatchingOptions, ConfigError, SslConfig
from serving.flags import parse_flags

CORES = os.cpu_count()

# Names and defaults as in tensorflow_serving/model_servers/main.cc.
DEFAULTS = {
    "port": 8500,
    "grpc_socket_path": "",
    "rest_api_port": 0,
    "rest_api_num_threads": 4 * CORES,
    "rest_api_timeout_in_ms": 30000,
    "rest_api_enable_cors_support": False,
    "enable_batching": False,
    "allow_version_labels_for_unavailable_models": False,
    "batching_parameters_file": "",
    "enable_per_model_batching_parameters": False,
    "model_config_file": "",
    "model_config_file_poll_wait_seconds": 0,
    "model_name": "default",
    "num_load_threads": 0,
    "num_unload_threads": 0,
    "max_num_load_retries": 5,
    "load_retry_interval_micros": 60_000_000,
    "file_system_poll_wait_seconds": 1,
    "flush_filesystem_caches": True,
    "tensorflow_session_parallelism": 0,
    "tensorflow_session_config_file": "",
    "tensorflow_intra_op_parallelism": 0,
    "tensorflow_inter_op_parallelism": 0,
    "use_alts_credentials": False,
    "ssl_config_file": "",
    "platform_config_file": "",
    "per_process_gpu_memory_fraction": 0.0,
    "saved_model_tags": "serve",
    "grpc_channel_arguments": (),
    "grpc_max_threads": 4 * CORES,
    "enable_model_warmup": True,
    "num_request_iterations_for_warmup": 0,
    "version": False,
    "monitoring_config_file": "",
    "remove_unused_fields_from_bundle_metagraph": True,
    "prefer_tflite_model": False,
    "num_tflite_pools": CORES,
    "num_tflite_interpreters_per_pool": 1,
    "enable_signature_method_name_check": False,
    "xla_cpu_compilation_enabled": False,
    "xla_gpu_compilation_enabled": False,
    "enable_profiler": True,
    "thread_pool_factory_config_file": "",
    "mixed_precision": "",
    "skip_initialize_tpu": False,
    "enable_grpc_healthcheck_service": False,
    "enable_serialization_as_tensor_content": False,
    "force_allow_any_version_labels_for_unavailable_models": False,
    # This server's own.
    "bind_address": "127.0.0.1",
    "max_request_bytes": 256 * 2**20,
    "max_waiting_requests": 1000,
    "merge_requests": True,
    "profiler_port": 0,
}


def write(folder, text, name="file"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_defaults_are_tensorflow_model_servers(tmp_path):
    flags = parse_flags([f"--model_base_path={tmp_path}"])
    assert {name: getattr(flags, name) for name in DEFAULTS} == DEFAULTS
    assert flags.models == [ModelConfig("default", str(tmp_path), latest=1, versions=())]
    assert (flags.ssl, flags.monitoring, flags.batching, flags.session_config) == (None, None, None, "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--enable_batching"], True),
        (["-enable_batching"], True),
        (["--enable_batching=true"], True),
        (["--enable_batching=False"], False),
        (["--enable_batching", "1"], True),
        (["-enable_batching=0"], False),
        (["--enable_batching", "--port=9"], True),
    ],
)
def test_ways_to_write_a_switch(words, expected):
    assert parse_flags(["--model_base_path", ".", *words]).enable_batching is expected


def test_single_dashes_and_values_below_zero():
    flags = parse_flags(["-model_base_path=.", "-port", "9000", "--load_retry_interval_micros", "-1"])
    assert (flags.port, flags.load_retry_interval_micros) == (9000, -1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--model_base_path and --model_config_file are empty!"),
        (["--model_base_path=/nowhere"], "--model_base_path: Could not find base path /nowhere for servable default"),
        (["--model_base_path=.", "--model_name="], "--model_name"),
        (["--model_base_path=.", "--made_up"], "unrecognized arguments: --made_up"),
        (["--model_base_path=.", "extra"], "unrecognized arguments: extra"),
        (["--model_base_path=.", "--por=1"], "unrecognized"),
        (["--model_base_path=.", "--port=99999"], r"--port: must be in \[0, 65535\]. Received: 99999"),
        (["--model_base_path=.", "--port=x"], "--port: must be in .*Received: x"),
        (["--model_base_path=.", "--port=0"], "--port or --rest_api_port"),
        (["--model_base_path=.", "--rest_api_port=8500"], "--port and --rest_api_port must differ. Received: 8500"),
        (["--model_base_path=.", "--profiler_port=8500"], "--port and --profiler_port must differ"),
        (["--model_base_path=.", "--num_processes=2", "--profiler_port=1"], "--profiler_port belongs to one process"),
        (["--model_base_path=.", "--num_processes=2", "--grpc_socket_path=s"], "--grpc_socket_path belongs to one"),
        (["--model_base_path=.", "--grpc_max_threads=0"], "--grpc_max_threads"),
        (["--model_base_path=.", "--file_system_poll_wait_seconds=-1"], "--file_system_poll_wait_seconds"),
        (["--model_base_path=.", "--grpc_channel_arguments=a"], "--grpc_channel_arguments"),
        (["--model_base_path=.", "--enable_batching=maybe"], "--enable_batching: must be true or false"),
        (["--model_base_path=.", "--per_process_gpu_memory_fraction=2"], r"must be in \[0, 1\]"),
        (["--model_base_path=.", "--mixed_precision=bfloat16"], "--mixed_precision is not supported: .*answers"),
        (["--model_base_path=.", "--use_alts_credentials"], "--use_alts_credentials is not supported: .*ssl_config"),
        (["--model_base_path=.", "--platform_config_file=x"], "--platform_config_file is not supported"),
        (["--model_base_path=.", "--batching_parameters_file=x"], "is set without setting --enable_batching"),
        (["--model_base_path=.", "--enable_batching", "--batching_parameters_file=/nowhere"], "No such file"),
        (["--model_base_path=.", "--tensorflow_session_config_file=/nowhere"], "--tensorflow_session_config_file"),
        (
            ["--model_base_path=.", "--tensorflow_session_parallelism=1", "--tensorflow_intra_op_parallelism=1"],
            "--tensorflow_session_parallelism",
        ),
        (["--model_config_file=/nowhere"], "--model_config_file.*No such file"),
    ],
)
def test_refusals_name_the_flag(arguments, words):
    with pytest.raises(ConfigError, match=words):
        parse_flags(arguments)


def test_a_socket_alone_is_enough():
    assert parse_flags(["--model_base_path=.", "--port=0", "--grpc_socket_path=s"]).grpc_socket_path == "s"


def test_what_changes_no_answer_is_accepted_with_one_line_each(caplog):
    with caplog.at_level(logging.INFO, "serving"):
        parse_flags(["--model_base_path=.", "--flush_filesystem_caches=true"])
        assert not caplog.records
        parse_flags(["--model_base_path=.", "--num_unload_threads=2", "--flush_filesystem_caches=false"])
    assert [record.args[0] for record in caplog.records] == ["num_unload_threads", "flush_filesystem_caches"]


def test_help_and_version(capsys):
    for argument in ("--help", "-h", "-help", "--version", "-version=true"):
        with pytest.raises(SystemExit) as ended:
            parse_flags([argument])
        assert ended.value.code == 0
    text = capsys.readouterr().out
    for title in ("network:", "models:", "batching:", "TensorFlow:", "monitoring:", "TensorFlow Library: 2."):
        assert f"\n{title}" in text
    assert all(f"--{name}" in text for name in DEFAULTS)


def test_the_config_file_wins(tmp_path):
    file = write(tmp_path, 'model_config_list { config { name: "a" base_path: "." model_platform: "tensorflow" } }')
    flags = parse_flags(["--model_base_path=/nowhere", f"--model_config_file={file}"])
    assert flags.models == [ModelConfig("a", ".")]


def test_parallelism_sets_both():
    flags = parse_flags(["--model_base_path=.", "--tensorflow_session_parallelism=3"])
    assert (flags.tensorflow_intra_op_parallelism, flags.tensorflow_inter_op_parallelism) == (3, 3)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], (8, 0, 0)),
        (["--num_processes=3"], (2, 2, 0)),
        (["--num_processes=8"], (1, 1, 1)),
        (["--num_processes=20"], (1, 1, 1)),
        (["--num_processes=8", "--tensorflow_intra_op_parallelism=4"], (1, 4, 0)),
        (["--num_processes=8", "--tensorflow_session_parallelism=2"], (1, 2, 2)),
    ],
)
def test_processes_share_the_cores(monkeypatch, words, expected):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    flags = parse_flags(["--model_base_path=.", *words])
    assert (flags.cores, flags.tensorflow_intra_op_parallelism, flags.tensorflow_inter_op_parallelism) == expected


def parse_ssl(tmp_path, text):
    return parse_flags(["--model_base_path=.", f"--ssl_config_file={write(tmp_path, text)}"]).ssl


def test_ssl(tmp_path):
    text = 'server_key: "-K-\\nk" server_cert: "-C-" custom_ca: "-A-" client_verify: true'
    assert parse_ssl(tmp_path, text) == SslConfig("-K-\nk", "-C-", "-A-", True)
    assert parse_ssl(tmp_path, 'server_key: "k" server_cert: "c"') == SslConfig("k", "c", "", False)
    for wrong in ('server_key: "k"', 'server_cert: "c"', "server_keys: 1"):
        with pytest.raises(ConfigError, match="--ssl_config_file"):
            parse_ssl(tmp_path, wrong)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("prometheus_config { enable: true }", "/monitoring/prometheus/metrics"),
        ('prometheus_config { enable: true path: "/metrics" }', "/metrics"),
        ('prometheus_config { path: "/metrics" }', None),
        ("", None),
    ],
)
def test_monitoring(tmp_path, text, path):
    flags = parse_flags(["--model_base_path=.", f"--monitoring_config_file={write(tmp_path, text)}"])
    assert flags.monitoring == path


def test_monitoring_refusal(tmp_path):
    file = write(tmp_path, 'prometheus_config { enable: true path: "metrics" }')
    with pytest.raises(ConfigError, match="path must start with a slash"):
        parse_flags(["--model_base_path=.", f"--monitoring_config_file={file}"])


def parse_batching(tmp_path, text):
    arguments = ["--model_base_path=.", "--enable_batching", f"--batching_parameters_file={write(tmp_path, text)}"]
    return parse_flags(arguments).batching


def test_batching(tmp_path):
    assert parse_flags(["--model_base_path=.", "--enable_batching"]).batching == BatchingOptions(
        1000, 0, 10, CORES, (), False, False, 1000
    )
    text = """
    max_batch_size { value: 32 } batch_timeout_micros { value: 500 } max_enqueued_batches { value: 7 }
    num_batch_threads { value: 3 } thread_pool_name { value: "name" }
    allowed_batch_sizes: 8 allowed_batch_sizes: 32 pad_variable_length_inputs: true
    """
    assert parse_batching(tmp_path, text) == BatchingOptions(32, 500, 7, 3, (8, 32), True, False, 32)
    text = """
    max_batch_size { value: 32 } enable_large_batch_splitting { value: true } max_execution_batch_size { value: 8 }
    num_batch_threads { value: 3 } allowed_batch_sizes: 4 allowed_batch_sizes: 8
    """
    assert parse_batching(tmp_path, text) == BatchingOptions(32, 0, 10, 3, (4, 8), False, True, 8)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("max_batch_size: 32", "Invalid protobuf file"),
        ("max_batch_size { value: 0 }", "max_batch_size must be positive; was 0"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros must be >= 0; was -1"),
        ("allowed_batch_sizes: 4", "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4"),
        ("max_batch_size { value: 4 } allowed_batch_sizes: [4, 4]", "monotonically increasing"),
        ("max_batch_size { value: 4 } allowed_batch_sizes: [0, 4]", "positive"),
        (
            "max_batch_size {value: 4} enable_large_batch_splitting {value: true} max_execution_batch_size {value: 8}",
            "max_execution_batch_size must be less than or equal to max_batch_size",
        ),
    ],
)
def test_batching_refusals(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words):
        parse_batching(tmp_path, text)
