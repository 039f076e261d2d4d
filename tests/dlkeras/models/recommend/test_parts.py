import keras
import numpy as np
import pytest

from dlkeras.models.recommend.parts import item_lists, lookup, multi_hot


def test_item_lists_by_hand():
    users = np.array([2, 0, 2, 2, 0])
    items = np.array([4, 0, 1, 3, 5])
    expected = [[0, 1, 6], [0, 0, 0], [5, 2, 4], [0, 0, 0]]
    lists = item_lists(users, items, 4, 3)
    assert lists.dtype == "int32"
    np.testing.assert_array_equal(lists, expected)
    # The last ones are kept.
    np.testing.assert_array_equal(item_lists(users, items, 4, 2), [[1, 6], [0, 0], [2, 4], [0, 0]])
    np.testing.assert_array_equal(item_lists(users[:0], items[:0], 2, 2), np.zeros((2, 2)))


def test_multi_hot_by_hand():
    histories = np.array([[0, 3, 1], [2, 2, 2], [0, 0, 0]], "int32")
    expected = [[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(multi_hot(histories, 4)), expected)


def test_decay_is_of_what_was_looked_up():
    layer = lookup(4, 2, decay=0.1)
    layer.build()
    layer.set_weights([np.arange(8, dtype="float32").reshape(4, 2)])
    layer(np.array([[1, 1], [2, 0]]))
    # Squares of the rows [0, 1], [2, 3], [4, 5]: 1, 13 and 41; the second is there twice, in a batch of two.
    assert float(sum(layer.losses)) == pytest.approx(0.1 * (13 + 13 + 41 + 1) / 2)
