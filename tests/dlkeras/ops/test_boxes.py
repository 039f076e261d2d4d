import keras
import numpy as np
import pytest

from dlkeras.ops import boxes

# One box of a picture 200 pixels high and 100 wide, in every format, worked by hand: 30 wide, 40 high.
SAME = {
    "xyxy": [10, 20, 40, 60],
    "center_xywh": [25, 40, 30, 40],
    "rel_xyxy": [0.1, 0.1, 0.4, 0.3],
    "voc": [11, 21, 40, 60],
    "coco": [10, 20, 30, 40],
    "yolo": [0.25, 0.2, 0.3, 0.2],
}


def number(tensor):
    return keras.ops.convert_to_numpy(tensor)


def random_boxes(*shape):
    corners = np.random.uniform(0, 1, (*shape, 2, 2))
    return np.concatenate([corners.min(axis=-2), corners.max(axis=-2)], axis=-1).astype("float32")


@pytest.mark.parametrize("target", SAME)
@pytest.mark.parametrize("source", SAME)
def test_convert_by_hand(source, target):
    converted = boxes.convert(np.array([[SAME[source]]], "float64"), source, target, image_shape=(200, 100, 3))
    assert keras.ops.is_tensor(converted) and keras.backend.standardize_dtype(converted.dtype) == "float32"
    np.testing.assert_allclose(number(converted), [[SAME[target]]], rtol=1e-6)


def test_convert_without_a_picture():
    np.testing.assert_allclose(number(boxes.convert([SAME["yolo"]], "yolo", "rel_xyxy")), [SAME["rel_xyxy"]], rtol=1e-6)
    # A VOC box of the first pixel alone.
    np.testing.assert_array_equal(number(boxes.convert([[1, 1, 1, 1]], "voc", "xyxy")), [[0, 0, 1, 1]])


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("pascal", "xyxy", "`source` must be one of xyxy, center_xywh, rel_xyxy, voc, coco, yolo. Received: source='p"),
        ("xyxy", "xywh", "`target` must be one of xyxy, center_xywh, rel_xyxy, voc, coco, yolo. Received: target='x"),
        ("voc", "yolo", "`image_shape` must be given to convert between relative boxes and pixels. Received: source="),
    ],
)
def test_convert_refuses(source, target, message):
    with pytest.raises(ValueError) as error:
        boxes.convert(np.zeros((1, 4)), source, target)
    assert str(error.value).startswith(message)


def test_area_by_hand():
    areas = boxes.area(np.array([[0, 0, 10, 10], [1, 2, 3, 5], [1, 1, 1, 4], [3, 3, 1, 1]]))
    np.testing.assert_array_equal(number(areas), [100, 6, 0, 0])


def test_iou_by_hand():
    first = np.array([[0, 0, 10, 10], [0, 0, 2, 2], [5, 5, 5, 5]])
    second = np.array([[0, 0, 10, 10], [5, 5, 15, 15], [10, 0, 20, 10], [1, 1, 3, 3], [5, 5, 5, 5]])
    expected = [[1, 25 / 175, 0, 4 / 100, 0], [4 / 100, 0, 0, 1 / 7, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_allclose(number(boxes.iou_matrix(first, second)), expected, rtol=1e-6)


def test_iou_equals_keras():
    first, second = random_boxes(2, 5), random_boxes(7)
    reference = keras.utils.bounding_boxes.compute_iou(first, second, "xyxy")
    np.testing.assert_allclose(number(boxes.iou_matrix(first, second)), number(reference), atol=1e-4)


def test_iou_of_very_small_boxes_is_exact():
    box = np.array([[0.5, 0.5, 0.5001, 0.5001]])
    np.testing.assert_allclose(number(boxes.iou_matrix(box, box)), [[1]], rtol=1e-6)


def test_clip():
    box = np.array([[-1, 0.5, 2, 0.75], [2, 2, 3, 3]])
    np.testing.assert_array_equal(number(boxes.clip(box)), [[0, 0.5, 1, 0.75], [1, 1, 1, 1]])
    np.testing.assert_array_equal(number(boxes.clip(box, 0.25, 0.5)), [[0.25, 0.5, 0.5, 0.5], [0.5] * 4])
    pixels = boxes.clip(np.array([[-5, 10, 90, 70]]), image_shape=(60, 80, 3))
    np.testing.assert_array_equal(number(pixels), [[0, 10, 80, 60]])


def test_encode_by_hand():
    anchors = np.array([[0.2, 0.2, 0.4, 0.6], [0.0, 0.0, 0.5, 0.5]])
    box = np.array([[0.3, 0.2, 0.7, 0.4], [0.0, 0.0, 0.5, 0.5]])
    # Centre (0.5, 0.3) from (0.3, 0.4) in sizes (0.2, 0.4); twice as wide, half as high.
    expected = [[1 / 0.1, -0.25 / 0.1, np.log(2) / 0.2, np.log(0.5) / 0.2], [0, 0, 0, 0]]
    np.testing.assert_allclose(number(boxes.encode(box, anchors)), expected, rtol=1e-5, atol=1e-6)
    plain = boxes.encode(box, anchors, variances=(1, 1, 1, 1))
    np.testing.assert_allclose(number(plain)[0], [1, -0.25, np.log(2), np.log(0.5)], rtol=1e-5)


@pytest.mark.parametrize("variances", [(0.1, 0.1, 0.2, 0.2), (1.0, 1.0, 1.0, 1.0)])
def test_decode_inverts_encode(variances):
    anchors, box = random_boxes(300), random_boxes(2, 300)
    for array in (anchors, box):
        array[..., 2:] += 0.01
    again = boxes.decode(boxes.encode(box, anchors, variances), anchors, variances)
    np.testing.assert_allclose(number(again), box, atol=1e-5)


def test_boxes_without_size_have_finite_offsets():
    offsets = number(boxes.encode(np.array([[0.0] * 4, [0.5] * 4]), np.array([[0.1, 0.1, 0.2, 0.2], [0.5] * 4])))
    assert np.isfinite(offsets).all()


def test_decode_is_bounded():
    decoded = number(boxes.decode(np.array([[0, 0, 1e6, -1e6]]), np.array([[0.4, 0.4, 0.6, 0.6]])))
    np.testing.assert_allclose(decoded, [[-99.5, 0.5, 100.5, 0.5]], rtol=1e-5)
