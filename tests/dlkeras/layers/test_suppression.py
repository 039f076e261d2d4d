from functools import partial

import keras
import numpy as np
import pytest

from dlkeras.layers.suppression import NonMaximumSuppression


def number(tensor):
    return keras.ops.convert_to_numpy(tensor)


def random_case(rng, batch=3, n=60, classes=3):
    start, size = rng.uniform(0, 0.6, (batch, n, 2)), rng.uniform(0.1, 0.4, (batch, n, 2))
    boxes = np.concatenate([start, start + size], axis=-1).astype("float32")
    return boxes, rng.uniform(0, 1, (batch, n, classes)).astype("float32")


def suppress(boxes, scores, score=0.3, iou=0.4, **arguments):
    # Keras takes numbers by keyword only.
    layer = partial(NonMaximumSuppression(**arguments), score_threshold=score, iou_threshold=iou)
    if keras.backend.backend() == "jax":
        import jax

        layer = jax.jit(layer)  # compiles in a tenth of the time that its operations take one by one
    answer = layer(boxes, scores)
    return {name: number(value) for name, value in answer.items()}


def iou(box, other):
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    overlap = np.clip(sides, 0, None).prod()
    return overlap / (np.prod(box[2:] - box[:2]) + np.prod(other[2:] - other[:2]) - overlap)


def greedy(boxes, scores, score_threshold, iou_threshold):
    """Of one picture, one box after the other."""
    pairs = sorted(np.argwhere(scores > score_threshold), key=lambda pair: -scores[tuple(pair)])
    kept = []
    for row, label in pairs:
        if all(label != other or iou(boxes[row], boxes[kept_row]) <= iou_threshold for kept_row, other in kept):
            kept.append((row, label))
    return kept


def test_equals_the_plain_greedy():
    boxes, scores = random_case(np.random.default_rng(0), batch=12)
    score_thresholds, iou_thresholds = np.tile(np.array([[0.0, 0.5, 0.2], [0.4, 0.1, 0.7]], "float32"), 4)
    answer = suppress(boxes, scores, score_thresholds, iou_thresholds, max_detections=150)
    for i in range(12):
        kept = greedy(boxes[i], scores[i], score_thresholds[i], iou_thresholds[i])
        rows, labels = np.array(kept).T
        assert 10 < len(kept) == answer["count"][i] < 150
        np.testing.assert_array_equal(answer["boxes"][i, : len(kept)], boxes[i, rows])
        np.testing.assert_array_equal(answer["classes"][i, : len(kept)], labels)
        np.testing.assert_array_equal(answer["scores"][i, : len(kept)], scores[i, rows, labels])
        assert (answer["boxes"][i, len(kept) :] == 0).all() and (answer["scores"][i, len(kept) :] == 0).all()
        assert (answer["classes"][i, len(kept) :] == -1).all()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="compares with TensorFlow's own")
@pytest.mark.parametrize("threshold", [0.1, 0.5])
def test_equals_tensorflows_a_class(threshold):
    import tensorflow as tf

    boxes, scores = random_case(np.random.default_rng(0))
    answer = suppress(boxes, scores, 0.2, threshold, max_detections=150)
    for i in range(3):
        for label in range(3):
            kept = tf.image.non_max_suppression(boxes[i], scores[i, :, label], 150, threshold, 0.2).numpy()
            mine = answer["classes"][i] == label
            np.testing.assert_array_equal(answer["boxes"][i, mine], boxes[i, kept])
            np.testing.assert_array_equal(answer["scores"][i, mine], scores[i, kept, label])


def test_a_dropped_box_drops_none():
    # A row of boxes, each overlapping the next (IoU 1/3) but not the one after that: every second one stays.
    left = np.arange(9, dtype="float32")[:, None]
    boxes = np.concatenate([left, 0 * left, left + 2, 0 * left + 1], axis=-1)[None]
    scores = np.linspace(0.9, 0.5, 9, dtype="float32").reshape(1, 9, 1)
    answer = suppress(boxes, scores, iou=0.3)
    assert answer["count"] == [5]
    np.testing.assert_array_equal(answer["boxes"][0, :5], boxes[0, ::2])


def test_boxes_of_other_classes_stay():
    boxes = np.array([[[0, 0, 1, 1], [0, 0, 1, 1]]], "float32")
    answer = suppress(boxes, np.array([[[0.9, 0.1], [0.8, 0.7]]], "float32"))
    assert answer["count"] == [2]
    np.testing.assert_array_equal(answer["classes"][0, :3], [0, 1, -1])


def test_thresholds_themselves():
    boxes = np.array([[[0, 0, 2, 1], [1, 0, 2, 1], [5, 5, 6, 6]]], "float32")  # IoU of the first two: 1/2
    scores = np.array([[[0.75], [0.625], [0.5]]], "float32")
    score_thresholds, iou_thresholds = np.array([[0.5, 0.49, 0.49], [0.5, 0.49, 0.5]], "float32")
    answer = suppress(np.tile(boxes, (3, 1, 1)), np.tile(scores, (3, 1, 1)), score_thresholds, iou_thresholds)
    np.testing.assert_array_equal(answer["count"], [2, 2, 3])


def test_no_detections():
    boxes, scores = random_case(np.random.default_rng(0))
    answer = suppress(boxes, scores, 1.0)
    np.testing.assert_array_equal(answer["count"], [0, 0, 0])
    assert (answer["boxes"] == 0).all() and (answer["classes"] == -1).all() and (answer["scores"] == 0).all()


def test_scores_that_are_no_detections():
    boxes, scores = random_case(np.random.default_rng(0), batch=5, n=4, classes=1)
    scores[:, 1, 0] = [np.nan, np.inf, -np.inf, 0, -1]
    answer = suppress(boxes, scores, 0.0, 1.0)
    np.testing.assert_array_equal(answer["count"], [3] * 5)
    expected = np.sort(np.delete(scores[..., 0], 1, axis=1))[:, ::-1]
    np.testing.assert_array_equal(answer["scores"], np.pad(expected, [[0, 0], [0, 97]]))


@pytest.mark.parametrize(("max_detections", "candidates", "count"), [(5, 400, 5), (100, 7, 7), (2, 3, 2)])
def test_the_highest_scores_are_taken(max_detections, candidates, count):
    boxes, scores = random_case(np.random.default_rng(0))
    answer = suppress(boxes, scores, 0.0, 1.0, max_detections=max_detections, candidates=candidates)
    assert answer["scores"].shape == (3, max_detections)
    np.testing.assert_array_equal(answer["scores"][:, :count], np.sort(scores.reshape(3, -1))[:, ::-1][:, :count])
    np.testing.assert_array_equal(answer["count"], [count] * 3)


def test_layer_in_a_model(tmp_path):
    boxes, scores = keras.Input((60, 4)), keras.Input((60, 3))
    score, overlap = keras.Input(()), keras.Input(())
    layer = NonMaximumSuppression(20, 50, dtype="mixed_bfloat16")
    model = keras.Model([boxes, scores, score, overlap], layer(boxes, scores, score, overlap))
    model.save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    case = random_case(np.random.default_rng(0))
    answer = model([*case, np.full(3, 0.3, "float32"), np.full(3, 0.4, "float32")])
    dtypes = {name: keras.backend.standardize_dtype(value.dtype) for name, value in answer.items()}
    assert dtypes == {"boxes": "float32", "classes": "int32", "scores": "float32", "count": "int32"}
    for name, value in suppress(*case, max_detections=20, candidates=50).items():
        np.testing.assert_array_equal(number(answer[name]), value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_detections": 0}, "`max_detections` must be above 0. Received: max_detections=0"),
        ({"candidates": -1}, "`candidates` must be above 0. Received: candidates=-1"),
        ({"score": 1.5}, "`score_threshold` must be in [0, 1]. Received: score_threshold=1.5"),
        ({"iou": -1}, "`iou_threshold` must be in [0, 1]. Received: iou_threshold=-1"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        suppress(*random_case(np.random.default_rng(0)), **arguments)
    assert message in str(error.value)
