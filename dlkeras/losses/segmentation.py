"""Losses of segmentation."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="dlkeras")
class SegmentationLoss(keras.losses.Loss):
    """Cross-entropy of pixels, the Dice loss of classes, or their weighted sum.

    Takes class numbers `(batch, height, width)`, or with an axis of length 1 behind, and logits `(batch, height, width,
    num_classes)`. Pixels of the ignored label count nowhere; each picture counts alike, whatever part of it is ignored,
    and one that is ignored as a whole has a loss of 0.

    The Dice loss of a class in a picture is 1 less twice the overlap of its probabilities and its pixels over the sum
    of both; a picture has the mean over those classes that are in it. It weighs small objects like large ones.

    Args:
        ignore_class: Label of the pixels that do not count; any number, below `num_classes` or not. None: all count.
        class_weights: What the cross-entropy of each class's pixels is multiplied by, at least 0; None: 1. They are not
            normalised.
        dice_weight: What the Dice loss is multiplied by, at least 0.
        cross_entropy_weight: What the cross-entropy is multiplied by, at least 0.

    Raises:
        ValueError: An argument is out of its range, or, as it is called, there is not one class weight a class.

    Source: Long et al. 2015, "Fully convolutional networks for semantic segmentation", section 4.3, there summed over
    the pixels; Milletari et al. 2016, "V-Net", section 3, there with squares in the denominator.
    """

    def __init__(
        self,
        ignore_class=None,
        class_weights=None,
        dice_weight=0.0,
        cross_entropy_weight=1.0,
        name="segmentation_loss",
        **kwargs,
    ):
        weights = {"dice_weight": dice_weight, "cross_entropy_weight": cross_entropy_weight}
        for key, value in weights.items():
            if not value >= 0:
                raise ValueError(f"`{key}` must be at least 0. Received: {key}={value}")
        if not any(weights.values()):
            raise ValueError("One of `dice_weight` and `cross_entropy_weight` must be above 0. Received: both 0")
        if class_weights is not None and not all(weight >= 0 for weight in class_weights):
            raise ValueError(f"`class_weights` must be at least 0. Received: class_weights={list(class_weights)}")
        super().__init__(name=name, **kwargs)
        self.ignore_class = ignore_class
        self.class_weights = None if class_weights is None else [float(weight) for weight in class_weights]
        self.dice_weight = dice_weight
        self.cross_entropy_weight = cross_entropy_weight

    def call(self, y_true, y_pred):
        """Gives the loss of each picture, `(batch,)`."""
        labels = ops.cast(ops.reshape(y_true, ops.shape(y_pred)[:-1]), "int32")  # (batch, height, width)
        counts = ops.ones_like(labels) if self.ignore_class is None else ops.not_equal(labels, self.ignore_class)
        # The ignored label may be no class at all, of which there is no cross-entropy.
        labels = ops.where(ops.cast(counts, "bool"), labels, 0)
        counts = ops.cast(counts, y_pred.dtype)
        loss = 0.0
        if self.cross_entropy_weight:
            loss += self.cross_entropy_weight * self._cross_entropy(labels, y_pred, counts)
        if self.dice_weight:
            loss += self.dice_weight * _dice(labels, y_pred, counts)
        return loss

    def _cross_entropy(self, labels, logits, counts):
        loss = counts * ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        if self.class_weights is not None:
            if len(self.class_weights) != logits.shape[-1]:
                raise ValueError(
                    f"`class_weights` must have one entry for each of the {logits.shape[-1]} classes. "
                    f"Received: class_weights={self.class_weights}"
                )
            loss *= ops.take(ops.convert_to_tensor(self.class_weights, dtype=loss.dtype), labels)
        return ops.sum(loss, axis=(1, 2)) / ops.maximum(ops.sum(counts, axis=(1, 2)), 1.0)

    def get_config(self):
        return {
            **super().get_config(),
            "ignore_class": self.ignore_class,
            "class_weights": self.class_weights,
            "dice_weight": self.dice_weight,
            "cross_entropy_weight": self.cross_entropy_weight,
        }


def _dice(labels, logits, counts):
    truth = counts[..., None] * ops.one_hot(labels, logits.shape[-1], dtype=logits.dtype)
    found = counts[..., None] * ops.softmax(logits)
    losses = keras.losses.dice(truth, found, axis=(1, 2))  # (batch, num_classes)
    present = ops.cast(ops.any(truth > 0, axis=(1, 2)), logits.dtype)
    return ops.sum(present * losses, axis=-1) / ops.maximum(ops.sum(present, axis=-1), 1.0)
