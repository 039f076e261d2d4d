"""The app beyond its contract: what it reads, what it measures, and what it refuses."""

import dataclasses

import keras
import numpy as np
import pytest

from apps.translation.app import PIECES, Config, Translation
from apps.translation.measuring import perplexity, translate_all
from dlkeras.data.location import DataError
from dlkeras.text.decoding import Decoded
from dlkeras.text.parallel_ids import ParallelIds

SMALL = Config(phrases=60, vocabulary_size=300, model="transformer_mini", dropout=0.0)


@pytest.fixture(scope="module")
def app():
    return Translation()


@pytest.fixture(scope="module")
def splits(app):
    return app.load(SMALL)


@pytest.fixture(scope="module")
def model(app, splits):
    keras.utils.set_random_seed(0)
    return app.build(SMALL, splits.info)


@pytest.fixture
def files(tmp_path):
    english = [f"Dog number {number} runs." for number in range(20)]
    german = [f"Hund Nummer {number} läuft." for number in range(19)]
    (tmp_path / "a.en").write_text("\n".join(english), encoding="utf-8")
    (tmp_path / "a.de").write_text("\n".join(german), encoding="utf-8")
    return f"{tmp_path}/a.en:{tmp_path}/a.de"


def test_files_are_read_either_way(app, files, capsys):
    for reverse, first in ((False, "dog number"), (True, "hund nummer")):
        config = dataclasses.replace(SMALL, data=files, reverse=reverse)
        splits = app.load(config)
        pieces = ParallelIds.from_dict(splits.info[PIECES])
        assert pieces.decode(splits.test.x[0, 0].tolist()).startswith(first)
        counts = [len(part.y) for part in (splits.train, splits.validation, splits.test)]
        assert sum(counts) == 19 and min(counts) >= 1
        assert "line 20" in capsys.readouterr().out
    with pytest.raises(DataError, match=r"line 20|lines"):
        app.load(dataclasses.replace(config, strict=True))


def test_own_files_are_trained_on_by_a_config_that_names_no_others(app):
    config = app.configs[app.config_name({"data": "mine.tsv"})]
    assert not config.validation and not config.test


def test_other_files_are_measured_on(app, splits, files):
    other = app.load_other(files, SMALL, splits.info)
    assert len(other.test.y) == 19 and not len(other.train.y) and other.info["data"] == files


def test_perplexity_is_of_the_tokens_alone(model, splits):
    part = type(splits.test)(splits.test.x[:5], splits.test.y[:5])
    logits = model.predict(part.x, verbose=0)
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    right = np.take_along_axis(logs, part.y[..., None], axis=-1)[..., 0][part.y != 0]
    assert perplexity(model, part) == pytest.approx(np.exp(-right.mean()), rel=1e-4)


def test_many_sentences_keep_their_order(splits):
    class Echo:
        """Says what it was asked."""

        def search(self, ids):
            return Decoded(ids[:, None], *[ids] * 3)

    sources = splits.train.x[:, 0]
    assert translate_all(Echo(), sources) == [ids[ids != 0].tolist() for ids in sources]


def test_a_model_without_attention_has_one_endpoint(app):
    config = dataclasses.replace(SMALL, model="seq2seq")
    splits = app.load(config)
    names = [endpoint.name for endpoint in app.endpoints(app.build(config, splits.info), splits.info)]
    assert names == ["serving_default"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"model": "gpt"}, "`model` must be one of"),
        ({"schedule": "none"}, "`schedule` must be one of one_cycle, inverse_square_root"),
        ({"dropout": 1.0}, r"`dropout` must be in \[0, 1\)"),
        ({"length": 0}, "`length` must be above 0"),
    ],
)
def test_settings_out_of_their_range_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        Config(**changed)
