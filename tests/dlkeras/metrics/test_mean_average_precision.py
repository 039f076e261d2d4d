import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from dlkeras.metrics import MeanAveragePrecision

NAMES = ["ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large"]


def random_boxes(random, *shape, side=400):
    """Boxes of all three sizes, in pixels; whole numbers, so that overlaps can be equal."""
    centres = random.integers(0, side, (*shape, 2))
    sizes = random.choice([12, 24, 32, 60, 96, 180], (*shape, 2))
    return np.concatenate([centres, centres + sizes], -1).astype("float32")


def random_case(seed, pictures=12, max_boxes=8, found=20, num_classes=3):
    """Targets, detections near them and elsewhere, in scores with ties, and which boxes are crowds."""
    random = np.random.default_rng(seed)
    targets = np.concatenate(
        [random.integers(-1, num_classes, (pictures, max_boxes, 1)), random_boxes(random, pictures, max_boxes)], -1
    )
    targets[0, :, 0] = -1  # a picture without boxes
    targets[targets[..., 0] < 0] = [-1, 0, 0, 0, 0]
    chosen = random.integers(0, max_boxes, (pictures, found))
    nearby = np.take_along_axis(targets, chosen[..., None], 1)
    boxes = nearby[..., 1:] + random.choice([0, 0, 2, 4, 12], (pictures, found, 4))
    elsewhere = random.random((pictures, found)) < 0.3
    boxes[elsewhere] = random_boxes(random, elsewhere.sum())
    classes = np.where(random.random((pictures, found)) < 0.8, nearby[..., 0], random.integers(0, 3, (pictures, found)))
    classes[1] = -1  # and one without detections
    scores = random.integers(1, 12, (pictures, found)) / 12
    detections = {"boxes": boxes.astype("float32"), "classes": classes.astype("int32"), "scores": scores}
    return targets.astype("float32"), detections, random.random((pictures, max_boxes)) < 0.1


def pycocotools_figures(targets, detections, num_classes, crowds=None):
    """The first six figures of COCO's own program, and its average precision of each class at 0.5."""
    truths, found = [], []
    for picture, rows in enumerate(targets):
        for number, (label, left, top, right, bottom) in enumerate(rows.tolist()):
            if label >= 0:
                box = [left, top, right - left, bottom - top]
                crowd = int(crowds is not None and crowds[picture, number])
                row = {"image_id": picture, "category_id": int(label), "bbox": box, "area": box[2] * box[3]}
                truths.append({**row, "id": len(truths) + 1, "iscrowd": crowd})
        for (left, top, right, bottom), label, score in zip(
            *(detections[name][picture].tolist() for name in ("boxes", "classes", "scores")), strict=True
        ):
            if label >= 0:
                box = [left, top, right - left, bottom - top]
                found.append({"image_id": picture, "category_id": label, "bbox": box, "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": [{"id": picture} for picture in range(len(targets))],
            "annotations": truths,
            "categories": [{"id": label} for label in range(num_classes)],
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    classes = evaluation.eval["precision"][0, :, :, 0, 2].mean(0)
    return dict(zip(NAMES, evaluation.stats[:6], strict=True)), classes


def assert_as_pycocotools(targets, detections, num_classes, crowds=None):
    metric = MeanAveragePrecision(num_classes)
    for rows in np.array_split(np.arange(len(targets)), 3):
        part = {name: value[rows] for name, value in detections.items()}
        metric.update(targets[rows], part, difficult=None if crowds is None else crowds[rows])
    figures, classes = pycocotools_figures(targets, detections, num_classes, crowds)
    result = metric.result()
    assert list(result) == NAMES
    for ours, theirs in [
        *zip(result.values(), figures.values(), strict=True),
        *zip(metric.per_class(), classes, strict=True),
    ]:
        assert ours == pytest.approx(theirs if theirs > -1 else np.nan, abs=1e-6, nan_ok=True)
    return result


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("with_crowds", [False, True])
def test_equals_pycocotools(seed, with_crowds):
    targets, detections, crowds = random_case(seed)
    # One class more than there are: it counts for nothing.
    result = assert_as_pycocotools(targets, detections, 4, crowds if with_crowds else None)
    assert all(0.05 < value < 0.95 for value in result.values())


def test_equals_pycocotools_where_figures_have_no_boxes():
    targets, detections, _ = random_case(9)
    targets[..., 3:] = targets[..., 1:3] + 10  # all are small
    assert np.isnan(assert_as_pycocotools(targets, detections, 3)["ap_large"])


def test_equals_pycocotools_beyond_100_detections_of_a_class():
    targets, detections, _ = random_case(3, pictures=3, found=500)
    assert max(np.bincount(row[row >= 0]).max(initial=0) for row in detections["classes"]) > 100
    assert_as_pycocotools(targets, detections, 3)


def test_equals_pycocotools_at_overlaps_on_a_threshold():
    # A tenth of the true box's width more a detection: overlaps of 0.5, 0.6, ... 1, to the last bit.
    targets = np.array([[[0, 0, 0, 100, 100]]] * 6, "float32")
    boxes = np.array([[[0, 0, width, 100]] for width in (50, 60, 70, 80, 90, 100)], "float32")
    scores = np.array([[0.1], [0.2], [0.3], [0.4], [0.5], [0.6]])
    result = assert_as_pycocotools(targets, {"boxes": boxes, "classes": np.zeros((6, 1), int), "scores": scores}, 1)
    assert result["ap50"] == 1


def one_picture(true_boxes, boxes):
    """Targets and detections of one class and picture, the surest first, three times over."""
    targets = np.array([[[0, *box] for box in true_boxes]] * 3, "float32")
    scores = np.tile(np.linspace(0.9, 0.1, len(boxes)), (3, 1))
    return targets, {"boxes": np.array([boxes] * 3), "classes": np.zeros((3, len(boxes)), int), "scores": scores}


def test_equals_pycocotools_where_two_boxes_are_overlapped_alike():
    # The first detection overlaps both by 9/11 and takes the last, which leaves the second its better one, by 0.8.
    case = one_picture([[0, 0, 100, 100], [20, 0, 120, 100]], [[10, 0, 110, 100], [0, 0, 80, 100]])
    assert assert_as_pycocotools(*case, 1)["ap75"] == pytest.approx(1)


def test_equals_pycocotools_where_a_crowd_is_overlapped_more():
    # The detection lies in the crowd, and overlaps the true box by 80/98.
    case = one_picture([[0, 0, 100, 100], [0, 0, 100, 80]], [[0, 0, 100, 98]])
    assert assert_as_pycocotools(*case, 1, np.array([[True, False]] * 3))["ap75"] == pytest.approx(1)


def test_relative_boxes_are_scaled():
    targets, detections, _ = random_case(0)
    pixels, relative = MeanAveragePrecision(3), MeanAveragePrecision(3)
    pixels.update(targets, detections)
    shapes = np.tile([256, 512], (len(targets), 1))  # powers of two: nothing is rounded
    scale = np.array([512, 256, 512, 256])
    small = np.concatenate([targets[..., :1], targets[..., 1:] / scale], -1)
    relative.update(small, {**detections, "boxes": detections["boxes"] / scale}, shapes)
    assert relative.result() == pixels.result()


def test_without_detections_and_without_anything():
    nothing = {"boxes": np.zeros((1, 2, 4)), "classes": np.full((1, 2), -1), "scores": np.zeros((1, 2))}
    metric = MeanAveragePrecision(2)
    assert np.isnan(list(metric.result().values())).all()
    metric.update([[[-1, 0, 0, 0, 0]]], nothing)
    assert np.isnan(list(metric.result().values())).all()
    metric.update([[[1, 0, 0, 100, 100]]], nothing)
    result = metric.result()
    assert result["ap"] == result["ap50"] == result["ap75"] == result["ap_large"] == 0
    assert np.isnan(result["ap_small"]) and np.isnan(result["ap_medium"])
    np.testing.assert_array_equal(metric.per_class(), [np.nan, 0])


def voc_case():
    """Four boxes of class 0, one of them difficult, and six detections of which two are right."""
    true = [[0, 0, 0, 10, 10], [0, 20, 0, 30, 10], [0, 40, 0, 50, 10], [0, 60, 0, 70, 10], [1, 80, 0, 90, 10]]
    boxes = [
        [0, 0, 10, 10],  # right
        [0, 0, 10, 9],  # the same box again: wrong
        [60, 0, 70, 10],  # difficult: neither
        [60, 0, 70, 10],  # difficult again: neither
        [20, 0, 30, 5],  # overlap of exactly a half: right
        [80, 0, 90, 10],  # a box of the other class: wrong
    ]
    detections = {"boxes": [boxes], "classes": [[0] * 6], "scores": [[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]]}
    return [true], detections, [[False, False, False, True, False]]


def test_voc_by_hand():
    # Of three boxes. After each detection that counts: recall 1/3, 1/3, 2/3, 2/3; precision 1, 1/2, 2/3, 1/2.
    targets, detections, difficult = voc_case()
    metric = MeanAveragePrecision(3, "voc")
    metric.update(targets, detections, difficult=difficult)
    np.testing.assert_allclose(metric.per_class(), [1 / 3 * 1 + 1 / 3 * 2 / 3, 0, np.nan])
    assert metric.result() == {"ap50": pytest.approx(5 / 18)}


def test_voc_2007_by_hand():
    # Recalls 0, 0.1, 0.2, 0.3 have precision 1; 0.4, 0.5, 0.6 have 2/3; the other four are not reached.
    targets, detections, difficult = voc_case()
    metric = MeanAveragePrecision(3, "voc2007")
    metric.update(targets, detections, difficult=difficult)
    np.testing.assert_allclose(metric.per_class(), [(4 + 3 * 2 / 3) / 11, 0, np.nan])
    assert metric.result() == {"ap50": pytest.approx(3 / 11)}


def test_voc_2007_reaches_a_recall_that_a_float_would_miss():
    # Three boxes of ten: recall 0.3 is reached, though 3 * 0.1 is more than 0.3. Levels 0 to 0.3 of 11.
    targets = [[[0, 20 * i, 0, 20 * i + 10, 10] for i in range(10)]]
    boxes = [[box[1:] for box in targets[0][:3]]]
    metric = MeanAveragePrecision(1, "voc2007")
    metric.update(targets, {"boxes": boxes, "classes": [[0] * 3], "scores": [[0.5] * 3]})
    assert metric.result()["ap50"] == pytest.approx(4 / 11)


def test_voc_takes_the_box_of_most_overlap_and_coco_a_free_one():
    # Both detections overlap the first box most; the second overlaps the other box by a half too.
    targets = [[[0, 0, 0, 12, 10], [0, 4, 0, 16, 10]]]
    found = {"boxes": [[[0, 0, 12, 10], [1, 0, 13, 10]]], "classes": [[0, 0]], "scores": [[0.9, 0.8]]}
    voc, coco = MeanAveragePrecision(1, "voc"), MeanAveragePrecision(1)
    voc.update(targets, found)
    coco.update(targets, found)
    assert voc.result()["ap50"] == pytest.approx(0.5)
    assert coco.result()["ap50"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targets": np.zeros((1, 2, 4))}, r"`targets` must be \(batch, max_boxes, 5\).* targets \(1, 2, 4\)"),
        ({"boxes": np.zeros((2, 3, 4))}, r"boxes \(2, 3, 4\)"),
        ({"scores": np.zeros((1, 2))}, r"scores \(1, 2\)"),
        ({"classes": [[0, 3, 0]]}, r"below `num_classes`, 3. Received: class 3"),
        ({"targets": [[[4, 0, 0, 1, 1]]]}, "Received: class 4"),
        ({"image_shapes": [[2]]}, r"`image_shapes` must have shape \(1, 2\). Received: image_shapes.shape=\(1, 1\)"),
        ({"difficult": [True]}, r"`difficult` must have shape \(1, 2\)"),
    ],
)
def test_refuses(changes, message):
    detections = {"boxes": np.zeros((1, 3, 4)), "classes": [[0, 0, 0]], "scores": np.zeros((1, 3))}
    arguments = {"targets": np.zeros((1, 2, 5)), "image_shapes": None, "difficult": None} | changes
    detections |= {name: arguments.pop(name) for name in detections if name in arguments}
    with pytest.raises(ValueError, match=message):
        MeanAveragePrecision(3).update(detections=detections, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1"),
        ({"num_classes": 1, "rules": "kitti"}, "`rules` must be one of coco, voc, voc2007. Received: rules='kitti'"),
    ],
)
def test_refuses_to_be_made(arguments, message):
    with pytest.raises(ValueError, match=message):
        MeanAveragePrecision(**arguments)
