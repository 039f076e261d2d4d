"""The model config file."""

import pytest
from google.protobuf import text_format

from serving.config import ConfigError, LoggingOptions, ModelConfig, model_configs
from serving.flags import parse_flags
from serving.protocol import ModelServerConfig

CONFIG = """
model_config_list {
  config { name: "a" base_path: "%s" model_platform: "tensorflow" }
  config { name: "b" base_path: "%s" model_version_policy { specific { versions: 2 versions: 5 } } }
  config { name: "c" base_path: "%s" model_version_policy { all {} } }
  config { name: "d" base_path: "%s" model_version_policy { latest { num_versions: 3 } } }
}
"""


def parse(text):
    return model_configs(text_format.Parse(text, ModelServerConfig()))


def test_policies(tmp_path):
    file = tmp_path / "models.config"
    file.write_text(CONFIG % ((tmp_path,) * 4))
    models = parse_flags([f"--model_config_file={file}"]).models
    assert [model.name for model in models] == ["a", "b", "c", "d"]
    assert [sorted(model.select([1, 2, 3, 4])) for model in models] == [[4], [2], [1, 2, 3, 4], [2, 3, 4]]


def test_labels_and_logging():
    text = """
    model_config_list { config {
      name: "a" base_path: "." version_labels { key: "stable" value: 3 } version_labels { key: "canary" value: 4 }
      logging_config {
        log_collector_config { type: "file" filename_prefix: "/tmp/log" } sampling_config { sampling_rate: 0.25 }
      }
    } }
    """
    labels = (("canary", 4), ("stable", 3))
    assert parse(text) == [ModelConfig("a", ".", labels=labels, logging=LoggingOptions("file", "/tmp/log", 0.25))]


def test_the_deprecated_model_type(caplog):
    assert parse('model_config_list { config { name: "a" base_path: "." model_type: TENSORFLOW } }')
    assert "Deprecated ModelServerConfig::model_type" in caplog.text


def test_a_list_of_no_models_may_be_meant(tmp_path):
    (tmp_path / "none").write_text("model_config_list {}")
    assert parse_flags([f"--model_config_file={tmp_path / 'none'}"]).models == []


A = 'name: "a" base_path: "."'


def one(fields):
    """A config of one model, whose other fields are `fields`."""
    return f"model_config_list {{ config {{ {A} {fields} }} }}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model_config_list {", "Invalid protobuf file: .* is no text ModelServerConfig"),
        ("", "must list models"),
        ("custom_model_config {}", "ModelServer does not yet support custom model config"),
        ('model_config_list { config { name: "a" } }', "base_path"),
        ('model_config_list { config { base_path: "." } }', "needs a name"),
        (one('model_platform: "x"'), "Model a requests unsupported platform x"),
        (one("model_type: OTHER"), "model_type choice 2 not supported"),
        (
            one('model_type: TENSORFLOW model_platform: "tensorflow"'),
            "Illegal setting both",
        ),
        (
            'model_config_list { config { name: "a" base_path: "/nowhere" } }',
            "--model_config_file: Could not find base path /nowhere for servable a",
        ),
        (one(f"}} config {{ {A}"), "list model a multiple times in config list"),
        (one("model_version_policy { specific {} }"), "must list versions"),
        (
            one("logging_config { sampling_config { sampling_rate: 2 } }"),
            r"sampling_rate of model a must be in \[0, 1\]",
        ),
        (
            one("logging_config { sampling_config { sampling_rate: 1 } }"),
            "must give a filename_prefix",
        ),
    ],
)
def test_refusals(tmp_path, text, words):
    file = tmp_path / "models.config"
    file.write_text(text)
    with pytest.raises(ConfigError, match=words):
        parse_flags([f"--model_config_file={file}"])
