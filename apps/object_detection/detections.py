"""From what a model gives to what a person wants: boxes, classes and scores."""

import keras
import numpy as np
from keras import ops

from dlkeras.layers import NonMaximumSuppression
from dlkeras.ops.boxes import clip, decode

SCORE_THRESHOLD = 0.5
IOU_THRESHOLD = 0.45
# Average precision looks at every box that is better than nothing.
_LOWEST_SCORE = 0.01


class Detect(keras.layers.Layer):
    """Turns offsets and logits at anchors into detections, without those that show the same thing.

    It is called on `(batch, anchors, 4 + num_classes + 1)` and gives the dict of `NonMaximumSuppression`, with boxes
    relative to the picture. Thresholds are one number a picture, `(batch,)`, or `None` for 0.5 and 0.45.

    Args:
        anchors: Relative `xyxy` boxes `(anchors, 4)`.
    """

    def __init__(self, anchors, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self._anchors = anchors
        # A hundred more would cost another thirtieth of a prediction, for boxes that hardly ever matter.
        self._suppress = NonMaximumSuppression(candidates=300)

    def call(self, predictions, score_threshold=None, iou_threshold=None):
        boxes = clip(decode(predictions[..., :4], self._anchors))
        scores = ops.softmax(predictions[..., 4:])[..., 1:]
        return self._suppress(
            boxes,
            scores,
            score_threshold=SCORE_THRESHOLD if score_threshold is None else score_threshold,
            iou_threshold=IOU_THRESHOLD if iou_threshold is None else iou_threshold,
        )

    def in_batches(self, predictions, batch_size=32):
        """Gives the detections of many pictures as arrays, down to the lowest scores, for average precision."""
        parts = [
            self(predictions[row : row + batch_size], score_threshold=_LOWEST_SCORE)
            for row in range(0, len(predictions), batch_size)
        ]
        return {name: np.concatenate([ops.convert_to_numpy(part[name]) for part in parts]) for name in parts[0]}
