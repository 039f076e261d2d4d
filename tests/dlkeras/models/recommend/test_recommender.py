"""A network with what its users have seen: lists, scores of all items, users who were never met."""

import numpy as np
import pytest
from keras import ops

from dlkeras.models.recommend.parts import multi_hot
from dlkeras.models.recommend.recommender import Recommender

USERS, ITEMS = np.array([2, 0, 2, 2, 0]), np.array([3, 1, 0, 4, 0])
SIZES = {"num_users": 4, "size": 5, "longest": 3}


def _rating():
    arguments = {"num_users": 4, "num_items": 5, "factors": 3}
    model = Recommender(network="matrix_factorization", arguments=arguments, **SIZES)
    vectors = model.network.get_layer("items").embeddings
    vectors.assign(np.random.default_rng(0).normal(size=vectors.shape))
    model.seen.read(USERS, ITEMS)
    return model


def _choosing():
    model = Recommender(network="mult_dae", arguments={"num_items": 5, "hidden": 3}, **SIZES)
    model.seen.read(USERS, ITEMS)
    return model


def test_what_was_seen_is_listed():
    lists = ops.convert_to_numpy(_rating().seen(np.array([0, 1, 2, 3])))
    np.testing.assert_array_equal(lists, [[1, 2, 0], [0, 0, 0], [1, 4, 5], [0, 0, 0]])


def test_scores_of_all_are_those_of_each():
    model = _rating()
    pairs = np.array([[2, item] for item in range(5)], "int32")
    np.testing.assert_allclose(model.scores(np.array([2]))[0], model(pairs), atol=1e-6)


def test_a_network_of_histories_is_asked_by_what_was_seen():
    model = _choosing()
    seen = np.array([[1, 0, 0, 1, 1]], "float32")
    np.testing.assert_allclose(model.scores(np.array([2])), model(seen), atol=1e-6)
    # Order and padding do not matter, nor whether the user is known.
    np.testing.assert_allclose(model.history_scores(np.array([[5, 0, 1, 4, 0]])), model(seen), atol=1e-6)


def test_somebody_new_is_known_by_the_vectors_of_items():
    model = _rating()
    vectors = ops.convert_to_numpy(model.network.item_vectors())
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    histories = np.array([[2, 5, 0], [1, 0, 0]])
    cosines = ops.convert_to_numpy(model.cosines(histories))
    np.testing.assert_allclose(cosines[0], [vectors @ vectors[1], vectors @ vectors[4], np.zeros(5)], atol=1e-5)
    np.testing.assert_allclose(model.history_scores(histories), cosines.sum(axis=1), atol=1e-5)


def test_the_nearest_of_a_history_is_found():
    model, histories = _rating(), np.array([[0, 2, 5], [1, 0, 0]])
    cosines = ops.convert_to_numpy(model.cosines(histories))
    items = np.array([[3, 0], [4, 4]])
    nearest = ops.convert_to_numpy(model.nearest(items, histories))
    # Padding is as far as can be, whatever the angle.
    for row, column in np.ndindex(2, 2):
        near = [cosines[row, place, items[row, column]] if histories[row, place] else -2 for place in range(3)]
        assert nearest[row, column] == histories[row, np.argmax(near)] - 1


@pytest.mark.parametrize("make", [_rating, _choosing])
def test_weights_hold_what_was_seen(make, tmp_path):
    model = make()
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    other = type(model).from_config(model.get_config())
    other.load_weights(tmp_path / "model.weights.h5")
    users = np.array([2, 3])
    np.testing.assert_array_equal(other.seen(users), model.seen(users))
    np.testing.assert_allclose(other.scores(users), model.scores(users), atol=1e-6)


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match=r"`longest` must be above 0. Received: longest=0"):
        Recommender(network="mult_dae", arguments={"num_items": 5}, **{**SIZES, "longest": 0})
    with pytest.raises(ValueError, match="mult_dae"):
        Recommender(network="mult_da", arguments={"num_items": 5}, **SIZES)


def test_histories_are_counted_once():
    np.testing.assert_array_equal(multi_hot(np.array([[2, 2, 0]]), 3), [[0, 1, 0]])
