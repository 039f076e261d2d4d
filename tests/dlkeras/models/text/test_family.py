"""Every classifier of texts keeps the same promises, whatever it is made of."""

import keras
import numpy as np
import pytest

from dlkeras import models
from dlkeras.models.text.bag_of_words import BagOfWords
from dlkeras.models.text.birnn import BiRNN
from dlkeras.models.text.text_cnn import TextCNN
from dlkeras.models.text.words import WordDropout, set_word_vectors

TENSORFLOW = keras.backend.backend() == "tensorflow"
WORDS = ["[PAD]", "[UNK]", *(f"un{chr(97 + number)}able" for number in range(18))]
SMALL = {"num_classes": 3, "vocabulary_size": 20, "embedding_dim": 6}
FORMS = [
    (BagOfWords, {}),
    (BagOfWords, {"hidden_widths": (5,)}),
    (BiRNN, {"units": 4, "depth": 2}),
    (BiRNN, {"units": 4, "depth": 1, "cell": "gru", "pooling": "max"}),
    (TextCNN, {"filters": 4, "dropout": 0.0}),
    (TextCNN, {"filters": 4, "widths": (1,), "max_norm": None, "words": WORDS}),
]


@pytest.fixture
def ids():
    """Five texts: a long one, shorter ones, one of one word, and one of none."""
    ids = np.random.default_rng(0).integers(1, 20, (5, 7)).astype("int32")
    for row, length in enumerate((7, 6, 4, 1, 0)):
        ids[row, length:] = 0
    return ids


def _logits(model, ids, **kwargs):
    return keras.ops.convert_to_numpy(model(ids, training=False, **kwargs))


@pytest.mark.parametrize(("kind", "arguments"), FORMS)
def test_harness(harness, kind, arguments):
    inputs = np.arange(28, dtype="int32").reshape(4, 7) % 20
    arguments = {**SMALL, **arguments, "dropout": 0.0}
    harness(kind, arguments, inputs=inputs, output_shape=(4, 3), learning_rate=0.1)


@pytest.mark.parametrize(("kind", "arguments"), FORMS)
def test_padding_changes_nothing(ids, kind, arguments):
    model = kind(**SMALL, **arguments)
    # Padding's own vector and all biases are something, so that they would be seen.
    model.set_weights([np.random.default_rng(1).normal(size=weight.shape) for weight in model.get_weights()])
    expected = _logits(model, ids)
    assert np.isfinite(expected).all() and len(np.unique(expected)) == expected.size
    np.testing.assert_allclose(_logits(model, np.pad(ids, ((0, 0), (0, 9)))), expected, rtol=1e-5, atol=1e-5)
    # JAX compiles every operation anew for every length: there one is enough.
    lengths = (7, 6, 4, 1, 1) if TENSORFLOW else (7,)
    for row, length in zip(ids, lengths, strict=False):
        alone = _logits(model, row[None, :length])[0]
        np.testing.assert_allclose(alone, expected[np.flatnonzero((ids == row).all(1))[0]], rtol=1e-5, atol=1e-5)


def test_sizes_by_name():
    for name in models.list("text"):
        kind, arguments = models._variants(["text"])[name]
        model = models.create(name, vocabulary_size=30)
        assert type(model) is kind and {"vocabulary_size": 30, **arguments}.items() <= model.get_config().items()
        assert model.output_shape == (None, 2)


def test_kims_parameters():
    # 3 widths of 100 filters on 300 numbers, biases, and 300 features for 2 classes.
    assert TextCNN(vocabulary_size=10).count_params() == 10 * 300 + (3 + 4 + 5) * 300 * 100 + 300 + 300 * 2 + 2


def test_text_cnn_by_hand(ids):
    model = TextCNN(**SMALL, widths=(2, 3), filters=4)
    vectors, *weights, dense, bias = [
        np.random.default_rng(1).normal(size=weight.shape).astype("float32") for weight in model.get_weights()
    ]
    model.set_weights([vectors, *weights, dense, bias])
    for row, answer in zip(ids[:4], _logits(model, ids), strict=False):
        features = []
        for width, (kernel, offset) in zip((2, 3), (weights[:2], weights[2:]), strict=True):
            text = np.pad(vectors[row[row != 0]], ((width - 1, width - 1), (0, 0)))
            windows = [np.tensordot(text[i : i + width], kernel, 2) + offset for i in range(len(text) - width + 1)]
            features.append(np.maximum(windows, 0).max(axis=0))
        np.testing.assert_allclose(answer, np.concatenate(features) @ dense + bias, rtol=1e-4, atol=1e-4)


def test_bag_of_words_by_hand(ids):
    model = BagOfWords(**SMALL)
    vectors, dense, bias = (keras.ops.convert_to_numpy(weight) for weight in model.weights)
    means = [vectors[row[row != 0]].mean(axis=0) if row.any() else np.zeros(6) for row in ids]
    np.testing.assert_allclose(_logits(model, ids), np.array(means) @ dense + bias, rtol=1e-5, atol=1e-6)
    shuffled = np.sort(ids, axis=1)[:, ::-1]
    np.testing.assert_allclose(_logits(model, shuffled), _logits(model, ids), rtol=1e-5, atol=1e-6)


def test_max_norm_bounds_each_class(ids):
    model = TextCNN(**SMALL, filters=4, max_norm=0.5)
    model.compile(keras.optimizers.SGD(10.0), "mse", jit_compile=not TENSORFLOW)
    model.train_on_batch(ids, np.ones((5, 3)))
    norms = np.linalg.norm(keras.ops.convert_to_numpy(model.get_layer("logits").kernel), axis=0)
    assert norms.max() == pytest.approx(0.5, abs=1e-5)


def test_word_vectors_of_a_file():
    model = BiRNN(**SMALL, units=2, depth=1)
    matrix = np.random.default_rng(0).normal(size=(20, 6)).astype("float32")
    set_word_vectors(model, matrix, trainable=False)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model.get_layer("embedding").embeddings), matrix)
    assert not any("embedding" in weight.path for weight in model.trainable_weights)
    with pytest.raises(ValueError, match=r"here \(20, 6\). Received: shape \(20, 5\)"):
        set_word_vectors(model, matrix[:, :5])


def test_word_dropout(harness):
    ids = np.arange(4000, dtype="int32").reshape(4, 1000) % 50
    layer = harness(WordDropout, {"rate": 0.25}, inputs=ids, output_shape=(4, 1000), output_dtype="int32")
    dropped = keras.ops.convert_to_numpy(layer(ids, training=True))
    changed = dropped != ids
    assert (dropped[ids == 0] == 0).all() and (dropped[changed] == 1).all()
    assert 0.2 < changed[ids > 1].mean() < 0.3
    assert not np.array_equal(dropped, keras.ops.convert_to_numpy(layer(ids, training=True)))


@pytest.mark.parametrize("kind", [BagOfWords, BiRNN, TextCNN])
def test_dropout_acts_in_training_only(ids, kind):
    model = kind(**SMALL, dropout=0.5, word_dropout=0.5)
    np.testing.assert_array_equal(_logits(model, ids), _logits(model, ids))
    assert not np.allclose(_logits(model, ids), keras.ops.convert_to_numpy(model(ids, training=True)))


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (BagOfWords, {"vocabulary_size": 1}, "`vocabulary_size` must be at least 2, of padding and the unknown word"),
        (BagOfWords, {"embedding_dim": 0}, "`embedding_dim` must be above 0. Received: embedding_dim=0"),
        (BiRNN, {"cell": "rnn"}, "`cell` must be one of lstm, gru. Received: cell='rnn'"),
        (BiRNN, {"pooling": "mean"}, "`pooling` must be one of ends, max. Received: pooling='mean'"),
        (BiRNN, {"depth": 0}, "`depth` must be above 0. Received: depth=0"),
        (TextCNN, {"widths": (3, 3)}, r"`widths` must be different numbers from 1. Received: widths=\(3, 3\)"),
        (TextCNN, {"word_dropout": 1.0}, r"`word_dropout` must be in \[0, 1\). Received: word_dropout=1.0"),
    ],
)
def test_refuses(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        kind(**arguments)


@pytest.mark.skipif(not TENSORFLOW, reason="a SavedModel is TensorFlow's")
@pytest.mark.parametrize("name", ["bag_of_words_mini", "birnn_mini", "text_cnn_mini"])
def test_exports_with_any_length(ids, tmp_path, name):
    import tensorflow as tf

    from dlkeras.export import Endpoint, export

    model = models.create(name, vocabulary_size=20)
    endpoint = Endpoint(
        "serving_default",
        lambda ids: {"logits": model(ids, training=False)},
        {"ids": ((None, None), "int32")},
        {"ids": ids[:2]},
    )
    served = tf.saved_model.load(export(model, [endpoint], tmp_path / "model")).signatures["serving_default"]
    for array in (ids, ids[:1, :1], np.pad(ids, ((0, 0), (0, 5)))):
        np.testing.assert_allclose(
            served(ids=tf.constant(array))["logits"].numpy(), _logits(model, array), rtol=1e-4, atol=1e-5
        )
