"""Every app keeps the contract of `apps/base.py`."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from apps.base import replace


def test_names_and_configs(app):
    assert app.title
    assert {"default", "smoke"} <= set(app.configs)
    for config in app.configs.values():
        assert dataclasses.is_dataclass(config)
        with pytest.raises(dataclasses.FrozenInstanceError):
            config.seed = 1


def test_unknown_setting_names_the_fields(app):
    with pytest.raises(ValueError, match=r"seed.*Received: no_such_field"):
        replace(app.configs["default"], {"no_such_field": "1"})


def test_wrong_type_of_setting_is_named(app):
    with pytest.raises(ValueError, match=r"`epochs` must be a whole number. Received: epochs=many"):
        replace(app.configs["default"], {"epochs": "many"})


def test_loss_falls(trial):
    history = trial.state["history"]
    assert trial.app.loss_of(history[-1]) < trial.app.loss_of(history[0])


def test_splits_are_disjoint_and_named(trial):
    info = trial.splits.info
    assert json.loads(json.dumps(info)) == info, "info must survive config.json"
    parts = [{row.tobytes() for row in part.x} for part in (trial.splits.train, trial.splits.test)]
    shared = len(parts[0] & parts[1])
    assert shared <= 0.01 * len(parts[1]), "test examples stand in the training split"


def test_keras_round_trip(trial, tmp_path):
    trial.model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    found, expected = (
        keras.tree.flatten(model.predict(trial.splits.test.x[:8], verbose=0)) for model in (loaded, trial.model)
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_evaluate_gives_named_numbers(trial, tmp_path):
    figures = trial.app.evaluate(trial.model, trial.splits, tmp_path)
    assert figures
    assert all(isinstance(value, float) and np.isfinite(value) for value in figures.values())
    assert list(tmp_path.iterdir()), "no report was written"


def test_endpoints_answer_their_example(trial):
    assert trial.endpoints[0].name == "serving_default"
    for endpoint in trial.endpoints:
        answer = endpoint(endpoint.example)
        assert answer
        assert not any(name.startswith("output_") for name in answer), "outputs have names"


def test_saved_model_equals_keras_without_keras(trial, version, answers_without_keras, assert_same):
    requests = {
        endpoint.name: {name: tensor.numpy() for name, tensor in endpoint.arrays().items()}
        for endpoint in trial.endpoints
    }
    answers = answers_without_keras(version, requests)
    for endpoint in trial.endpoints:
        assert_same(answers[endpoint.name], endpoint(endpoint.example))
