"""The command line and the config file."""

import pytest

from serving.config import ConfigError, ModelConfig, parse_flags

CONFIG = """
model_config_list {
  config { name: "a" base_path: "%s" model_platform: "tensorflow" }
  config { name: "b" base_path: "%s" model_version_policy { specific { versions: 2 versions: 5 } } }
  config { name: "c" base_path: "%s" model_version_policy { all {} } }
  config { name: "d" base_path: "%s" model_version_policy { latest { num_versions: 3 } } }
}
"""


def test_defaults_are_tensorflow_model_servers(tmp_path):
    flags = parse_flags([f"--model_base_path={tmp_path}"])
    assert (flags.port, flags.rest_api_port, flags.file_system_poll_wait_seconds) == (8500, 0, 1)
    assert flags.models == [ModelConfig("default", str(tmp_path), latest=1, versions=())]


def test_config_file(tmp_path):
    file = tmp_path / "models.config"
    file.write_text(CONFIG % ((tmp_path,) * 4))
    models = parse_flags([f"--model_config_file={file}", "--tensorflow_session_parallelism=3"]).models
    assert [model.name for model in models] == ["a", "b", "c", "d"]
    assert [sorted(model.select([1, 2, 3, 4])) for model in models] == [[4], [2], [1, 2, 3, 4], [2, 3, 4]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--model_base_path and --model_config_file"),
        (["--model_base_path=/nowhere"], "--model_base_path: .*Received: /nowhere"),
        (["--model_base_path=.", "--enable_batching"], "unrecognized arguments: --enable_batching"),
        (["--model_base_path=.", "--por=1"], "unrecognized"),
        (["--model_base_path=.", "--port=99999"], "--port: must be in"),
        (["--model_base_path=.", "--port=x"], "--port"),
        (["--model_base_path=.", "--port=0"], "--port or --rest_api_port"),
        (["--model_base_path=.", "--rest_api_port=8500"], "must differ"),
        (["--model_base_path=.", "--grpc_max_threads=0"], "--grpc_max_threads"),
        (["--model_base_path=.", "--file_system_poll_wait_seconds=-1"], "--file_system_poll_wait_seconds"),
        (["--model_base_path=.", "--grpc_channel_arguments=a"], "--grpc_channel_arguments"),
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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model_config_list {", "text ModelServerConfig"),
        ("", "must list models"),
        ('model_config_list { config { name: "a" } }', "base_path"),
        ('model_config_list { config { name: "a" base_path: "." model_platform: "x" } }', "model_platform"),
        (
            'model_config_list { config { name: "a" base_path: "." version_labels { key: "s" value: 1 } } }',
            "version_labels",
        ),
        ('model_config_list { config { name: "a" base_path: "/nowhere" } }', "--model_config_file: model 'a'"),
        ("model_config_list { %s }" % (2 * 'config { name: "a" base_path: "." }'), "different names"),
    ],
)
def test_config_file_refusals(tmp_path, text, words):
    file = tmp_path / "models.config"
    file.write_text(text)
    with pytest.raises(ConfigError, match=words):
        parse_flags([f"--model_config_file={file}"])
