"""Losses of object detectors."""

import keras
import numpy as np
from keras import ops

from dlkeras.checks import check_choice, check_fraction, check_positive
from dlkeras.layers.matching import match_anchors
from dlkeras.ops.boxes import VARIANCES, encode

CLASSIFICATIONS = ("softmax", "focal")


@keras.saving.register_keras_serializable(package="dlkeras")
class MultiBoxLoss(keras.losses.Loss):
    """Loss of a detector that classifies anchor boxes and moves them onto the objects.

    Takes targets `(batch, max_boxes, 5)`, class number (-1 for padding) and relative `xyxy` box, and predictions
    `(batch, anchors, 4 + 1 + classes)`: offsets from the anchor, logits of the background and the classes. Anchors are
    matched with boxes by `dlkeras.layers.match_anchors`. To the loss of classification is added the smooth L1 distance
    of the offsets of matched anchors; both are summed over the picture and divided by the number of matched anchors,
    or by 1 where there is none.

    Args:
        anchors: Relative `xyxy` boxes `(anchors, 4)`.
        classification: `"softmax"`, the cross-entropy of the matched anchors and of those others that were taken for an
            object most, or `"focal"`, the focal loss of all anchors.
        negatives_per_positive: How many others count with `"softmax"` for each matched anchor. A picture without
            matched anchors counts as if it had one, so that it teaches something too.
        iou_threshold: Of matching, in [0, 1].
        variances: What offsets are divided by; see `dlkeras.ops.boxes.encode`.
        focal_gamma: How much less an anchor counts the surer its class is, at least 0.
        focal_alpha: Weight of matched anchors with `"focal"`, in [0, 1]; the others have the rest.
        box_weight: What the distance of offsets is multiplied by, at least 0.

    Raises:
        ValueError: An argument is out of its range.

    Source: Liu et al. 2016, "SSD: Single Shot MultiBox Detector", section 2.2; Lin et al. 2017, "Focal Loss for Dense
    Object Detection", section 3, there with a sigmoid a class.
    """

    def __init__(
        self,
        anchors,
        classification="softmax",
        negatives_per_positive=3,
        iou_threshold=0.5,
        variances=VARIANCES,
        focal_gamma=2.0,
        focal_alpha=0.25,
        box_weight=1.0,
        name="multi_box_loss",
        **kwargs,
    ):
        anchors = np.asarray(anchors, "float32")
        if anchors.ndim != 2 or anchors.shape[1] != 4:
            raise ValueError(f"`anchors` must have the shape (anchors, 4). Received: shape={anchors.shape}")
        check_choice("classification", classification, CLASSIFICATIONS)
        check_positive("negatives_per_positive", negatives_per_positive)
        check_fraction("iou_threshold", iou_threshold)
        check_fraction("focal_alpha", focal_alpha)
        for key, value in (("focal_gamma", focal_gamma), ("box_weight", box_weight)):
            if not value >= 0:
                raise ValueError(f"`{key}` must be at least 0. Received: {key}={value}")
        super().__init__(name=name, **kwargs)
        self.anchors = anchors
        self.classification = classification
        self.negatives_per_positive = negatives_per_positive
        self.iou_threshold = iou_threshold
        self.variances = tuple(variances)
        self.focal_gamma = focal_gamma
        self.focal_alpha = focal_alpha
        self.box_weight = box_weight

    def call(self, y_true, y_pred):
        """Gives the loss of each picture, `(batch,)`."""
        matches = match_anchors(y_true, self.anchors, self.iou_threshold)  # (batch, anchors)
        matched = matches >= 0
        rows = ops.take_along_axis(y_true, ops.maximum(matches, 0)[..., None], axis=1)  # (batch, anchors, 5)
        labels = ops.where(matched, ops.cast(rows[..., 0], "int32") + 1, 0)
        cross_entropy = ops.sparse_categorical_crossentropy(labels, y_pred[..., 4:], from_logits=True)
        positives = ops.maximum(ops.sum(ops.cast(matched, y_pred.dtype), axis=-1), 1.0)
        if self.classification == "focal":
            loss = self._focal(cross_entropy, matched)
        else:
            loss = self._with_hard_negatives(cross_entropy, matched, positives)
        # Keras's is the mean of the four coordinates, the paper's their sum.
        distance = 4 * keras.losses.huber(encode(rows[..., 1:], self.anchors, self.variances), y_pred[..., :4])
        return (loss + self.box_weight * _sum_where(matched, distance)) / positives

    def _focal(self, cross_entropy, matched):
        # Not quite 0: a power below 1 has no gradient there.
        doubt = ops.maximum(-ops.expm1(-cross_entropy), keras.config.epsilon())
        weight = ops.where(matched, self.focal_alpha, 1 - self.focal_alpha)
        return ops.sum(weight * ops.power(doubt, self.focal_gamma) * cross_entropy, axis=-1)

    def _with_hard_negatives(self, cross_entropy, matched, positives):
        hardest_first, _ = ops.top_k(ops.where(matched, 0.0, cross_entropy), cross_entropy.shape[-1])
        ranks = ops.arange(cross_entropy.shape[-1], dtype=positives.dtype)
        chosen = ranks < self.negatives_per_positive * positives[:, None]
        return _sum_where(matched, cross_entropy) + _sum_where(chosen, hardest_first)

    def get_config(self):
        return {
            **super().get_config(),
            "anchors": self.anchors.tolist(),
            "classification": self.classification,
            "negatives_per_positive": self.negatives_per_positive,
            "iou_threshold": self.iou_threshold,
            "variances": list(self.variances),
            "focal_gamma": self.focal_gamma,
            "focal_alpha": self.focal_alpha,
            "box_weight": self.box_weight,
        }


def _sum_where(condition, losses):
    return ops.sum(ops.where(condition, losses, 0.0), axis=-1)
