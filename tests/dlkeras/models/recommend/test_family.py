"""Every model of recommendation keeps the same promises, whatever it is made of."""

import keras
import numpy as np
import pytest

from dlkeras import models
from dlkeras.models.recommend.autoencoder import HistoryAutoencoder
from dlkeras.models.recommend.autorec import AutoRec
from dlkeras.models.recommend.bpr import BPR
from dlkeras.models.recommend.caser import Caser
from dlkeras.models.recommend.deepfm import DeepFM
from dlkeras.models.recommend.factorization_machine import FactorizationMachine
from dlkeras.models.recommend.matrix_factorization import MatrixFactorization
from dlkeras.models.recommend.neumf import NeuMF

TENSORFLOW = keras.backend.backend() == "tensorflow"
USERS, ITEMS = 4, 6
SIZES = {"num_users": USERS, "num_items": ITEMS}
RATED = (np.array([0, 0, 0, 1, 1, 2]), np.array([5, 1, 2, 0, 5, 3]), np.array([5, 4, 1, 2, 3, 5], "float32"))
MATRIX = np.zeros((USERS, ITEMS), "float32")
MATRIX[RATED[0], RATED[1]] = RATED[2]
PAIRS = np.array([[0, 1], [3, 5], [2, 0], [1, 5]], "int32")
CANDIDATES = np.array([[0, 1, 4], [3, 5, 5], [2, 0, 3], [1, 2, 0]], "int32")
LAST = np.array([[0, 6, 2, 3], [1, 0, 1, 6], [3, 0, 0, 0]], "int32")  # a user, and the last three items + 1

# Class, arguments, an input, the shape of its output.
FORMS = [
    (MatrixFactorization, {**SIZES, "factors": 3, "decay": 0.01, "bias_decay": 0.01}, PAIRS, (4,)),
    (AutoRec, {**SIZES, "rows": "user", "hidden": 3, "decay": 0.01}, MATRIX, (4, 6)),
    (AutoRec, {**SIZES, "rows": "item", "hidden": 3}, MATRIX.T, (6, 4)),
    (HistoryAutoencoder, {"num_items": ITEMS, "hidden": 3, "dropout": 0.0}, np.sign(MATRIX), (4, 6)),
    (BPR, {**SIZES, "factors": 3, "decay": 0.01, "bias_decay": 0.01}, CANDIDATES, (4, 2)),
    (NeuMF, {**SIZES, "factors": 3, "widths": (8, 6), "decay": 0.01}, CANDIDATES, (4, 2)),
    (FactorizationMachine, {"sizes": (USERS, ITEMS, 2), "factors": 3, "decay": 0.01}, PAIRS[:, [0, 1, 0]] % 2, (4,)),
    (DeepFM, {"sizes": (USERS, ITEMS, 2), "factors": 3, "widths": (8,)}, PAIRS[:, [0, 1, 0]] % 2, (4,)),
    (
        Caser,
        {**SIZES, "length": 3, "factors": 4, "horizontal": 3, "vertical": 2},
        np.pad(LAST, ((0, 0), (0, 2)), constant_values=4),
        (3, 2),
    ),
]


def _array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def _randomized(model, scale=0.5):
    """Gives every trainable weight something, so that a part that is left out is seen."""
    random = np.random.default_rng(1)
    for weight in model.trainable_variables:
        weight.assign(random.normal(size=weight.shape, scale=scale))
    return model


@pytest.mark.parametrize(("kind", "arguments", "inputs", "shape"), FORMS)
def test_harness(harness, kind, arguments, inputs, shape):
    harness(kind, arguments, inputs=inputs, output_shape=shape, learning_rate=0.05)


def test_every_size_is_tried():
    kinds = {kind for kind, _ in models._variants(["recommend"]).values()}
    assert kinds == {kind for kind, *_ in FORMS}
    assert models.create("svd_plus_plus", **SIZES).get_config()["implicit"]
    assert models.create("autorec_user", **SIZES).output_shape == (None, ITEMS)


@pytest.mark.parametrize("place", [0, 4, 5])
def test_scores_of_all_are_those_of_pairs(place):
    kind, arguments, *_ = FORMS[place]
    model = _randomized(kind(**arguments))
    users = np.array([3, 0, 1, 3], "int32")
    every = np.arange(ITEMS, dtype="int32")
    if kind is MatrixFactorization:
        model.read(*RATED)
        pairs = np.stack(np.broadcast_arrays(users[:, None], every), axis=-1).reshape(-1, 2)
        expected = _array(model(pairs)).reshape(4, ITEMS)
    else:
        expected = _array(model(np.concatenate([users[:, None], np.tile(every, (4, 1))], axis=1)))
    np.testing.assert_allclose(_array(model.score_all(users)), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [FactorizationMachine, DeepFM])
def test_scores_of_all_have_what_is_known_of_the_items(kind):
    model = _randomized(kind(sizes=(USERS, ITEMS, 2, 3), factors=3))
    known = np.array([[0, 2], [1, 0], [0, 1], [1, 1], [1, 2], [0, 0]], "int32")
    model.read(known)
    scores = _array(model.score_all(np.array([2, 0])))
    assert scores.shape == (2, ITEMS)
    rows = np.array([[2, 4, 1, 2], [0, 3, 1, 1]], "int32")
    np.testing.assert_allclose(scores[[0, 1], [4, 3]], _array(model(rows)), rtol=1e-5)


def test_scores_of_all_after_three_items():
    model = _randomized(Caser(**FORMS[-1][1]))
    rows = np.concatenate([LAST, np.tile(np.arange(ITEMS, dtype="int32"), (3, 1))], axis=1)
    np.testing.assert_allclose(_array(model.score_all(LAST)), _array(model(rows)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("place", range(len(FORMS)))
def test_every_item_has_a_vector(place):
    kind, arguments, *_ = FORMS[place]
    model = _randomized(kind(**arguments))
    if kind is AutoRec:
        model.read(MATRIX if arguments["rows"] == "user" else MATRIX.T)
    vectors = _array(model.item_vectors())
    assert vectors.shape[0] == ITEMS and len(np.unique(vectors, axis=0)) == ITEMS


@pytest.mark.parametrize("rows", ["user", "item"])
def test_scores_of_all_from_codes_that_were_kept(rows, tmp_path):
    model = _randomized(AutoRec(**SIZES, rows=rows, hidden=3))
    table = MATRIX if rows == "user" else MATRIX.T
    model.read(table)
    every = _array(model(table)) if rows == "user" else _array(model(table)).T
    users = np.array([3, 0])
    np.testing.assert_allclose(_array(model.score_all(users)), every[users], rtol=1e-5, atol=1e-6)
    # What was kept is part of the weights.
    model.save_weights(tmp_path / "model.weights.h5")
    again = AutoRec(**SIZES, rows=rows, hidden=3)
    again.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(_array(again.score_all(users)), every[users], rtol=1e-5, atol=1e-6)


def test_a_history_is_the_set_of_its_items():
    model = _randomized(HistoryAutoencoder(num_items=ITEMS, hidden=3))
    histories = np.array([[6, 2, 3], [0, 2, 2], [0, 0, 0]], "int32")
    seen = np.array([[0, 1, 1, 0, 0, 1], [0, 1, 0, 0, 0, 0], [0] * 6], "float32")
    np.testing.assert_allclose(_array(model.score_all(histories)), _array(model(seen)), rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(not TENSORFLOW, reason="a graph with sizes left open is TensorFlow's")
def test_scores_in_a_graph_with_open_sizes():
    import tensorflow as tf

    for kind, arguments, *_ in FORMS:
        model = kind(**arguments)
        lists = kind in (HistoryAutoencoder, Caser)
        spec = tf.TensorSpec((None, None) if kind is HistoryAutoencoder else (None, 4) if lists else (None,), "int32")
        inputs = LAST if lists else np.array([2, 0, 3], "int32")
        scores = tf.function(model.score_all, input_signature=[spec])(tf.constant(inputs))
        np.testing.assert_allclose(scores, model.score_all(inputs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (MatrixFactorization, {"factors": 0}, "`factors` must be above 0. Received: factors=0"),
        (MatrixFactorization, {"decay": -1}, "`decay` must be at least 0. Received: decay=-1"),
        (AutoRec, {"rows": "film"}, "`rows` must be one of user, item. Received: rows='film'"),
        (HistoryAutoencoder, {"dropout": 1}, "`dropout` must be in [0, 1). Received: dropout=1"),
        (NeuMF, {"widths": ()}, "`widths` must be numbers of 2 at least, one or more. Received: widths=()"),
        (DeepFM, {"sizes": (3,)}, "`sizes` must be numbers above 0, two or more. Received: sizes=[3]"),
    ],
)
def test_refusals(kind, arguments, message):
    with pytest.raises(ValueError) as error:
        kind(**arguments)
    assert str(error.value) == message
