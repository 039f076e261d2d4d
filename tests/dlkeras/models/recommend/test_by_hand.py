"""What the models compute, against the papers' formulas in numpy."""

import itertools

import keras
import numpy as np

from dlkeras.models.recommend.caser import Caser
from dlkeras.models.recommend.deepfm import DeepFM
from dlkeras.models.recommend.factorization_machine import FactorizationMachine
from dlkeras.models.recommend.matrix_factorization import MatrixFactorization
from dlkeras.models.recommend.neumf import NeuMF

RANDOM = np.random.default_rng(0)
SIZES = {"num_users": 3, "num_items": 5}
ROWS = np.array([[2, 1, 0], [0, 4, 3]], "int32")
RATED = (np.array([0, 2, 2, 2]), np.array([1, 0, 3, 4]), np.array([5, 3, 4, 2], "float32"))


def _array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def _weights(model):
    """Gives every trainable weight something, and returns them by path: `{"users/embeddings": ...}`."""
    for weight in model.trainable_variables:
        weight.assign(RANDOM.normal(size=weight.shape))
    return {weight.path: _array(weight) for weight in model.trainable_variables}


def _relu(x):
    return np.maximum(x, 0)


def test_matrix_factorization():
    model = MatrixFactorization(**SIZES, factors=2)
    weights = _weights(model)
    model.read(*RATED)
    users, items = np.array([0, 2]), np.array([1, 4])
    products = weights["users/embeddings"][users] * weights["items/embeddings"][items]
    biases = weights["user_bias/embeddings"][users, 0] + weights["item_bias/embeddings"][items, 0]
    ratings = _array(model(np.stack([users, items], axis=1)))
    np.testing.assert_allclose(ratings, 3.5 + products.sum(axis=1) + biases, rtol=1e-5)


def test_svd_plus_plus(tmp_path):
    model = MatrixFactorization(**SIZES, factors=2, implicit=True, length=4)
    weights = _weights(model)
    model.read(*RATED)
    vectors, expected = weights["seen/vectors"], []
    for user, seen in enumerate(([1], [], [0, 3, 4])):
        taste = weights["users/embeddings"][user] + vectors[seen].sum(axis=0) / max(1, len(seen)) ** 0.5
        biases = weights["user_bias/embeddings"][user, 0] + weights["item_bias/embeddings"][:, 0]
        expected.append(3.5 + weights["items/embeddings"] @ taste + biases)
    np.testing.assert_allclose(_array(model.score_all(np.arange(3))), expected, rtol=1e-4, atol=1e-5)
    pairs = np.stack(np.divmod(np.arange(15), 5), axis=1)
    np.testing.assert_allclose(_array(model(pairs)), np.ravel(expected), rtol=1e-4, atol=1e-5)
    # The lists are kept with the weights.
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(_array(again(pairs)), np.ravel(expected), rtol=1e-4, atol=1e-5)


def test_svd_plus_plus_learns_from_what_was_seen():
    model = MatrixFactorization(**SIZES, factors=2, implicit=True, length=4, decay=0.1)
    before = _weights(model)["seen/vectors"]
    model.read(*RATED)
    layer = model.get_layer("seen")
    layer(np.array([2, 0]))
    squares = np.sum(before**2, axis=1)
    np.testing.assert_allclose(layer.losses[0], 0.1 * (squares[[0, 3, 4]].sum() + squares[1]) / 2, rtol=1e-5)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.train_on_batch(np.array([[2, 1]]), np.array([5.0]))
    moved = np.any(_array(layer.vectors) != before, axis=1)
    np.testing.assert_array_equal(moved, [True, False, False, True, True])


def test_neumf():
    model = NeuMF(**SIZES, factors=2, widths=(4, 3))
    weights = _weights(model)
    for row, scores in zip(ROWS, _array(model(ROWS)), strict=True):
        user = row[0]
        for item, score in zip(row[1:], scores, strict=True):
            products = weights["product_users/embeddings"][user] * weights["product_items/embeddings"][item]
            # The paper's first layer takes both vectors side by side.
            both = np.concatenate([weights["deep_users/embeddings"][user], weights["deep_items/embeddings"][item]])
            kernel = np.concatenate([weights["user_part/kernel"], weights["item_part/kernel"]])
            x = _relu(both @ kernel + weights["user_part/bias"])
            x = _relu(x @ weights["dense2/kernel"] + weights["dense2/bias"])
            expected = np.concatenate([products, x]) @ weights["score/kernel"]
            np.testing.assert_allclose(score, expected[0], rtol=1e-4, atol=1e-5)


def _field_vectors(weights, row, sizes):
    places = np.array(row) + np.cumsum([0, *sizes[:-1]])
    linear = sum(weights["biases/table/embeddings"][places, 0])
    vectors = weights["vectors/table/embeddings"][places]
    return linear + sum(a @ b for a, b in itertools.combinations(vectors, 2)), vectors


def test_factorization_machine():
    sizes = (3, 5, 4)
    model = FactorizationMachine(sizes=sizes, factors=2)
    weights = _weights(model)
    model.center(np.array([1.0, 5.0, 3.0]))
    expected = [3.0 + _field_vectors(weights, row, sizes)[0] for row in ROWS]
    np.testing.assert_allclose(_array(model(ROWS)), expected, rtol=1e-4)
    model.read(np.array([[3], [0], [1], [1], [2]]))
    vectors = weights["vectors/table/embeddings"]
    np.testing.assert_allclose(_array(model.item_vectors())[0], vectors[3] + vectors[3 + 5 + 3], rtol=1e-5)


def test_deepfm():
    sizes = (3, 5, 4)
    model = DeepFM(sizes=sizes, factors=2, widths=(4,))
    weights = _weights(model)
    for row, logit in zip(ROWS, _array(model(ROWS)), strict=True):
        machine, vectors = _field_vectors(weights, row, sizes)
        x = _relu(vectors.ravel() @ weights["dense1/kernel"] + weights["dense1/bias"])
        expected = machine + (x @ weights["deep/kernel"] + weights["deep/bias"])[0]
        np.testing.assert_allclose(logit, expected, rtol=1e-4, atol=1e-5)


def test_caser():
    model = Caser(**SIZES, length=3, factors=2, horizontal=2, vertical=2)
    weights = _weights(model)
    user, last, item = 1, [0, 2, 5], 3
    image = weights["items/embeddings"][last]  # (length, factors)
    features = []
    for height in (1, 2, 3):
        kernel, bias = weights[f"horizontal{height}/kernel"], weights[f"horizontal{height}/bias"]
        windows = [image[begin : begin + height] for begin in range(4 - height)]
        features.append(np.max([_relu(np.tensordot(window, kernel, 2) + bias) for window in windows], axis=0))
    features.append((image.T @ weights["vertical/kernel"]).ravel())
    x = _relu(np.concatenate(features) @ weights["dense/kernel"] + weights["dense/bias"])
    taste = np.concatenate([x, weights["users/embeddings"][user]])
    expected = taste @ weights["targets/embeddings"][item] + weights["item_bias/embeddings"][item, 0]
    np.testing.assert_allclose(_array(model(np.array([[user, *last, item]]))), [[expected]], rtol=1e-4, atol=1e-5)
