"""Heads on a BERT backbone: each learns a small task that hangs on its own kind of answer."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from dlkeras.models.bert.backbones import make_backbone
from dlkeras.models.bert.heads import BertClassifier, BertSpanFinder, BertTagger, best_spans
from dlkeras.models.bert.pretrainer import BertPretrainer
from dlkeras.text import Vocabulary, WordPieceTokenizer
from dlkeras.text.masking import WholeWordMasking
from dlkeras.text.sentence_pairs import pack

BEGIN, SEPARATOR, MASK, FIRST = 2, 3, 4, 5
COUNT, SIZE = 256, 15


@pytest.fixture
def vocabulary():
    return Vocabulary([*WordPieceTokenizer.BERT.values(), *"abcdefghij"], WordPieceTokenizer.BERT)


@pytest.fixture
def backbone():
    return make_backbone(SIZE, layers=1, width=64, heads=2, inner=64, positions=24, dropout=0.0)


def _words(random, low, high):
    return [random.integers(FIRST, SIZE, random.integers(low, high)).tolist() for _ in range(COUNT)]


def _fit(model, x, y, loss, epochs=12):
    model.compile(keras.optimizers.Adam(0.003), loss)
    model.fit(x, y, batch_size=16, epochs=epochs, verbose=0)
    return ops.convert_to_numpy(model(x, training=False))


def test_a_classifier_learns_what_both_texts_say(backbone, vocabulary):
    random = np.random.default_rng(0)
    first, second = _words(random, 1, 2), _words(random, 1, 2)
    y = ((np.array(first)[:, 0] < 11) & (np.array(second)[:, 0] < 11)).astype("int32")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    x = pack(vocabulary, first, second, 8)
    found = _fit(BertClassifier(backbone, 2, dropout=0.0), x, y, loss, epochs=20)
    assert (found.argmax(1) == y).mean() > 0.95


def test_a_tagger_learns_what_stands_before_each_token(backbone, vocabulary):
    first = _words(np.random.default_rng(0), 3, 6)
    x = pack(vocabulary, first, [[]] * COUNT, 8)
    ids = x[:, 0]
    y = np.zeros_like(ids)
    y[:, 1:] = ids[:, :-1] % 2
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = _fit(BertTagger(backbone, 2, dropout=0.0), x, y, loss)
    assert (found.argmax(-1) == y)[ids >= FIRST].mean() > 0.9


def test_a_span_finder_learns_where_a_word_and_its_neighbour_stand(backbone, vocabulary):
    random = np.random.default_rng(0)
    first, second = _words(random, 1, 2), random.integers(FIRST + 1, SIZE, (COUNT, 6))
    starts = random.integers(0, 5, COUNT)
    second[np.arange(COUNT), starts] = FIRST
    x = pack(vocabulary, first, second, 14)
    spans = np.stack([starts + 3, starts + 4], axis=1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = _fit(BertSpanFinder(backbone, dropout=0.0), x, spans, loss)
    assert (ops.convert_to_numpy(best_spans(found)) == spans).all(axis=1).mean() > 0.9
    outside = (x[:, 1] == 0) | (x[:, 0] == SEPARATOR)
    assert found.transpose(0, 2, 1)[outside].max() < -1000 < found.transpose(0, 2, 1)[~outside].min()


def test_the_best_span_is_the_best_sum_in_order_and_not_too_long():
    logits = np.full((1, 2, 6), -5.0, "float32")
    logits[0, 0, 4], logits[0, 1, 1], logits[0, 1, 5] = 9, 9, 3
    assert ops.convert_to_numpy(best_spans(logits)).tolist() == [[4, 5]]
    logits[0, 0, [0, 4]] = 9, -5
    assert ops.convert_to_numpy(best_spans(logits, longest=2)).tolist() == [[0, 1]]
    logits[0, 1, 1] += 1
    assert ops.convert_to_numpy(best_spans(logits, longest=1)).tolist() == [[1, 1]]


def test_pretraining_finds_hidden_words_and_next_sentences(backbone, vocabulary):
    """Of each text all words are the same; what follows is of the first half of the alphabet."""
    random = np.random.default_rng(0)
    words = random.integers(FIRST, SIZE, (2, COUNT))
    follows = (words[1] < 10).astype("int32")
    x = pack(vocabulary, *([[word] * 4 for word in part.tolist()] for part in words), 14)
    model = BertPretrainer(backbone)
    model.compile(keras.optimizers.Adam(0.003))
    masking = WholeWordMasking(vocabulary, 0.15)
    for _ in range(150):
        rows = random.choice(COUNT, 16, replace=False)
        model.train_on_batch(*masking(x[rows], follows[rows], random))
    figures = model.evaluate(*masking(x, follows, random), verbose=0, return_dict=True)
    assert figures["token_accuracy"] > 0.3  # chance is a tenth
    assert figures["next_accuracy"] > 0.8


@pytest.mark.parametrize(
    "make", [BertPretrainer, lambda backbone: BertClassifier(backbone, 3), lambda backbone: BertTagger(backbone, 3)]
)
def test_config_and_file_give_the_same_again(make, backbone, tmp_path):
    model = make(backbone)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    assert type(keras.saving.deserialize_keras_object(config)) is type(model)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    x = np.ones((2, model.input_shape[1], 9), "int32")
    for one, other in zip(*(keras.tree.flatten(part(x, training=False)) for part in (model, again)), strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(one), ops.convert_to_numpy(other), atol=1e-5)


def test_numbers_out_of_range_are_refused(backbone):
    with pytest.raises(ValueError, match=r"`dropout` must be in \[0, 1\). Received: dropout=1"):
        BertSpanFinder(backbone, dropout=1)
    with pytest.raises(ValueError, match=r"`num_tags` must be .* Received: num_tags=0"):
        BertTagger(backbone, 0)
