"""The app beyond its contract: what it leaves behind, what its answers mean, and what it refuses."""

import dataclasses

import keras
import numpy as np
import pytest

from apps.bert.app import Bert, Config
from apps.bert.pretrained import open_backbone
from apps.commands.training import train
from dlkeras.export import RequestError
from dlkeras.models.bert.packed import inputs_of
from dlkeras.text.sentence_pairs import pack

SETTINGS = {"documents": "60", "width": "16", "inner": "32", "epochs": "1", "vocabulary_size": "300", "length": "24"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train("bert", config="smoke", settings=SETTINGS, run=tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def opened(run):
    return open_backbone(str(run))


@pytest.fixture(scope="module")
def endpoints(run):
    from apps.trained import open_trained

    app = Bert()
    trained = open_trained(app, run)
    return {endpoint.name: endpoint for endpoint in app.endpoints(trained.model, trained.info)}


def test_a_run_leaves_a_preset_folder_of_kerashub(run, opened):
    (backbone, tokenizer), (from_folder, same) = opened, open_backbone(str(run / "backbone"))
    assert same.vocabulary == tokenizer.vocabulary and from_folder.dropout == 0.1
    texts = tokenizer.encode_many(["The plot was dull.", "the Acting is superb"])
    assert same.encode_many(["The plot was dull.", "the Acting is superb"]) == texts
    packed = keras.ops.convert_to_tensor(pack(tokenizer.vocabulary, texts, [[], []], 20))
    one, other = (part(inputs_of(packed))["sequence_output"] for part in (backbone, from_folder))
    np.testing.assert_allclose(one, other, atol=0.02)  # it is kept in half precision


def test_blanks_are_answered_one_by_one(endpoints):
    answer = endpoints["serving_default"]({"text": ["the [MASK] is [MASK]", "[MASK] was dull"]})
    assert answer["tokens"].shape == answer["probabilities"].shape == (2, 2, 5)
    assert (answer["tokens"][1, 1] == b"").all() and not answer["probabilities"][1, 1].any()
    there = answer["probabilities"][answer["tokens"] != b""].reshape(-1, 5)
    assert (np.diff(there) <= 0).all() and (there.sum(axis=1) <= 1).all()
    alone = endpoints["serving_default"]({"text": ["[MASK] was dull"]})
    np.testing.assert_allclose(alone["probabilities"][0, 0], answer["probabilities"][1, 0], atol=1e-5)


@pytest.mark.parametrize("text", ["no blank", "", "word " * 60 + "[MASK]"])
def test_a_text_without_a_blank_that_is_read_is_refused(endpoints, text):
    with pytest.raises(RequestError, match=r"must have a \[MASK\] among its first 22 pieces.* Received none in row 1"):
        endpoints["serving_default"]({"text": ["a [MASK]", text]})


def test_pairs_are_judged_and_wrong_ones_refused(endpoints):
    follows = endpoints["next_sentence"]
    answer = follows({"first": ["the plot was dull", "a " * 90], "second": ["the cast is bland", "b " * 90]})
    assert answer["probability"].shape == (2,) and (abs(answer["probability"] - 0.5) < 0.5).all()
    with pytest.raises(RequestError, match=r"A second text must have a word at least. Received none in row 0"):
        follows({"first": ["the plot"], "second": [" "]})
    with pytest.raises(RequestError, match="a second text for each first text"):
        follows({"first": ["the plot"], "second": ["a", "b"]})


def test_reads_files_and_measures_on_others(tmp_path):
    (tmp_path / "train.txt").write_text("".join(f"A man has {n} dogs. They all run.\n" for n in range(200)))
    (tmp_path / "other.txt").write_text("A dog runs.\n" * 5)
    app = Bert()
    config = dataclasses.replace(app.configs["smoke"], data=str(tmp_path / "train.txt"), held_fraction=0.1, length=16)
    splits = app.load(config)
    assert splits.train.x.shape[1:] == (2, 15) and splits.test.x.shape[1:] == (4, 15)
    assert len(splits.validation.y) == len(splits.test.y) == 20
    again = app.load(config, splits.info)
    np.testing.assert_array_equal(again.test.x, splits.test.x)
    other = app.load_other(str(tmp_path / "other.txt"), config, splits.info)
    assert len(other.test.y) == 5 and len(other.train.y) == 0


def test_backbones_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`backbone` must be a KerasHub preset folder, or hub:PRESET. Received: none"):
        open_backbone("none")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="`backbone` must be a preset of BERT that can be read"):
        open_backbone(str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 4}, "`length` must be at least 8. Received: length=4"),
        ({"width": 10, "heads": 4}, "`width` must be divisible by `heads`, 4. Received: width=10"),
        ({"dropout": 1.0}, r"`dropout` must be in \[0, 1\)"),
    ],
)
def test_refuses(settings, message):
    with pytest.raises(ValueError, match=message):
        Config(**settings)
