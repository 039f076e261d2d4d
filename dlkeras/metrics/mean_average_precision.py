"""Mean average precision of detected boxes, by the rules of COCO and of PASCAL VOC, in NumPy."""

import functools
import warnings

import numpy as np

from dlkeras.checks import check_choice, check_num_classes

# As COCO's own evaluation computes them: the last bit of a threshold decides where an overlap is exactly 0.6.
_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0.0, 1.0, 101)
_AREAS = np.array([[0, 1e10], [0, 32**2], [32**2, 96**2], [96**2, 1e10]])  # all, small, medium, large
_MAX_DETECTIONS = 100


class MeanAveragePrecision:
    """How well detections fit the true boxes: the area under precision over recall, averaged over the classes.

    Give it every batch by `update`, then ask for `result`. Figures that no true box counts for are NaN, where
    pycocotools has -1; else `rules="coco"` gives pycocotools' figures.

    Args:
        num_classes: Number of classes.
        rules: `"coco"` (the mean over 10 overlaps from 0.5 to 0.95, 101 points of recall, the best 100 detections of
            a class in a picture), `"voc"` (overlap 0.5, the whole area; PASCAL VOC 2010 and after) or `"voc2007"`
            (overlap 0.5, 11 points of recall). VOC's own program counts the last pixel of a box as its inside; here
            boxes are edges, as everywhere.

    Raises:
        ValueError: An argument is out of its range.

    Source: Lin et al. 2014, "Microsoft COCO", and cocodataset.org/#detection-eval; Everingham et al. 2010, "The PASCAL
    Visual Object Classes (VOC) Challenge", section 4.2, and the development kits of 2007 and 2012.
    """

    def __init__(self, num_classes, rules="coco"):
        check_num_classes(num_classes)
        check_choice("rules", rules, _RULES)
        self.num_classes = num_classes
        self.rules = rules
        self._match, self._average = _RULES[rules]
        self._areas = _AREAS if rules == "coco" else _AREAS[:1]
        self._true_boxes = np.zeros((len(self._areas), num_classes), int)
        self._classes, self._scores, self._right, self._wrong = [], [], [], []

    def update(self, targets, detections, image_shapes=None, difficult=None):
        """Adds a batch of pictures; the order of pictures decides between equal scores.

        Args:
            targets: `(batch, max_boxes, 5)`: class number, then the box as xyxy; rows of class -1 hold no box.
            detections: A dict of `boxes (batch, max_detections, 4)`, in the coordinates of the targets, `classes`
                (-1 where there is none) and `scores`, both `(batch, max_detections)`.
            image_shapes: `(batch, 2)`, height and width in pixels, where the boxes are relative. COCO's small, medium
                and large are areas in pixels: without it boxes are taken to be in pixels.
            difficult: Bool `(batch, max_boxes)`: boxes that need not be found, and cost nothing where they are. By
                COCO's rules these are crowds (`iscrowd`), which take any number of detections inside of them.

        Raises:
            ValueError: The shapes do not fit, or a class is not below `num_classes`.
        """
        targets, boxes, classes, scores = self._checked(targets, detections)
        image_shapes = _of_shape("image_shapes", image_shapes, np.ones((len(targets), 2)))
        difficult = _of_shape("difficult", difficult, np.zeros(targets.shape[:2], bool))
        scale = image_shapes[:, [1, 0, 1, 0]]
        for row in range(len(targets)):
            true, found = targets[row, :, 0] >= 0, classes[row] >= 0
            self._add_picture(
                targets[row, true, 0].astype(int),
                targets[row, true, 1:] * scale[row],
                difficult[row, true],
                classes[row, found],
                boxes[row, found] * scale[row],
                scores[row, found],
            )

    def result(self):
        """Returns the figures of all pictures so far, as a dict of floats in [0, 1].

        Returns:
            By COCO's rules `ap`, `ap50`, `ap75`, `ap_small`, `ap_medium` and `ap_large`; by VOC's `ap50`. NaN where no
            true box counts.
        """
        figures = self._average_precisions()  # (areas, thresholds, classes)
        if self.rules != "coco":
            return {"ap50": _mean(figures)}
        by_area = dict(zip(("ap", "ap_small", "ap_medium", "ap_large"), map(_mean, figures), strict=True))
        return {"ap": by_area.pop("ap"), "ap50": _mean(figures[0, 0]), "ap75": _mean(figures[0, 5]), **by_area}

    def per_class(self):
        """Returns the average precision of each class at overlap 0.5, `(num_classes,)`; NaN without a true box."""
        return self._average_precisions()[0, 0]

    def _checked(self, targets, detections):
        targets = np.asarray(targets, "float64")
        boxes, scores = (np.asarray(detections[name], "float64") for name in ("boxes", "scores"))
        classes = np.asarray(detections["classes"], int)
        fits = targets.ndim == 3 and targets.shape[-1] == 5 and boxes.shape[:1] == targets.shape[:1]
        if not fits or boxes.shape != (*classes.shape, 4) or scores.shape != classes.shape:
            raise ValueError(
                "`targets` must be (batch, max_boxes, 5), and the detections' `boxes` (batch, max_detections, 4), "
                "`classes` and `scores` (batch, max_detections). Received shapes: "
                f"targets {targets.shape}, boxes {boxes.shape}, classes {classes.shape}, scores {scores.shape}"
            )
        highest = max(targets[..., 0].max(initial=-1), classes.max(initial=-1))
        if highest >= self.num_classes:
            raise ValueError(f"Classes must be below `num_classes`, {self.num_classes}. Received: class {highest:g}")
        return targets, boxes, classes, scores

    def _add_picture(self, true_classes, true_boxes, difficult, classes, boxes, scores):
        """Matches one picture's detections, all classes at once, and keeps what became of them."""
        order = np.argsort(-scores, kind="stable")
        if self.rules == "coco":
            order = order[_ranks(classes[order]) < _MAX_DETECTIONS]
        classes, boxes, scores = classes[order], boxes[order], scores[order]

        crowds = difficult if self.rules == "coco" else np.zeros_like(difficult)
        overlaps = _overlaps(boxes, true_boxes, crowds)
        overlaps[classes[:, None] != true_classes] = 0  # so that none is matched across classes
        ignored = _outside(true_boxes, self._areas) | difficult  # (areas, true boxes)
        matched, left_out = self._match(overlaps, ignored, crowds)
        left_out |= ~matched & _outside(boxes, self._areas).T[:, :, None]

        for area, counts in enumerate(self._true_boxes):
            counts += np.bincount(true_classes[~ignored[area]], minlength=self.num_classes)
        self._classes.append(classes)
        self._scores.append(scores)
        self._right.append(matched & ~left_out)
        self._wrong.append(~matched & ~left_out)

    def _average_precisions(self):
        """Returns `(areas, thresholds, classes)`."""
        thresholds = len(_THRESHOLDS) if self.rules == "coco" else 1
        figures = np.full((len(self._areas), thresholds, self.num_classes), np.nan)
        figures[np.broadcast_to(self._true_boxes[:, None] > 0, figures.shape)] = 0
        if not self._classes:
            return figures
        classes, scores, right, wrong = map(np.concatenate, (self._classes, self._scores, self._right, self._wrong))
        for label in np.unique(classes):
            rows = np.flatnonzero(classes == label)
            rows = rows[np.argsort(-scores[rows], kind="stable")]
            true_positives, false_positives = np.cumsum(right[rows], 0), np.cumsum(wrong[rows], 0)
            precision = true_positives / np.maximum(true_positives + false_positives, 1)
            # The precision at a recall is the best one at that recall or beyond.
            precision = np.maximum.accumulate(precision[::-1])[::-1]
            for area in np.flatnonzero(self._true_boxes[:, label]):
                recall = true_positives[:, area] / self._true_boxes[area, label]
                figures[area, :, label] = [
                    self._average(recall[:, column], precision[:, area, column]) for column in range(thresholds)
                ]
        return figures


def _of_shape(name, value, default):
    value = default if value is None else np.asarray(value, default.dtype)
    if value.shape != default.shape:
        raise ValueError(f"`{name}` must have shape {default.shape}. Received: {name}.shape={value.shape}")
    return value


def _mean(figures):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return float(np.nanmean(figures))


def _ranks(classes):
    """Numbers the entries of each class from 0, in their order."""
    order = np.argsort(classes, kind="stable")
    ranks = np.empty(len(classes), int)
    ranks[order] = np.arange(len(classes)) - np.searchsorted(classes[order], classes[order])
    return ranks


def _sizes(boxes):
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _outside(boxes, areas):
    """Says which boxes are smaller or larger than each range, bool `(areas, boxes)`."""
    sizes = _sizes(boxes)
    return (sizes < areas[:, :1]) | (sizes > areas[:, 1:])


def _overlaps(boxes, true_boxes, crowds):
    """Intersection over union `(detections, true boxes)`; for crowds, over the detection's own area."""
    sides = np.minimum(boxes[:, None, 2:], true_boxes[:, 2:]) - np.maximum(boxes[:, None, :2], true_boxes[:, :2])
    intersection = np.maximum(sides, 0).prod(-1)
    own = _sizes(boxes)[:, None]
    union = np.where(crowds, own, own + _sizes(true_boxes) - intersection)
    return np.divide(intersection, union, out=np.zeros_like(union), where=intersection > 0)


def _match_coco(overlaps, ignored, crowds):
    """Gives each detection, the surest first, the free true box that it overlaps most, in every area and threshold.

    Returns:
        Two bool arrays `(detections, areas, thresholds)`: matched, and matched to a box that is ignored.
    """
    # Of equal overlaps COCO takes the last box, `argmax` the first.
    overlaps, ignored, crowds = overlaps[:, ::-1], ignored[:, ::-1], crowds[::-1]
    matched = np.zeros((len(overlaps), len(ignored), len(_THRESHOLDS)), bool)
    left_out = matched.copy()
    free = np.ones((*matched.shape[1:], len(crowds)), bool)
    area, threshold = np.ogrid[: len(ignored), : len(_THRESHOLDS)]
    for row in np.flatnonzero((overlaps >= _THRESHOLDS[0]).any(1)):
        fits = free & (overlaps[row] >= _THRESHOLDS[:, None])  # (areas, thresholds, true boxes)
        counting = fits & ~ignored[:, None]
        # A box that is ignored is taken only where no other fits, however well it fits itself.
        fits = np.where(counting.any(-1, keepdims=True), counting, fits)
        best = np.where(fits, overlaps[row], -1).argmax(-1)
        matched[row] = fits.any(-1)
        left_out[row] = matched[row] & ignored[area, best]
        free[area, threshold, best] &= ~matched[row] | crowds[best]
    return matched, left_out


def _match_voc(overlaps, ignored, crowds):
    """Gives each detection the true box that it overlaps most, taken or not: a second one on a box is wrong.

    Returns:
        As `_match_coco`, of one area and one threshold.
    """
    matched = np.zeros((len(overlaps), 1, 1), bool)
    left_out = matched.copy()
    free = np.ones(overlaps.shape[1], bool)
    for row in np.flatnonzero((overlaps >= _THRESHOLDS[0]).any(1)):
        best = overlaps[row].argmax()
        left_out[row] = ignored[0, best]
        matched[row] = free[best]
        free[best] = False
    return matched, left_out


def _at_recalls(recall, precision, levels):
    """The mean precision at some levels of recall; 0 at those that are not reached."""
    return np.append(precision, 0)[np.searchsorted(recall, levels)].mean()


def _whole_area(recall, precision):
    return (np.diff(recall, prepend=0) * precision).sum()


_RULES = {
    "coco": (_match_coco, functools.partial(_at_recalls, levels=_RECALLS)),
    "voc": (_match_voc, _whole_area),
    "voc2007": (_match_voc, functools.partial(_at_recalls, levels=np.arange(11) / 10)),
}
