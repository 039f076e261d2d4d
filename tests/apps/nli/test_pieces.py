"""The app with BERT: pairs as pieces, and what the network begins with."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from apps.nli.app import READER, Config, Nli
from apps.nli.pieces import PiecePairs
from dlkeras.data.made_pairs import make_pairs
from dlkeras.export import RequestError
from dlkeras.models.bert.backbones import make_backbone, save_backbone
from dlkeras.text import WordPieceTokenizer

PREMISE, HYPOTHESIS = "Two boys are jogging in a park.", "Two children are not moving."


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """Gives a backbone, and the preset folder that holds it."""
    texts, _ = make_pairs(200, 0)
    tokenizer = WordPieceTokenizer(max_size=200).fit(texts.ravel())
    made = make_backbone(len(tokenizer.vocabulary), layers=1, width=16, heads=2, inner=32, positions=40)
    folder = tmp_path_factory.mktemp("preset")
    save_backbone(folder, made, tokenizer)
    return made, folder


@pytest.fixture(scope="module")
def config(backbone):
    return Config(model="bert", backbone=str(backbone[1]), pairs=200, epochs=1, batch_size=16, learning_rate=0.001)


@pytest.fixture(scope="module")
def splits(config):
    return Nli().load(config)


def test_graph_and_arrays_give_the_same_pieces(splits, config):
    reader = PiecePairs.from_dict(splits.info[READER])
    premises, hypotheses = [PREMISE, "a " * 90, "one"], [HYPOTHESIS, "no", "b " * 70]
    expected = reader.encode(premises, hypotheses)
    found = reader.graph()(tf.constant(premises), tf.constant(hypotheses)).numpy()
    np.testing.assert_array_equal(found, expected[:, :, : found.shape[2]])
    assert expected.shape == (3, 2, 39)
    assert reader.decode(expected[0]) == ("two boys are jogging in a park .", "two children are not moving .")


def test_a_hidden_premise_is_not_read(config):
    reader = PiecePairs.fit([PREMISE], [HYPOTHESIS], dataclasses.replace(config, hide_premise=True))
    again = PiecePairs.from_dict(reader.to_dict())
    one, other = (again.graph()(tf.constant([text]), tf.constant([HYPOTHESIS])) for text in (PREMISE, "A cat."))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(
        one[:, :, :20], again.encode([PREMISE], [HYPOTHESIS])[:, :, : one.shape[2]][:, :, :20]
    )


def test_begins_with_the_pretrained_weights_or_with_random_ones(backbone, splits, config):
    app, made = Nli(), backbone[0]
    wanted = made.token_embedding.get_weights()[0]
    for pretrained in (True, False):
        chosen = dataclasses.replace(config, pretrained=pretrained)
        model = app.build(chosen, splits.info)
        app.prepare(model, chosen)
        found = model.backbone.token_embedding.get_weights()[0]
        assert np.allclose(found, wanted, atol=1e-3) == pretrained


def test_trains_answers_and_refuses(splits, config, tmp_path):
    app = Nli()
    keras.utils.set_random_seed(0)
    model = app.build(config, splits.info)
    state = app.fit(model, splits, config, tmp_path)
    assert state["epochs"] == 1
    (endpoint,) = app.endpoints(model, splits.info)  # there is no alignment
    answer = endpoint({"premise": [PREMISE, "x " * 500], "hypothesis": [HYPOTHESIS, "y"]})
    np.testing.assert_allclose(answer["probabilities"].sum(axis=1), 1, rtol=1e-5)
    expected = keras.ops.softmax(model(splits.test.x[:3], training=False))
    premises, hypotheses = zip(*map(PiecePairs.from_dict(splits.info[READER]).decode, splits.test.x[:3]), strict=True)
    again = endpoint({"premise": premises, "hypothesis": hypotheses})
    np.testing.assert_allclose(again["probabilities"], expected, atol=1e-4)
    with pytest.raises(RequestError, match=r"A hypothesis must have a word at least\. Received none in row 0"):
        endpoint({"premise": [PREMISE], "hypothesis": [" "]})


def test_a_backbone_that_is_not_there_is_refused(config):
    with pytest.raises(ValueError, match=r"`backbone` must be .* Received: none.* Presets that ship: "):
        Nli().load(dataclasses.replace(config, backbone="none"))
