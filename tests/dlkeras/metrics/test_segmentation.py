import keras
import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from sklearn.metrics import accuracy_score, confusion_matrix, jaccard_score, recall_score

from dlkeras.metrics import SegmentationScores

CLASSES = 4


def case(seed=0, shape=(5, 12, 15)):
    """Labels in patches with ignored pixels, and predictions that are right for three quarters of them."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.repeat(random.integers(0, CLASSES, (shape[0], 4, 5)), 3, axis=1), 3, axis=2)
    predictions = np.where(random.random(shape) < 0.75, labels, random.integers(0, CLASSES, shape))
    return np.where(random.random(shape) < 0.1, 255, labels).astype("uint8"), predictions


def test_equals_scikit_learns():
    labels, predictions = case()
    scores = SegmentationScores(CLASSES, 255)
    for row in range(len(labels)):
        scores.update(labels[row : row + 1], predictions[row : row + 1])
    pair = labels[labels != 255], predictions[labels != 255]
    np.testing.assert_array_equal(scores.confusion, confusion_matrix(*pair))
    np.testing.assert_allclose(scores.per_class()["iou"], jaccard_score(*pair, average=None))
    result = scores.result()
    assert list(result) == ["pixel_accuracy", "mean_accuracy", "mean_iou", "boundary_f1"]
    assert result["pixel_accuracy"] == pytest.approx(accuracy_score(*pair))
    assert result["mean_accuracy"] == pytest.approx(recall_score(*pair, average="macro"))
    assert result["mean_iou"] == pytest.approx(jaccard_score(*pair, average="macro"))
    assert result["boundary_f1"] == pytest.approx(np.mean(scores.per_class()["boundary_f1"]))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="on JAX it asks for int64, which is a warning")
def test_equals_keras_mean_iou():
    """What training shows is what is reported."""
    labels, predictions = case()
    ours = SegmentationScores(CLASSES, 255)
    ours.update(labels, predictions)
    theirs = keras.metrics.MeanIoU(CLASSES, ignore_class=255, sparse_y_pred=False)
    theirs.update_state(labels, np.eye(CLASSES, dtype="float32")[predictions])
    assert ours.result()["mean_iou"] == pytest.approx(float(theirs.result()), rel=1e-5)


def test_classes_that_do_not_count():
    """By hand: class 2 is ignored though it is a class, class 3 does not occur."""
    labels = np.array([[[0, 0, 1, 1, 2, 2]]])
    predictions = np.array([[[0, 1, 1, 2, 0, 2]]])
    scores = SegmentationScores(CLASSES, 2)
    scores.update(labels, predictions)
    np.testing.assert_array_equal(scores.per_class()["iou"], [1 / 2, 1 / 3, np.nan, np.nan])
    result = scores.result()
    assert result["mean_iou"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert result["pixel_accuracy"] == result["mean_accuracy"] == 0.5


def plain_boundary_f1(true, found, label, tolerance):
    """By SciPy's distances, of one class in one picture without ignored pixels."""
    shifts = [(0, 1), (0, -1), (1, 1), (1, -1)]
    edges = []
    for picture in (true, found):
        edge = np.zeros(picture.shape, bool)
        for axis, step in shifts:
            other = np.roll(picture, step, axis)
            inner = np.ones(picture.shape, bool)
            inner[(slice(None),) * axis + (0 if step == 1 else -1,)] = False
            edge |= (picture == label) & (other != label) & inner
        edges.append(edge)
    near = [distance_transform_edt(~edge) <= tolerance for edge in edges]
    precision, recall = near[0][edges[1]].mean(), near[1][edges[0]].mean()
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("tolerance", [0, 1, 1.5, 2.3])
def test_boundary_f1_by_distances(tolerance):
    labels, predictions = case(1)
    labels = np.where(labels == 255, 0, labels)
    scores = SegmentationScores(CLASSES, tolerance=tolerance)
    scores.update(labels, predictions)
    expected = [
        np.mean([plain_boundary_f1(*pair, label, tolerance) for pair in zip(labels, predictions, strict=True)])
        for label in range(CLASSES)
    ]
    np.testing.assert_allclose(scores.per_class()["boundary_f1"], expected)


@pytest.mark.parametrize(("moved", "tolerance", "expected"), [(0, 0, 1), (1, 0, 0), (1, 1, 1), (3, 2, 0), (3, 3, 1)])
def test_boundary_f1_by_hand(moved, tolerance, expected):
    """Two halves; each has one column of the boundary, which is found some columns beside its place."""
    labels, predictions = np.zeros((2, 1, 6, 12), int)
    labels[..., 6:] = predictions[..., 6 + moved :] = 1
    scores = SegmentationScores(2, tolerance=tolerance)
    scores.update(labels, predictions)
    assert scores.result()["boundary_f1"] == pytest.approx(expected)


def test_boundaries_with_the_ignored_and_of_nothing():
    ignored = np.zeros((1, 4, 6), int)
    ignored[..., 3:] = 255
    scores = SegmentationScores(2, 255)
    scores.update(ignored, np.where(ignored == 255, 1, 0))
    np.testing.assert_array_equal(scores.per_class()["boundary_f1"], [1, np.nan])  # no boundary, and none found
    scores.update(ignored, np.ones_like(ignored))
    np.testing.assert_array_equal(scores.per_class()["iou"], [0.5, 0])
    halves = np.zeros((1, 4, 6), int)
    halves[..., 3:] = 1
    missed = SegmentationScores(2)
    missed.update(halves, np.zeros_like(halves))
    assert missed.result()["boundary_f1"] == 0


def test_nothing_at_all():
    assert np.isnan(list(SegmentationScores(2).result().values())).all()


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        (np.zeros((4, 4)), np.zeros((4, 4)), r"must be \(batch, height, width\). Received shapes: \(4, 4\)"),
        (np.zeros((1, 4, 4)), np.zeros((1, 4, 5)), r"Received shapes: \(1, 4, 4\) and \(1, 4, 5\)"),
        (np.full((1, 4, 4), 2), np.zeros((1, 4, 4)), r"`labels` must be in \[0, 2\). Received: 2 to 2"),
        (np.zeros((1, 4, 4)), np.full((1, 4, 4), -1), r"`predictions` must be in \[0, 2\). Received: -1 to -1"),
    ],
)
def test_refuses_arrays(labels, predictions, message):
    with pytest.raises(ValueError, match=message):
        SegmentationScores(2, 255).update(labels, predictions)


def test_refuses():
    with pytest.raises(ValueError, match=r"`tolerance` must be at least 0. Received: tolerance=-1"):
        SegmentationScores(2, tolerance=-1)
    with pytest.raises(ValueError, match=r"`num_classes` must be at least 1. Received: num_classes=0"):
        SegmentationScores(0)
