"""The app beyond its contract: what it reads, how each kind of network learns, and what it measures."""

import dataclasses
import math

import keras
import numpy as np
import pytest

from apps.text_generation.app import Config, TextGeneration
from apps.text_generation.measuring import mean_loss
from dlkeras.data.location import DataError

SMALL = Config(characters=6000, model="gpt_mini", block=32, steps=8, epochs=2, batch_size=8, learning_rate=0.01)


@pytest.fixture(scope="module")
def app():
    return TextGeneration()


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text("To be, or not to be: that is the question.\n" * 40)
    return path


def _trained(app, config, directory):
    keras.utils.set_random_seed(0)
    splits = app.load(config)
    model = app.build(config, splits.info)
    state = app.fit(model, splits, config, directory)
    return model, splits, state["history"]


@pytest.mark.parametrize("changed", [{"model": "lstm_language_mini"}, {"unit": "pieces", "vocabulary_size": 300}])
def test_any_text_is_learned(app, book, tmp_path, changed):
    config = dataclasses.replace(SMALL, data=str(book), **changed)
    model, splits, history = _trained(app, config, tmp_path / "run")
    assert history[-1]["val_loss"] < history[0]["val_loss"]
    figures = app.evaluate(model, dataclasses.replace(splits, test=splits.validation))
    assert figures["perplexity"] == pytest.approx(math.exp(figures["loss"]))
    if config.unit == "characters":
        assert figures["bits_per_character"] == pytest.approx(figures["loss"] / math.log(2))
    else:
        assert figures["bits_per_character"] < figures["loss"] / math.log(2)


def test_the_last_tenth_is_held_out(app, book):
    splits = app.load(dataclasses.replace(SMALL, data=str(book)))
    text = book.read_text()
    kept = int(len(text) * 0.9)
    assert np.count_nonzero(splits.train.y) == kept - 1
    assert np.count_nonzero(splits.validation.y) == len(text) - kept - 1
    assert not len(splits.test.y)
    other = app.load_other(str(book), SMALL, splits.info)
    assert np.count_nonzero(other.test.y) == len(text) - 1


def test_the_loss_is_of_every_token_once(app, tmp_path):
    splits = app.load(SMALL)
    model = app.build(SMALL, splits.info)
    logits = model.predict(splits.test.x, verbose=0)
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    right = np.take_along_axis(logs, splits.test.y[..., None], axis=-1)[..., 0][splits.test.y != 0]
    assert mean_loss(model, splits.test) == pytest.approx(-right.mean(), rel=1e-4)


def test_what_is_no_text_is_refused(app, tmp_path):
    (tmp_path / "empty.txt").write_text(" \n")
    for name in ("empty.txt", "missing.txt"):
        with pytest.raises(DataError, match=name):
            app.load(dataclasses.replace(SMALL, data=str(tmp_path / name)))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"model": "transformer"}, "`model` must be one of"),
        ({"unit": "words"}, "`unit` must be one of characters, pieces"),
        ({"clip": 0}, "`clip` must be above 0"),
        ({"steps": -1}, "`steps` must be 0 or more. Received: steps=-1"),
        ({"validation_fraction": 2}, r"`validation_fraction` must be in \[0, 1\]"),
    ],
)
def test_settings_out_of_their_range_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        Config(**changed)
