import keras
import numpy as np
import pytest

from dlkeras.models.detection.tiny_ssd import TinySSD

SMALL = {"num_classes": 2, "input_shape": (64, 64, 3), "base_filters": (8, 8, 8), "filters": 8}


def test_keeps_its_promises(harness):
    pictures = np.random.uniform(-1, 1, (2, 64, 64, 3)).astype("float32")
    model = harness(TinySSD, SMALL, inputs=pictures, output_shape=(2, 344, 7), learning_rate=0.001)
    assert model.anchors.shape == (344, 4)


def test_the_textbooks_anchors():
    """5,444 of them at 256 px: Dive into Deep Learning, section 14.7.1."""
    model = TinySSD()
    assert model.output_shape == (None, 5444, 6)
    assert len(model.anchors) == 4 * (32**2 + 16**2 + 8**2 + 4**2 + 1)
    sides = model.anchors[-4:, 2:] - model.anchors[-4:, :2]
    expected = [[0.88, 0.88], [0.961, 0.961], [0.88 * 2**0.5, 0.88 / 2**0.5], [0.88 / 2**0.5, 0.88 * 2**0.5]]
    np.testing.assert_allclose(sides, expected, rtol=1e-5)
    np.testing.assert_allclose((model.anchors[-4:, 2:] + model.anchors[-4:, :2]) / 2, 0.5, rtol=1e-5)


def test_predictions_stand_in_the_order_of_the_anchors():
    """Biases tell the boxes of a pixel apart: their order is the anchors'."""
    model = TinySSD(**SMALL)
    per_pixel = 4
    for level in range(5):
        for name, numbers in (("offsets", 4), ("logits", 3)):
            head = model.get_layer(f"{name}_{level}")
            kernel, bias = head.get_weights()
            head.set_weights([kernel * 0, level * 1000 + np.arange(len(bias))])
            assert len(bias) == per_pixel * numbers
    answer = keras.ops.convert_to_numpy(model(np.zeros((1, 64, 64, 3), "float32"), training=False))[0]
    maps = [8, 4, 2, 1, 1]
    starts = np.cumsum([0, *(side * side * per_pixel for side in maps)])
    for level, start in enumerate(starts[:-1]):
        for pixel in (0, maps[level] ** 2 - 1):
            rows = answer[start + pixel * per_pixel :][:per_pixel]
            np.testing.assert_array_equal(rows[:, :4], level * 1000 + np.arange(16).reshape(4, 4))
            np.testing.assert_array_equal(rows[:, 4:], level * 1000 + np.arange(12).reshape(4, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"input_shape": (63, 64, 3)}, "`input_shape` must be at least 64 x 64. Received: input_shape=(63, 64, 3)"),
        ({"head": "heavy"}, "`head` must be one of ssd, ssdlite. Received: head='heavy'"),
        (
            {"sizes": ((0.1,),)},
            "`sizes` must hold numbers above 0 for each of the 5 feature maps. Received: sizes=((0.1,),)",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        TinySSD(**arguments)
    assert str(error.value) == message
