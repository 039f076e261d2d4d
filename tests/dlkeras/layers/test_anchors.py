import keras
import numpy as np
import pytest

from dlkeras.layers.anchors import AnchorBoxes, anchor_boxes, anchors_per_pixel


def test_harness(harness):
    inputs = np.random.normal(size=(2, 3, 4, 5)).astype("float32")
    arguments = {"sizes": (0.2, 0.3), "ratios": (1, 2, 0.5), "aspect": 4 / 3}
    layer = harness(AnchorBoxes, arguments, inputs=inputs, output_shape=(48, 4))
    assert layer.anchors_per_pixel == anchors_per_pixel((0.2, 0.3), (1, 2, 0.5)) == 4
    expected = anchor_boxes(3, 4, (0.2, 0.3), (1, 2, 0.5), 4 / 3)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(inputs)), expected)


def test_stay_in_float32():
    layer = AnchorBoxes((0.2,), (1,), dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(layer(np.zeros((1, 2, 2, 1), "float32")).dtype) == "float32"
    assert layer(keras.Input((2, 2, 1))).dtype == "float32"


def test_the_textbooks_by_hand():
    anchors = anchor_boxes(2, 2, sizes=(0.5, 0.25), ratios=(1, 4))
    assert anchors.dtype == "float32"
    # Around the second pixel of the first row: both sizes as squares, then the first size, four times as wide as high.
    expected = [[0.5, 0, 1, 0.5], [0.625, 0.125, 0.875, 0.375], [0.25, 0.125, 1.25, 0.375]]
    np.testing.assert_allclose(anchors[3:6], expected)
    np.testing.assert_allclose(anchors[6:9], np.add(expected, [-0.5, 0.5, -0.5, 0.5]))


@pytest.mark.parametrize("aspect", [1.0, 2.5, 0.4])
def test_area_and_shape_in_the_picture(aspect):
    left, top, right, bottom = anchor_boxes(3, 5, (0.3,), (2, 0.7), aspect).reshape(15, 2, 4).transpose(2, 0, 1)
    np.testing.assert_allclose((right - left) * (bottom - top), 0.09, rtol=1e-5)
    np.testing.assert_allclose((right - left) * aspect / (bottom - top), np.tile([2, 0.7], (15, 1)), rtol=1e-5)


def test_order_fits_a_convolutions_output():
    # Each output of the head tells its own place; reshaped, it must stand beside the anchor of that place.
    y, x, size = np.meshgrid((np.arange(3) + 0.5) / 3, (np.arange(4) + 0.5) / 4, [0.1, 0.2], indexing="ij")
    head = np.stack([x, y, size], axis=-1).reshape(1, 3, 4, 2 * 3)
    x, y, size = head.reshape(-1, 3).T
    anchors = anchor_boxes(3, 4, (0.1, 0.2), (1,))
    expected = np.stack([x - size / 2, y - size / 2, x + size / 2, y + size / 2], axis=-1)
    np.testing.assert_allclose(anchors, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sizes": (), "ratios": (1,)}, "`sizes` must be numbers above 0, at least one. Received: sizes=[]"),
        ({"sizes": (1,), "ratios": (1, 0)}, "`ratios` must be numbers above 0, at least one. Received: ratios=[1, 0]"),
        ({"sizes": (1,), "ratios": (1,), "aspect": 0}, "`aspect` must be above 0. Received: aspect=0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        AnchorBoxes(**arguments)
    assert str(error.value) == message


def test_refuses_maps_of_unknown_size():
    with pytest.raises(ValueError, match=r"height and width of the feature map must be known.*None, None, 3"):
        AnchorBoxes((0.2,), (1,))(keras.Input((None, None, 3)))
