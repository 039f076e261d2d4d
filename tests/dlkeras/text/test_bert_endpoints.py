"""Heads of BERT as endpoints: what their logits say of words, told of the texts as they were written."""

import types

import numpy as np
import pytest
import tensorflow as tf

from dlkeras.export import Endpoint, RequestError
from dlkeras.models.bert.heads import best_spans
from dlkeras.text import WordPieceTokenizer
from dlkeras.text.bert_endpoints import answer_questions, classify_texts, tag_words

TOKENIZER = WordPieceTokenizer.of([*WordPieceTokenizer.BERT.values(), *"abcdefgh", "##x", "##y", "é", "."])
IDS = TOKENIZER.vocabulary.ids
TEXT = ((None,), "string")


class _Model:
    """Gives logits by a function of the packed ids; stands for a head."""

    def __init__(self, logits):
        self.backbone = types.SimpleNamespace(max_sequence_length=20)
        self._logits = logits

    def __call__(self, packed, training):
        assert training is False
        return self._logits(packed)


def _endpoint(function, *names):
    return Endpoint("serving_default", function, dict.fromkeys(names, TEXT), {name: ["a b"] for name in names})


def test_a_text_has_a_label():
    model = _Model(lambda packed: tf.one_hot(tf.cast(packed[:, 0, 1] == IDS["a"], "int32"), 2, 3.0, 0.0))
    classify = _endpoint(classify_texts(model, TOKENIZER, ["other", "begins with a"]), "text")
    answer = classify({"text": ["A b", "b a"]})
    assert answer["label"].tolist() == [b"begins with a", b"other"]
    np.testing.assert_allclose(answer["probabilities"].sum(axis=1), 1, rtol=1e-6)
    with pytest.raises(RequestError, match=r"A text must have a word at least\. Received none in row 1"):
        classify({"text": ["a", " "]})


def test_a_word_has_the_tag_of_its_first_piece():
    model = _Model(lambda packed: tf.one_hot(tf.cast(packed[:, 0] < IDS["##x"], "int32"), 2, 2.0, 0.0))
    tag = _endpoint(tag_words(model, TOKENIZER, ["rest", "word"]), "text")
    answer = tag({"text": ["Axy, b.", "cx", "a " * 30]})
    words = [["Axy", ",", "b", "."], ["cx"]]
    for text, row, expected in zip(["Axy, b.", "cx"], range(2), words, strict=True):
        spans = zip(answer["starts"][row], answer["ends"][row], strict=True)
        assert [text[start:end] for start, end in spans if end] == expected
    assert answer["tags"][0, :4].tolist() == [b"word", b"word", b"word", b"rest"]
    assert (answer["tags"][1, 1:] == b"").all() and not answer["scores"][1, 1:].any()
    assert (answer["tags"][2] == b"word").all() and answer["tags"].shape == (3, 17)


def test_an_answer_is_told_in_the_words_of_the_context():
    def logits(packed):
        ids, inside = packed[:, 0], packed[:, 1]
        edges = [tf.cast((ids == IDS[token]) & (inside == 1), "float32") for token in ("c", "##y")]
        return 9 * tf.stack(edges, axis=1)

    answer = _endpoint(answer_questions(_Model(logits), TOKENIZER, best_spans), "question", "context")
    contexts = ["a b Cx É dxy. a", "👍 c bxy"]
    found = answer({"question": ["c dy", "a"], "context": contexts})
    assert [text.decode() for text in found["answer"]] == ["Cx É dxy", "c bxy"]
    for text, start, end, expected in zip(contexts, found["start"], found["end"], found["answer"], strict=True):
        assert text[start:end] == expected.decode()
    assert (found["score"] > 0.9).all()
    with pytest.raises(RequestError, match=r"A context must have a word at least\. Received none in row 0"):
        answer({"question": ["a"], "context": [""]})
    with pytest.raises(RequestError, match=r"a context for each question. Received: 1 questions and 2 contexts"):
        answer({"question": ["a"], "context": ["a", "b"]})
