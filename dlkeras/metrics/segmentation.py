"""Measures of segmentation, from confusion matrices and boundaries, in NumPy.

In training `keras.metrics.MeanIoU(num_classes, ignore_class=..., sparse_y_pred=False)` gives the same mean IoU, of
logits, and `keras.metrics.MeanIoU` is all that is needed there.
"""

import warnings

import numpy as np

from dlkeras.checks import check_num_classes


class SegmentationScores:
    """How well predicted classes fit the true ones, pixel by pixel and along the boundaries.

    Give it every batch by `update`, then ask for `result`. Pixels of the ignored label count nowhere. Figures of what
    does not occur are NaN.

    The boundary F1 of a class in a picture is the harmonic mean of precision, the share of its predicted boundary that
    lies within a tolerance of the true one, and recall, the share of the true boundary within it of the predicted one.
    A class has the mean over those pictures where it is among the labels or the predictions.

    Args:
        num_classes: Number of classes, at least 1.
        ignore_class: Label of the pixels that do not count. Where it is a class too, below `num_classes`, that class is
            left out of the means. None: all pixels count.
        tolerance: How far boundaries may be apart, in pixels, at least 0; the paper has 0.75 % of the diagonal, which
            is 2.25 pixels at 240 x 180.

    Raises:
        ValueError: An argument is out of its range.

    Source: Long et al. 2015, "Fully convolutional networks for semantic segmentation", section 5; Csurka et al. 2013,
    "What is a good evaluation measure for semantic segmentation?", section 3.
    """

    def __init__(self, num_classes, ignore_class=None, tolerance=2.0):
        check_num_classes(num_classes)
        if not tolerance >= 0:
            raise ValueError(f"`tolerance` must be at least 0. Received: tolerance={tolerance}")
        self.num_classes = num_classes
        self.ignore_class = ignore_class
        self.tolerance = tolerance
        self.confusion = np.zeros((num_classes, num_classes), "int64")  # (true class, predicted class)
        self._boundary_sums = np.zeros(num_classes)
        self._boundary_counts = np.zeros(num_classes, "int64")

    def update(self, labels, predictions):
        """Adds a batch of pictures.

        Args:
            labels: Whole numbers `(batch, height, width)`, the true classes.
            predictions: Likewise, the predicted ones.

        Raises:
            ValueError: The shapes do not fit, or a class is not in [0, `num_classes`).
        """
        labels, predictions, counts = self._checked(labels, predictions)
        pairs = labels[counts] * self.num_classes + predictions[counts]
        self.confusion += np.bincount(pairs, minlength=self.num_classes**2).reshape(self.confusion.shape)
        for true, found in zip(np.where(counts, labels, -1), np.where(counts, predictions, -1), strict=True):
            scores = self._boundary_scores(true, found)
            occurs = ~np.isnan(scores)
            self._boundary_sums[occurs] += scores[occurs]
            self._boundary_counts += occurs

    def result(self):
        """Returns the figures of all pictures so far, as a dict of floats in [0, 1].

        Returns:
            `pixel_accuracy`; `mean_accuracy`, the mean over the classes of the share of their pixels that is found;
            `mean_iou`, the mean over the classes that occur; `boundary_f1`, likewise.
        """
        right, true = np.diag(self.confusion), self.confusion.sum(axis=1)
        per_class = self.per_class()
        return {
            "pixel_accuracy": float(_ratio(right.sum(), true.sum())),
            "mean_accuracy": _mean(_ratio(right, true)),
            "mean_iou": _mean(per_class["iou"]),
            "boundary_f1": _mean(per_class["boundary_f1"]),
        }

    def per_class(self):
        """Returns the figures of each class.

        Returns:
            A dict of `iou`, the pixels that are of the class and predicted so over those that are either, and
            `boundary_f1`, both `(num_classes,)`; NaN where the class does not occur, and of the ignored one.
        """
        right = np.diag(self.confusion)
        either = self.confusion.sum(axis=0) + self.confusion.sum(axis=1) - right
        figures = {
            "iou": _ratio(right, either),
            "boundary_f1": _ratio(self._boundary_sums, self._boundary_counts),
        }
        if self.ignore_class in range(self.num_classes):
            for values in figures.values():
                values[self.ignore_class] = np.nan
        return figures

    def _checked(self, labels, predictions):
        labels, predictions = (np.asarray(array).astype("int64") for array in (labels, predictions))
        if labels.ndim != 3 or labels.shape != predictions.shape:
            raise ValueError(
                "`labels` and `predictions` must be (batch, height, width). "
                f"Received shapes: {labels.shape} and {predictions.shape}"
            )
        counts = np.ones(labels.shape, bool) if self.ignore_class is None else labels != self.ignore_class
        for name, classes in (("labels", labels[counts]), ("predictions", predictions)):
            if classes.size and not 0 <= classes.min() <= classes.max() < self.num_classes:
                raise ValueError(
                    f"`{name}` must be in [0, {self.num_classes}). Received: {classes.min()} to {classes.max()}"
                )
        return labels, predictions, counts

    def _boundary_scores(self, true, found):
        """Returns the boundary F1 of each class in one picture, `(num_classes,)`; NaN of those that are not in it."""
        classes = np.union1d(true[true >= 0], found[found >= 0])
        of_true, of_found = (classes[:, None, None] == _boundary(array) for array in (true, found))
        precision = _share(of_found, _widened(of_true, self.tolerance))
        recall = _share(of_true, _widened(of_found, self.tolerance))
        scores = np.full(self.num_classes, np.nan)
        scores[classes] = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        return scores


def _ratio(part, whole):
    """Divides; NaN where there is nothing to divide by."""
    part, whole = np.asarray(part, "float64"), np.asarray(whole)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def _mean(figures):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return float(np.nanmean(figures))


def _boundary(classes):
    """Keeps the class of pixels that have another class on one of their four sides; the others become -1.

    Pixels without a class (-1), and what lies beyond the picture, bound nothing.
    """
    padded = np.pad(classes, 1, constant_values=-1)
    sides = np.stack([padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]])
    return np.where(((sides >= 0) & (sides != classes)).any(axis=0), classes, -1)


def _widened(masks, radius):
    """Adds to masks `(classes, height, width)` every pixel that is at most `radius` pixels away."""
    reach = min(int(radius), max(masks.shape[1:]))
    padded = np.pad(masks, ((0, 0), (reach, reach), (reach, reach)))
    height, width = masks.shape[1:]
    steps = range(-reach, reach + 1)
    answer = masks.copy()
    for down, right in ((down, right) for down in steps for right in steps if down**2 + right**2 <= radius**2):
        answer |= padded[:, reach + down : reach + down + height, reach + right : reach + right + width]
    return answer


def _share(of, within):
    """Returns what part of each mask lies within another, `(classes,)`; of an empty mask, all where both are empty."""
    count = of.sum(axis=(1, 2))
    both_empty = (count == 0) & ~within.any(axis=(1, 2))
    return np.where(both_empty, 1, (of & within).sum(axis=(1, 2)) / np.maximum(count, 1))
