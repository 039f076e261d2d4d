import numpy as np
import pytest
import tensorflow as tf

from dlkeras.text import WordTokenizer, pad
from dlkeras.text.pair_ids import ids_of_pairs, words_of

PREMISES = ["A man isn't here.", "é dull\u0301 👍 dog", "one two three four five six"]
HYPOTHESES = ["A dog", "dog man dog dog", "seven"]


@pytest.fixture(scope="module")
def tokenizer():
    return WordTokenizer().fit([*PREMISES, "dog"])


@pytest.mark.parametrize("longest", [3, 20])
def test_ids_are_those_of_the_tokenizer(tokenizer, longest):
    found = tf.function(ids_of_pairs)(tokenizer.graph(), tf.constant(PREMISES), tf.constant(HYPOTHESES), longest)
    texts = [text for pair in zip(PREMISES, HYPOTHESES, strict=True) for text in pair]
    expected, _ = pad([tokenizer.encode(text)[:longest] for text in texts])
    np.testing.assert_array_equal(found, expected.reshape(3, 2, -1))


def test_words_are_those_of_the_text(tokenizer):
    texts = [*PREMISES[:2], b"caf\xe9\xff man"]
    words = words_of(tokenizer.graph(), tf.constant(texts), 4).numpy().tolist()
    assert [[word.decode() for word in row] for row in words] == [
        ["A", "man", "is", "n't"],
        ["é", "dull\u0301", "👍", "dog"],
        ["caf", "\ufffd", "\ufffd", "man"],
    ]


@pytest.mark.parametrize(
    ("premises", "hypotheses", "sentence"),
    [
        (["a"], [" \n"], "A hypothesis must have a word at least. Received none in row 0"),
        (["a", "", "b", ""], ["a"] * 4, "A premise must have a word at least. Received none in row 1, 3"),
        (["a", "b"], ["a"], "a hypothesis for each premise. Received: 2 premises and 1 hypotheses"),
        ([], [], "A request must hold at least one premise and hypothesis"),
    ],
)
def test_refuses(tokenizer, premises, hypotheses, sentence):
    given = tf.constant(premises, "string"), tf.constant(hypotheses, "string")
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        ids_of_pairs(tokenizer.graph(), *given, 10)
